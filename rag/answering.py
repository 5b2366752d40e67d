"""From a question to a verified answer.

``Answerer.stream`` is the way of a question: rewrite, retrieve, decide, generate, verify, compose.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from models.protocols import Cancelled, Embedder, LanguageModel
from rag import conversation
from rag.answer import (
    Answer,
    AnswerReady,
    AnswerSentence,
    Citation,
    Event,
    Evidence,
    EvidenceFound,
    OtherOutlet,
    Reason,
    Retrieved,
    Timings,
    Token,
)
from rag.attribution import speaker_of
from rag.decision import load_decision
from rag.excerpts import clip, snap
from rag.expectations import expected, meets
from rag.language import answer_language, detect_language
from rag.phrases import phrase
from rag.prompts import answer_prompt
from rag.retrieval import Retriever, in_article_order
from rag.sentences import split_sentences
from rag.settings import Settings
from rag.translation import Translator
from rag.verification import Claim, Verdict, Verifier
from vectorstore.store import Store
from vectorstore.types import Filters

LONGEST_SENTENCE = 420  # characters of a sentence in the prompt, about 140 tokens of Arabic
MOST_WORDS = 75  # of an answer
_CITED = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Source:
    """An evidence sentence as the model sees it.

    ``shown``: its words in the prompt, clipped, translated where the answer is in another
    language; ``start``, ``end``: the clip in the article; ``speaker``: who says it, where the
    sentence itself does not name them.
    """

    evidence: Evidence
    language: str
    shown: str
    start: int
    end: int
    speaker: str | None
    speaker_at: tuple[int, int] | None


@dataclass(frozen=True)
class Draft:
    """What the model wrote: its short answer and its sentences."""

    short: str
    sentences: tuple[str, ...]


class Answerer:
    """Answers questions over one store with one embedder and one language model."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        verifier: Verifier,
        translator: Translator,
        language_model: Callable[[], LanguageModel] | None,
        settings: Settings,
        embedder: Callable[[], Embedder],
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._verifier = verifier
        self._translator = translator
        self._language_model = language_model
        self._settings = settings
        self._embedder = embedder

    def stream(
        self,
        question: str,
        *,
        language: str = "auto",
        filters: Filters | None = None,
        history: Sequence[Mapping[str, str]] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Evidence first, then the model's unverified words, then the verified answer."""
        clock = _Clock()
        filters = filters or Filters()
        history = conversation.bounded(history)
        language = answer_language(question, language)
        if reply := conversation.small_talk(question, language):
            yield AnswerReady(self._said(question, language, reply, clock))
            return
        retrieved = self._retriever.retrieve(
            conversation.standalone(question, history), filters=filters
        )
        retrieved = replace(retrieved, question=question)
        yield EvidenceFound(retrieved)
        decision = load_decision(self._embedder().identity.name)
        probability = decision.probability(retrieved.signals)
        if not retrieved.evidence or probability < decision.threshold:
            reason = self._reason(retrieved, filters)
            yield AnswerReady(self._declined(retrieved, language, reason, 1 - probability, clock))
            return
        sources = self._read(question, history, retrieved, language)
        try:
            draft = yield from self._generate(question, history, sources, language, cancel, clock)
        except Cancelled:
            yield AnswerReady(self._declined(retrieved, language, "cancelled", 0.0, clock))
            return
        answer = self._compose(retrieved, sources, draft, language, probability, clock)
        yield AnswerReady(answer)

    # -- the steps -------------------------------------------------------------------------------

    def _read(
        self,
        question: str,
        history: Sequence[Mapping[str, str]],
        retrieved: Retrieved,
        language: str,
    ) -> list[Source]:
        """The best sentences in article order, clipped to what the question asks about."""
        chosen = in_article_order(retrieved.evidence[: self._settings.evidence_sentences])
        asked = conversation.standalone(question, history)
        sources = []
        for e in chosen:
            article = self._store.get(e.article_id).article
            crossed = article.language != detect_language(asked)
            start, end = clip(
                e.quote, self._retriever.word_weights(asked, crossed), LONGEST_SENTENCE
            )
            spans = split_sentences(article.text)
            index = next((i for i, s in enumerate(spans) if s.end > e.start), None)
            speaker = speaker_of(article.text, spans, index) if index is not None else None
            named_here = (
                speaker is not None and speaker.sentence.start <= e.start < speaker.sentence.end
            )
            sources.append(
                Source(
                    e,
                    article.language,
                    e.quote[start:end],
                    e.start + start,
                    e.start + end,
                    speaker.name if speaker and not named_here else None,
                    (speaker.sentence.start, speaker.sentence.end)
                    if speaker and not named_here
                    else None,
                )
            )
        return sources

    def _generate(
        self,
        question: str,
        history: Sequence[Mapping[str, str]],
        sources: list[Source],
        language: str,
        cancel: threading.Event | None,
        clock: _Clock,
    ) -> Iterator[Token]:
        """Yield the model's words and return the draft; an empty draft without a model."""
        if self._language_model is None:
            return Draft("", ())
        model = self._language_model()
        if language == "en":
            for i, source in enumerate(sources):
                if source.language == "ar":
                    text = yield from self._translator.translate(
                        model, source.shown, question, cancel
                    )
                    clock.first_token()
                    sources[i] = replace(source, shown=text)
        prompt = answer_prompt(language)
        asked = conversation.standalone(question, history)
        messages = prompt.messages(
            sentences=prompt.numbered([(_heading(s), s.shown) for s in sources]), question=asked
        )
        written = ""
        for piece in model.generate(
            messages,
            constant=prompt.constant,
            max_tokens=self._settings.answer_tokens,
            stop=("\n\n",),
            cancel=cancel,
        ):
            clock.first_token()
            written += piece
            yield Token(piece)
        return _parse(written, prompt.short, prompt.long)

    def _compose(
        self,
        retrieved: Retrieved,
        sources: Sequence[Source],
        draft: Draft,
        language: str,
        probability: float,
        clock: _Clock,
    ) -> Answer:
        """Keep what is supported, add the article's own words, number the citations."""
        cite = _Citer(self._store)
        sentences: list[AnswerSentence] = []
        path = "quoted"
        used: list[int] = []
        kind = expected(retrieved.question)
        written = _CITED.sub("", " ".join(draft.sentences))
        drafted = draft.sentences if meets(written, kind) else ()
        for text in drafted:
            verdict = self._verify(text, sources, language)
            if not verdict.supported:
                continue
            path = "generated"
            numbers = tuple(dict.fromkeys(n for i in verdict.evidence for n in cite(sources[i])))
            used.extend(i for i in verdict.evidence if i not in used)
            plain = _CITED.sub("", text).strip().rstrip(".،, ")
            marks = "".join(f"[{n}]" for n in numbers)
            sentences.append(AnswerSentence(f"{plain} {marks}.", numbers, True, verdict.support))
        said = " ".join(s.text for s in sentences)
        by_rank = {(e.article_id, e.start): i for i, e in enumerate(retrieved.evidence)}
        ranked = sorted(
            range(len(sources)),
            key=lambda i: by_rank[sources[i].evidence.article_id, sources[i].evidence.start],
        )
        quotes = (used or ranked)[: 1 if used else 2]
        for i in quotes:
            source = sources[i]
            room = MOST_WORDS - len(said.split())
            quoted = self._quoted(source, retrieved.question, language, room)
            if quoted is None:
                continue
            numbers = cite(source)
            marks = "".join(f"[{n}]" for n in numbers)
            sentence = AnswerSentence(f"{quoted} {marks}", numbers, True, 1.0)
            sentences.append(sentence)
            said += " " + sentence.text
        if not sentences:
            return self._declined(retrieved, language, "unsupported", 0.5, clock)
        short = self._short(draft, sources, language)
        support = sum(s.support for s in sentences) / len(sentences)
        return self._answer(
            retrieved, language, clock,
            answered=True, text="\n".join(s.text for s in sentences), short=short, reason=None,
            confidence=round(probability * support, 4), path=path,
            sentences=tuple(sentences), citations=tuple(cite.citations),
        )  # fmt: skip

    def _verify(self, text: str, sources: Sequence[Source], language: str) -> Verdict:
        claims = [_claim(s) for s in sources]
        hint = [int(n) - 1 for n in _CITED.findall(text)]
        same = all(s.language == language for s in sources)
        return self._verifier.check(text, claims, same_language=same, hint=hint)

    def _quoted(self, source: Source, question: str, language: str, room: int) -> str | None:
        """The article's words, clipped to ``room`` words, introduced in the answer's language."""
        words = source.evidence.quote
        if source.language != language and language == "en":
            if self._translator.faithful(source.shown, words):
                words = source.shown
                if len(words.split()) > room:
                    return None
                return phrase("translated", language, source=_name(source, language), quote=words)
        if len(words.split()) > room:
            weights = self._retriever.word_weights(question, source.language != language)
            start, end = clip(words, weights, max(60, room * 6))
            words = words[start:end]
        if room < 8:
            return None
        return phrase("quoted", language, source=_name(source, language), quote=words)

    def _short(self, draft: Draft, sources: Sequence[Source], language: str) -> str | None:
        """The short answer in the evidence's own words, or the model's if nothing speaks against."""
        if not draft.short:
            return None
        for source in sources:
            if source.language == language and (span := snap(draft.short, source.evidence.quote)):
                return source.evidence.quote[span[0] : span[1]]
        verdict = self._verify(draft.short, sources, language)
        return draft.short if not verdict.missing else None

    # -- answers ---------------------------------------------------------------------------------

    def _reason(self, retrieved: Retrieved, filters: Filters) -> Reason:
        if self._store.passage_count() == 0:
            return "empty_archive"
        return "not_in_archive" if retrieved.evidence or not filters else "no_match_for_filters"

    def _declined(
        self, retrieved: Retrieved, language: str, reason: Reason, confidence: float, clock: _Clock
    ) -> Answer:
        text = phrase(reason, language)
        titles = dict.fromkeys(p.title or p.source or p.article_id for p in retrieved.passages[:3])
        if reason in ("not_in_archive", "unsupported") and titles:
            text += " " + phrase("nearest", language, titles=_list(titles, language))
        return self._answer(
            retrieved, language, clock, answered=False, text=text, short=None, reason=reason,
            confidence=round(confidence, 4), path="declined",
        )  # fmt: skip

    def _said(self, question: str, language: str, reply: str, clock: _Clock) -> Answer:
        return self._answer(
            Retrieved(question, (), ()), language, clock,
            answered=True, text=reply, short=None, reason=None, confidence=1.0, path="conversation",
        )  # fmt: skip

    def _answer(self, retrieved: Retrieved, language: str, clock: _Clock, **fields) -> Answer:
        return Answer(
            question=retrieved.question,
            language=language,
            evidence=retrieved.evidence,
            passages=retrieved.passages,
            timings=Timings(round(retrieved.retrieve_ms, 1), clock.first_token_ms, clock.now_ms()),
            embedder=self._settings.embedder,
            llm=self._settings.language_model,
            **fields,
        )


class _Clock:
    """Milliseconds since it was made, and when the first token came."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.first_token_ms: float | None = None

    def now_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 1)

    def first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.now_ms()


class _Citer:
    """Numbers the spans that an answer cites in the order in which they are first cited."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: dict[tuple[str, int, int], int] = {}
        self.citations: list[Citation] = []

    def __call__(self, source: Source) -> tuple[int, ...]:
        """Numbers of a sentence and, where it names no speaker, of the sentence that does."""
        e = source.evidence
        spans = [(e.start, e.end)]
        if source.speaker_at is not None:
            spans.append(source.speaker_at)
        return tuple(self._number(e, start, end) for start, end in spans)

    def _number(self, e: Evidence, start: int, end: int) -> int:
        key = (e.article_id, start, end)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            article = self._store.get(e.article_id).article
            others = tuple(
                OtherOutlet(a.article_id, a.source, a.date, a.url)
                for a in self._store.copies(e.article_id)
            )
            self.citations.append(
                Citation(
                    self._numbers[key],
                    e.article_id,
                    e.title,
                    e.source,
                    e.date,
                    e.url,
                    e.path,
                    start,
                    end,
                    article.text[start:end],
                    others,
                )  # fmt: skip
            )
        return self._numbers[key]


def _parse(written: str, short_mark: str, long_mark: str) -> Draft:
    """The two marked lines of a reply; a reply without marks is taken as the answer alone."""
    short, answer = "", []
    for line in written.splitlines():
        line = line.strip()
        if line.startswith(short_mark):
            short = line.removeprefix(short_mark).strip().rstrip(".")
        elif line:
            answer.append(line.removeprefix(long_mark).strip())
    text = _CITED.sub("", short)
    spans = split_sentences("\n".join(answer))
    joined = "\n".join(answer)
    return Draft(text.strip(), tuple(joined[s.start : s.end] for s in spans))


def _claim(source: Source) -> Claim:
    e = source.evidence
    heading = " ".join(filter(None, (e.source, e.title, e.date, source.speaker)))
    return Claim(e.quote, heading)


def _heading(source: Source) -> str:
    name = source.evidence.source or source.evidence.title or "–"
    return f"{name}؛ {source.speaker}" if source.speaker else name


def _name(source: Source, language: str) -> str:
    return source.evidence.source or source.evidence.title or phrase("an_article", language)


def _list(items: Sequence[str] | Mapping[str, None], language: str) -> str:
    return ("؛ " if language == "ar" else "; ").join(items)
