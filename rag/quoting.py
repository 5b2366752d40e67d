"""Which of the articles' words an answer quotes, and how they are introduced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rag.answer import Evidence
from rag.bounds import with_bounds
from rag.counts import counted_figure
from rag.excerpts import clip, share_held
from rag.expectations import insisted, meets
from rag.figures import missing_figures
from rag.language import in_script_of
from rag.names import Glossary
from rag.orders import printable
from rag.phrases import phrase
from rag.sources import Source
from rag.verification import Verifier
from vectorstore.outlets import display_name

BESIDE = 420  # characters of a quote that stands beside the model's own sentence
SHORTEST_QUOTE = 8  # words of room for a quote; in less there is nothing to say
SHORTEST_PIECE = 7  # words of a sentence that was cut
CLOSE = 0.1  # difference of two sentences' scores up to which the model may choose between them
# Marks of a quotation within a quotation.
_WITHIN = {"ar": str.maketrans("«»", "“”"), "en": str.maketrans("“”", "‘’")}
SAME_WORDS = 0.8  # of a quote's words in what was said: quoting it again adds nothing


def ranked(sources: Sequence[Source]) -> list[int]:
    """Indices of sources, best found first."""
    return sorted(range(len(sources)), key=lambda i: sources[i].rank)


def best_of(sources: Sequence[Source]) -> Source:
    """The best found."""
    return min(sources, key=lambda s: s.rank)


def counted(question: str, sources: Sequence[Source]) -> str | None:
    """The figure with its noun that the question asks the best sentence for, if it is sure."""
    if not sources:
        return None
    best = best_of(sources)
    words = best.shown if best.translated else best.evidence.quote
    span = counted_figure(question, words)
    return words[with_bounds(span[0], words) : span[1]] if span else None


class Quoter:
    """Quotes sources, translated where the answer is in another language."""

    def __init__(
        self,
        verifier: Verifier,
        glossary: Glossary,
        word_weights: Callable[[str, str], Mapping[str, float]],
    ) -> None:
        self._verifier = verifier
        self._glossary = glossary
        self._word_weights = word_weights

    def choose(
        self,
        question: str,
        sources: Sequence[Source],
        used: Sequence[int],
        short: str | None,
        several: bool,
    ) -> tuple[list[int], frozenset[int]]:
        """Indices of the sources to quote, and of those that answer by themselves.

        ``used``: those that the model's sentences rest on; ``short``: the short answer;
        ``several``: the question is about several articles.
        """
        order = ranked(sources)
        if used:
            chosen = _beside(several, sources, used, order)
            holding: list[int] = []
        else:
            quotable = [i for i in order if self._answers(question, sources[i])]
            holding = [i for i in quotable if short and short in sources[i].evidence.quote]
            chosen = quotable[: 2 if several else 1]
            if holding and not set(holding) & set(chosen):  # it is shown where it stands
                best, held = (sources[i].evidence.score for i in (chosen[0], holding[0]))
                near = best - held <= CLOSE and not several
                chosen = holding[:1] if near else [chosen[0], holding[0]]
        others = [i for i in _other_counts(question, sources) if i not in chosen]
        return [*chosen, *others], frozenset((*used, *holding))

    def quote(
        self, source: Source, question: str, language: str, room: int, said: str, asks_who: bool
    ) -> str | None:
        """The article's words, at most ``room`` of them, introduced in the answer's language.

        None where there is no room, or where ``said`` holds the words already.
        """
        words = source.evidence.quote.strip()
        name = _name(source.evidence, language)
        shown = source.shown if source.translated else words
        if room < SHORTEST_QUOTE or (said and share_held(shown, said) >= SAME_WORDS):
            return None
        speaker = self.speaker(source, language)
        if speaker and asks_who:
            name = phrase("speaking", language, source=name, speaker=speaker)
        if source.translated:
            fits = in_script_of(source.shown, language) and len(source.shown.split()) <= room
            if fits and self.faithful(source):
                quoted = source.shown.translate(_WITHIN[language])
                return phrase("translated", language, source=name, quote=quoted)
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
        quoted = printable(words).translate(_WITHIN[language])
        return phrase("quoted", language, source=name, quote=quoted)

    def faithful(self, source: Source) -> bool:
        """Whether the words of a source that the model saw are the article's, or a translation
        that its figures and names bear out."""
        return (
            not source.translated
            or self._verifier.check(source.shown, [source.claim], same_language=False).supported
        )

    def speaker(self, source: Source, language: str) -> str | None:
        """Who speaks in a sentence that leaves them unnamed, in the answer's language if known."""
        if source.speaker and not in_script_of(source.speaker, language):
            return self._glossary.person(source.speaker, source.text)
        return source.speaker

    def _answers(self, question: str, source: Source) -> bool:
        """Whether a sentence holds the kind of words that are asked for, and what the question
        insists on: of "Mali alone" nothing is told by a sentence that does not name Mali."""
        named = f"{source.evidence.quote} {source.claim.heading}"
        return (
            meets(source.evidence.quote, question)
            and self._glossary.share_of_names(insisted(question), named) == 1
        )


def _beside(
    several: bool, sources: Sequence[Source], used: Sequence[int], order: Sequence[int]
) -> Sequence[int]:
    """The quote beside the model's words: what they rest on, unless another is clearly better; of
    several articles the best left, since a small model mostly speaks of one."""
    best, own = (sources[i].evidence.score for i in (order[0], used[0]))
    left = [i for i in order if i not in used]
    if several and left:
        return left[:1]
    return order[:1] if best - own > CLOSE else used[:1]


def _other_counts(question: str, sources: Sequence[Source]) -> list[int]:
    """The first source of another article than the best that counts what is asked for, and counts
    it otherwise: where articles disagree, both are given."""
    wanted = counted(question, sources)
    if wanted is None:
        return []
    order = ranked(sources)
    best = sources[order[0]].evidence.article_id
    for i in order:
        if sources[i].evidence.article_id != best:
            other = counted(question, [sources[i]])
            if other is not None and missing_figures(other, wanted):
                return [i]
    return []


def _name(e: Evidence, language: str) -> str:
    if e.source:
        return display_name(e.source, language)
    titled = e.title and in_script_of(e.title, language)
    return e.title if titled else phrase("an_article", language)
