"""Where the gold quotes of a question set stand in the articles of one archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.evaluation.questions import EvaluationError, GoldParagraph, GoldQuote, Question
from vectorstore.arabic import fold, fold_aligned
from vectorstore.types import Article, ArticleSummary


@dataclass(frozen=True)
class Place:
    """``text[start:end]`` of an article of the archive."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Gold:
    """A gold quote found in an archive.

    ``places``: where its words stand: in the article named (first) and in other copies of it.
    ``whole_article``: any passage of the article is a hit (SQuAD: the question's paragraph).
    """

    doc: str
    quote: str
    places: tuple[Place, ...]
    whole_article: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_quote(text: str, quote: str) -> list[tuple[int, int]]:
    """Every (start, end) of ``quote`` in ``text``: exactly, else up to folding and white space."""
    exact = _occurrences(text, quote)
    if exact:
        return [(start, start + len(quote)) for start in exact]
    folded, origin = _squeezed(text)
    needle = " ".join(fold(quote).split())
    return [
        (origin[start], origin[start + len(needle) - 1] + 1)
        for start in _occurrences(folded, needle)
    ]


def _occurrences(text: str, needle: str) -> list[int]:
    starts, start = [], text.find(needle) if needle else -1
    while start != -1:
        starts.append(start)
        start = text.find(needle, start + len(needle))
    return starts


def _squeezed(text: str) -> tuple[str, list[int]]:
    """Folded text with runs of white space as one space, and each character's origin."""
    folded, origin = fold_aligned(text)
    kept = [
        index
        for index, character in enumerate(folded)
        if not character.isspace() or (index > 0 and not folded[index - 1].isspace())
    ]
    squeezed = "".join(" " if folded[i].isspace() else folded[i] for i in kept)
    return squeezed, [origin[i] for i in kept]


class GoldFinder:
    """Finds gold quotes in the articles of an archive.

    ``article(id)`` gives an article, ``copies(id)`` the summaries of the same story elsewhere.
    """

    def __init__(
        self,
        summaries: Sequence[ArticleSummary],
        article: Callable[[str], Article],
        copies: Callable[[str], Iterable[ArticleSummary]],
    ) -> None:
        self._article = article
        self._copies = copies
        self._ids: dict[str, list[str]] = {}
        for summary in summaries:
            for name in {Path(summary.path).name, summary.url, summary.article_id}:
                if name:
                    self._ids.setdefault(name, []).append(summary.article_id)
        self._summaries = summaries
        self._by_text: dict[str, list[str]] | None = None

    def find(self, question: Question) -> tuple[Gold, ...]:
        """The gold of a question. Raises EvaluationError naming a quote that is not there."""
        if question.type == "unanswerable":
            return ()
        if question.paragraph is not None:
            return (self._paragraph(question, question.paragraph),)
        return tuple(self._quote(question, wanted) for wanted in question.evidence)

    def _paragraph(self, question: Question, gold: GoldParagraph) -> Gold:
        if self._by_text is None:
            self._by_text = {}
            for summary in self._summaries:
                text = self._article(summary.article_id).text
                self._by_text.setdefault(text, []).append(summary.article_id)
        ids = self._by_text.get(gold.text)
        if not ids:
            raise EvaluationError(
                f"question {question.id!r}: its paragraph is not an article of the archive; "
                f"it begins {gold.text[:60]!r}."
            )
        places = tuple(Place(i, gold.start, gold.end) for i in ids)
        return Gold(ids[0], gold.text[gold.start : gold.end], places, whole_article=True)

    def _quote(self, question: Question, wanted: GoldQuote) -> Gold:
        # A path is allowed where a base name is meant.
        ids = self._ids.get(wanted.doc) or self._ids.get(Path(wanted.doc).name)
        if not ids:
            raise EvaluationError(
                f"question {question.id!r}: the archive has no article {wanted.doc!r} "
                "(looked for a file of that base name, a url and an id)."
            )
        places = self._places(ids, wanted.quote)
        if not places:
            raise EvaluationError(
                f"question {question.id!r}: the quote {wanted.quote!r} is not in the article "
                f"{wanted.doc!r}."
            )
        named = {place.article_id for place in places}
        copies = {c.article_id for i in sorted(named) for c in self._copies(i)} - named
        return Gold(wanted.doc, wanted.quote, places + self._places(sorted(copies), wanted.quote))

    def _places(self, ids: Iterable[str], quote: str) -> tuple[Place, ...]:
        return tuple(
            Place(i, start, end)
            for i in ids
            for start, end in find_quote(self._article(i).text, quote)
        )
