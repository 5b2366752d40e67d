"""From a draft to an answer: what is supported is kept, the article's own words are added.

A sentence of the model stays only if the evidence supports it and it holds what was asked for. The
best evidence it rests on is quoted after it (translated where the answer is in another language and
the translation's figures and names check out), so that a reader sees the article's words at once.
When nothing of the model's stays, the answer is the quotes alone. Where another article gives
another figure for what was asked, it is quoted as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.answer import AnswerSentence, Citation, Evidence, Path
from rag.citing import Citer
from rag.counts import counted_figure
from rag.excerpts import clip, snap, stands_in, without_echo
from rag.expectations import meets
from rag.figures import missing_figures
from rag.names import Glossary
from rag.orders import printable
from rag.parts import parts
from rag.phrases import phrase
from rag.prompts import AnswerPrompt
from rag.sentences import split_sentences
from rag.sources import Source
from rag.verification import Claim, Verdict, Verifier
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.outlets import display_name
from vectorstore.store import Store

MOST_WORDS = 75  # of an answer
MOST_WORDS_SEVERAL = 140  # of an answer to a question that asks several things
BESIDE = 420  # characters of a quote that stands beside the model's own sentence
SHORTEST_QUOTE = 8  # words of room for a quote; in less there is nothing to say
SHORTEST_PIECE = 7  # words of a sentence that was cut
CLOSE = 0.05  # difference of two sentences' scores at which either may be the answer
SAME_WORDS = 0.8  # of a quote's words in what was said: quoting it again adds nothing
HELD = 0.5  # of the short answer's words in the model's sentences: they give it
# «من» asks who at the beginning; inside a question it is mostly "from" or "of".
_WHO = re.compile(r"\bwho(?:m|se)?\b|\bspeaker\b|(?:^|[?.,:])\W*[وف]?ل?من(?=\s)")
# Who said it, and not who did it.
_SAYS = re.compile(
    r"\bwho (?:was it that )?(?:said|says|stated|claimed|announced|stressed|told|warned|denied)\b"
    r"|(?<!\w)[وف]?من (?:هو )?(?:الذي |التي )?(?:قال|قالت|صرح|اكد|اكدت|ذكر|ذكرت|اعلن|اعلنت|اوضح)\b"
)
_CITED = re.compile(r"\s*\[(\d+)\]")
_ARABIC, _LATIN = re.compile("[\u0621-\u064a\u0671-\u06d3]"), re.compile("[A-Za-z]")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Draft:
    """What the model wrote: its short answer and its sentences."""

    short: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Composed:
    """The parts of an answer that rest on evidence; no sentences where nothing could be said."""

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    short: str | None
    path: Path


def parse_draft(written: str, prompt: AnswerPrompt) -> Draft:
    """The marked lines of a reply; of one without marks, the first line is the answer.

    What follows is dropped: a small model goes on with a question of its own.
    """
    short, lines = "", []
    for line in map(str.strip, written.splitlines()):
        if line.startswith(prompt.short):
            short = _CITED.sub("", line.removeprefix(prompt.short)).strip().rstrip(".")
        elif line.startswith(prompt.long) or (line and not lines):
            lines.append(line.removeprefix(prompt.long).strip())
    text = "\n".join(lines)
    return Draft(short, tuple(text[s.start : s.end] for s in split_sentences(text)))


class Composer:
    """Composes answers over one store."""

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        glossary: Glossary,
        word_weights: Callable[[str, str], Mapping[str, float]],
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._glossary = glossary
        self._word_weights = word_weights

    def compose(
        self, question: str, asked: str, sources: Sequence[Source], draft: Draft, language: str
    ) -> Composed:
        """The verified answer to ``question``; without sentences if nothing can be said.

        ``asked``: the question as it was searched, a follow-up with what it points to.
        """
        cite = Citer(self._store, asks_who=bool(_WHO.search(fold(asked))))
        several = bool(parts(question))
        short = self._short(question, draft, sources, language)
        sentences: list[AnswerSentence] = []
        used: list[int] = []
        wanted = self._counted(question, sources)
        holds = meets(_CITED.sub("", " ".join(draft.sentences)), question)
        for text in draft.sentences if _gives(draft) and holds else ():
            verdict = self._verify(text, sources, language, question)
            if not verdict.supported or not in_language(text, language):
                continue
            if wanted is not None and missing_figures(wanted, " ".join(draft.sentences)):
                continue
            used += [i for i in verdict.evidence if i not in used]
            cited = [sources[i] for i in verdict.evidence]
            sentences.append(cite.sentence(_plain(text), cited, verdict.support))
        path: Path = "generated" if sentences else "quoted"
        ranked = sorted(range(len(sources)), key=lambda i: sources[i].rank)
        quotable = [i for i in ranked if meets(sources[i].evidence.quote, question)]
        holding = [i for i in quotable if short and short in sources[i].evidence.quote]
        if used:
            quotes = _beside(several, sources, used, ranked)
        else:
            quotes = _alone(several, sources, quotable)
            if holding and not set(holding) & set(quotes):  # it is shown where it stands
                quotes = [*quotes[:1], holding[0]]
        quotes = [*quotes, *(i for i in self._other_counts(question, sources) if i not in quotes)]
        most = MOST_WORDS_SEVERAL if several else MOST_WORDS
        for left, i in zip(range(len(quotes), 0, -1), quotes, strict=True):
            said = " ".join(s.text for s in sentences)
            room = most - len(said.split())
            # Parts of a question share it; else the best is cut last.
            room = room // left if several else room - SHORTEST_QUOTE * (left - 1)
            another = sentences and not several and i not in (*used, *holding)
            if another and len(sources[i].evidence.quote.split()) > room:
                continue  # a second quote is whole or left out
            beside = "" if several and i not in used else said
            quoted = self._quoted(sources[i], asked, language, room, beside, cite.asks_who)
            if quoted is not None:
                sentences.append(cite.sentence(quoted, [sources[i]], 1.0))
        translated = any(source.language != language for source in sources)
        if path == "quoted" or (short is None and translated):
            # A translation's words are verified by the sentence that shows them.
            short = _shown(short or (draft.short if translated else None), sentences)
        return Composed(tuple(sentences), tuple(cite.citations), short, path)

    def _verify(
        self, text: str, sources: Sequence[Source], language: str, question: str = ""
    ) -> Verdict:
        return self._verifier.check(
            text,
            [_claim(s) for s in sources],
            question=question,
            same_language=all(s.language == language for s in sources),
            hint=[int(n) - 1 for n in _CITED.findall(text)],
        )

    def _quoted(
        self, source: Source, question: str, language: str, room: int, said: str, asks_who: bool
    ) -> str | None:
        """The article's words, at most ``room`` of them, introduced in the answer's language.

        None where there is no room, or where ``said`` holds the words already.
        """
        words = source.evidence.quote.strip()
        name = _name(source.evidence, language)
        shown = source.shown if source.translated else words
        if room < SHORTEST_QUOTE or (said and _share(shown, said) >= SAME_WORDS):
            return None
        speaker = self._speaker(source, language)
        if speaker and asks_who:
            name = phrase("speaking", language, source=name, speaker=speaker)
        if source.translated:
            verdict = self._verifier.check(source.shown, [_claim(source)], same_language=False)
            fits = in_language(source.shown, language) and len(source.shown.split()) <= room
            if verdict.supported and fits:
                return phrase("translated", language, source=name, quote=source.shown)
            if said:
                return None
        weights = self._word_weights(question, source.language)
        longest = BESIDE if said else len(words)
        while len(words.split()) > room or len(words) > longest:
            longest = min(longest, len(words) - 1)
            start, end = clip(source.evidence.quote, weights, longest)
            words = source.evidence.quote[start:end]
        if len(words.split()) < min(SHORTEST_PIECE, len(source.evidence.quote.split())):
            return None
        return phrase("quoted", language, source=name, quote=printable(words))

    def _speaker(self, source: Source, language: str) -> str | None:
        """Who speaks in a sentence that leaves them unnamed, in the answer's language if known."""
        if source.speaker and not in_language(source.speaker, language):
            return self._glossary.person(source.speaker, source.text)
        return source.speaker

    def _counted(self, question: str, sources: Sequence[Source]) -> str | None:
        """The figure with its noun that the question asks the best sentence for, if it is sure."""
        if not sources:
            return None
        best = min(sources, key=lambda s: s.rank)
        words = best.shown if best.translated else best.evidence.quote
        span = counted_figure(question, words)
        return words[span[0] : span[1]] if span else None

    def _other_counts(self, question: str, sources: Sequence[Source]) -> list[int]:
        """The first source of another article than the best that counts what is asked for, and
        counts it otherwise: where articles disagree, both are given."""
        wanted = self._counted(question, sources)
        if wanted is None:
            return []
        best = min(sources, key=lambda s: s.rank).evidence.article_id
        for i in sorted(range(len(sources)), key=lambda i: sources[i].rank):
            if sources[i].evidence.article_id != best:
                other = self._counted(question, [sources[i]])
                if other is not None and missing_figures(other, wanted):
                    return [i]
        return []

    def _short(
        self, question: str, draft: Draft, sources: Sequence[Source], language: str
    ) -> str | None:
        """The short answer in the evidence's own words; across languages, if these support it."""
        if counted := self._counted(question, sources):
            return counted
        ranked = sorted(sources, key=lambda s: s.rank)
        if ranked and ranked[0].speaker and _SAYS.search(fold(question)):
            return self._speaker(ranked[0], language)
        if not draft.short:
            return None
        for source in ranked:
            if source.language == language and (span := snap(draft.short, source.evidence.quote)):
                return without_echo(source.evidence.quote[span[0] : span[1]], question)
        if all(source.language == language for source in sources):
            return None
        return draft.short if self._verify(draft.short, sources, language).supported else None


