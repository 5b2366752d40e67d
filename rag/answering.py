"""From a question to a verified answer.

``Answerer.stream`` is the way of a question: rewrite, retrieve, decide, generate, verify, compose.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from models.protocols import Cancelled, Embedder, LanguageModel, ModelError
from rag import conversation
from rag.answer import (
    Answer,
    AnswerReady,
    Event,
    EvidenceFound,
    FoundPassage,
    Path,
    Reason,
    Retrieved,
    Timings,
    Token,
)
from rag.composing import Composed, Composer, Draft, parse_draft
from rag.decision import load_decision
from rag.language import answer_language
from rag.parts import parts
from rag.phrases import phrase
from rag.prompts import answer_prompt
from rag.retrieval import Retriever
from rag.settings import Settings
from rag.sources import Source, read_sources
from rag.translation import Translator
from vectorstore.store import Store
from vectorstore.types import Filters

log = logging.getLogger(__name__)
_T = TypeVar("_T")

TITLE_WORDS = 8  # of an article without a title


class Answerer:
    """Answers questions over one store with one embedder and one language model."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        translator: Translator,
        composer: Composer,
        language_model: Callable[[], LanguageModel] | None,
        settings: Settings,
        embedder: Callable[[], Embedder],
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._translator = translator
        self._composer = composer
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
        """Evidence first, then the model's unverified words, then the verified answer.

        Where the model fails while it writes, the answer is the articles' own sentences and says
        so in ``model_error``. Raises ModelError for a model that cannot be opened at all.
        """
        clock = _Clock()
        filters = filters or Filters()
        history = conversation.bounded(history)
        language = answer_language(question, language)
        if reply := conversation.small_talk(question, language):
            yield AnswerReady(self._said(question, language, reply, clock))
            return
        asked = conversation.standalone(question, history)
        retrieved = replace(self._retriever.retrieve(asked, filters=filters), question=question)
        yield EvidenceFound(retrieved)
        decision = load_decision(self._embedder().identity.name)
        asks = any(map(str.isalnum, asked))  # «؟!» has a vector too, but asks nothing
        probability = decision.probability(retrieved.signals) if asks else 0.0
        if not retrieved.evidence or probability < decision.threshold:
            reason = self._reason(retrieved, filters)
            yield AnswerReady(self._declined(retrieved, language, reason, 1 - probability, clock))
            return
        sources = read_sources(
            self._store,
            retrieved.evidence,
            lambda text_language: self._retriever.weights_in(asked, text_language),
            language,
            self._settings.evidence_sentences,
            several=bool(parts(asked)),
        )
        said = conversation.in_context(question, history)
        try:
            written = self._write(question, asked, said, sources, language, cancel)
            composed, failure = yield from clock.watching(written)
        except Cancelled:
            yield AnswerReady(self._declined(retrieved, language, "cancelled", 0.0, clock))
            return
        answer = self._answered(retrieved, composed, language, probability, clock)
        yield AnswerReady(replace(answer, model_error=failure))

    def _write(
        self,
        question: str,
        asked: str,
        said: str,
        sources: list[Source],
        language: str,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, tuple[Composed, str | None]]:
        """Yield the model's words; return the verified answer and why the model failed, if it did.

        Where nothing that it wrote is supported, it is asked once more, with the best sentence
        alone: a small model is often led away by the others.
        """
        model = self._language_model() if self._language_model is not None else None
        quoted, failure = None, None
        best = sorted(sources, key=lambda s: s.rank)[:1]
        paths: tuple[tuple[Path, list[Source]], ...] = (("generated", sources), ("repaired", best))
        for path, tried in paths[: len(sources)]:  # one sentence is asked about once
            draft = Draft("", ())
            try:
                if model is not None and failure is None:
                    draft = yield from self._generate(model, said, tried, language, cancel)
            except ModelError as error:
                log.warning("the language model failed, the answer is a quote: %s", error)
                failure = str(error)
            composed = self._composer.compose(question, asked, tried, draft, language)
            if composed.path == "generated":
                return replace(composed, path=path), failure
            quoted = quoted or composed
            if failure is not None or model is None or not draft.sentences:
                break
        return quoted or Composed((), (), None, "quoted"), failure

    def _generate(
        self,
        model: LanguageModel,
        question: str,
        sources: list[Source],
        language: str,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, Draft]:
        """Yield the model's words and return the draft; ``sources`` are translated in place."""
        if language == "en":
            for i, source in enumerate(sources):
                if source.language == "ar":
                    text = yield from self._translator.translate(
                        model, source.shown, question, source.text, cancel
                    )
                    sources[i] = replace(source, shown=text, translated=True)
        prompt = answer_prompt(language)
        messages = prompt.messages(
            sentences=prompt.numbered([(s.heading, s.shown) for s in sources]), question=question
        )
        written = ""
        for piece in model.generate(
            messages,
            constant=prompt.constant,
            max_tokens=self._settings.answer_tokens,
            stop=("\n\n",),
            cancel=cancel,
        ):
            written += piece
            yield Token(piece)
        return parse_draft(written, prompt.short, prompt.long)

    def _answered(
        self,
        retrieved: Retrieved,
        composed: Composed,
        language: str,
        probability: float,
        clock: _Clock,
    ) -> Answer:
        if not composed.sentences:
            return self._declined(retrieved, language, "unsupported", 0.5, clock)
        support = sum(s.support for s in composed.sentences) / len(composed.sentences)
        return self._answer(
            retrieved, language, clock,
            answered=True, text="\n".join(s.text for s in composed.sentences), reason=None,
            short=composed.short, confidence=round(probability * support, 4), path=composed.path,
            sentences=composed.sentences, citations=composed.citations,
        )  # fmt: skip

    def _reason(self, retrieved: Retrieved, filters: Filters) -> Reason:
        if self._store.passage_count() == 0:
            return "empty_archive"
        return "not_in_archive" if retrieved.evidence or not filters else "no_match_for_filters"

    def _declined(
        self, retrieved: Retrieved, language: str, reason: Reason, confidence: float, clock: _Clock
    ) -> Answer:
        text = phrase(reason, language)
        titles = dict.fromkeys(_title(p) for p in retrieved.passages[:3])
        if reason in ("not_in_archive", "unsupported") and titles:
            text += " " + phrase("nearest", language, titles=" · ".join(titles))
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

    def watching(self, tokens: Generator[Token, None, _T]) -> Generator[Token, None, _T]:
        """The same tokens and result; the first of them is timed."""
        try:
            while True:
                token = next(tokens)
                if self.first_token_ms is None:
                    self.first_token_ms = self.now_ms()
                yield token
        except StopIteration as end:
            return end.value
        finally:
            tokens.close()


def _title(passage: FoundPassage) -> str:
    """What to call an article: its title, else the passage's first words."""
    words = passage.quote.split()
    return passage.title or " ".join(words[:TITLE_WORDS]) + (
        "…" if len(words) > TITLE_WORDS else ""
    )