def _beside(
    several: bool, sources: Sequence[Source], used: Sequence[int], ranked: Sequence[int]
) -> Sequence[int]:
    """The quote beside the model's words: what they rest on, unless another is clearly better; of
    several parts the best left, since a small model mostly speaks of one."""
    best, own = (sources[i].evidence.score for i in (ranked[0], used[0]))
    left = [i for i in ranked if i not in used]
    if several and left:
        return left[:1]
    return ranked[:1] if best - own > CLOSE else used[:1]


def _alone(several: bool, sources: Sequence[Source], ranked: Sequence[int]) -> Sequence[int]:
    """Which quotes stand alone: the best, and the next where parts or scores call for it."""
    if len(ranked) > 1 and not several:
        first, second = (sources[i].evidence.score for i in ranked[:2])
        return ranked[: 2 if first - second < CLOSE else 1]
    return ranked[:2]


def in_language(text: str, language: str) -> bool:
    """Whether a text is in the language's script; figures alone are of any.

    Arabic may hold Latin names; English holds no Arabic, which would be a word left untranslated,
    and neither holds Chinese, into which a small model slips at times.
    """
    arabic, other = len(_ARABIC.findall(text)), len(_LATIN.findall(text))
    if _HAN.search(text):
        return False
    return arabic >= other if language == "ar" else not arabic


def _gives(draft: Draft) -> bool:
    """Whether the model's sentences hold its short answer."""
    return not draft.short or _share(draft.short, " ".join(draft.sentences)) >= HELD


def _shown(words: str | None, sentences: Sequence[AnswerSentence]) -> str | None:
    """The words, if one of the sentences holds them."""
    return words if words and any(stands_in(words, s.text) for s in sentences) else None


def _plain(text: str) -> str:
    return _CITED.sub("", text).strip().rstrip(" .،,")


def _claim(source: Source) -> Claim:
    e = source.evidence
    heading = " ".join(filter(None, (e.source, e.title, e.date, source.speaker)))
    return Claim(e.quote, heading, e.article_id)


def _share(quote: str, said: str) -> float:
    stems = set(analyse(quote))
    return len(stems & set(analyse(said))) / len(stems) if stems else 1.0


def _name(e: Evidence, language: str) -> str:
    if e.source:
        return display_name(e.source, language)
    titled = e.title and in_language(e.title, language)
    return e.title if titled else phrase("an_article", language)
