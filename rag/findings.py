"""Passages and sentences that a search found, on their way to being shown."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rag.answer import Evidence, FoundPassage
from rag.orders import without_orders
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.types import Article, Span, StoredPassage

_T = TypeVar("_T")


@dataclass(frozen=True)
class Candidate:
    """A passage and its article. ``score``: of all that is known of the passage so far."""

    passage: StoredPassage
    article: Article
    cosine: float
    score: float

    @property
    def order(self) -> tuple[float, str, int]:
        """Best first, ties by place."""
        return (-self.score, self.passage.article_id, self.passage.start)

    @property
    def text(self) -> str:
        return self.article.text[self.passage.start : self.passage.end]

    @property
    def surroundings(self) -> str:
        """The passage with its article's outlet, title and date."""
        a = self.article
        return " ".join(filter(None, (self.text, a.source, a.title, a.date)))

    def found(self) -> FoundPassage:
        a, p = self.article, self.passage
        return FoundPassage(
            p.article_id, a.title, a.source, a.date, p.start, p.end, self.text, round(self.score, 4)
        )


@dataclass(frozen=True)
class Sentence:
    """The sentence of that number in a passage, and how well it fits."""

    candidate: Candidate
    number: int
    score: float
    cosine: float
    late: float  # MaxSim

    @property
    def span(self) -> Span:
        return self.candidate.passage.sentences[self.number]

    @property
    def quote(self) -> str:
        return self.candidate.article.text[self.span.start : self.span.end]

    @property
    def place(self) -> tuple[str, int]:
        """Its article and where it begins."""
        return self.candidate.passage.article_id, self.span.start

    @property
    def order(self) -> tuple[float, str, int]:
        """Best first, ties by place."""
        return (-self.score, *self.place)

    def evidence(self) -> Evidence:
        a = self.candidate.article
        return Evidence(
            article_id=self.candidate.passage.article_id,
            title=a.title,
            source=a.source,
            date=a.date,
            url=a.url,
            path=a.path,
            start=self.span.start,
            end=self.span.end,
            quote=self.quote,
            score=self.score,
        )


def in_turn(lists: Iterable[Sequence[_T]], limit: int, key: Callable[[_T], object]) -> list[_T]:
    """At most ``limit`` items, one of each list in turn until all are used up, those with the same
    key once."""
    rounds = itertools.zip_longest(*lists)
    return _first_of_each((x for row in rounds for x in row if x is not None), limit, key)


def on_average(first: Sequence[Sentence], second: Sequence[Sentence]) -> list[Sentence]:
    """All sentences of two searches by their mean score, best first; what one of them did not find
    has its lowest score there."""
    lists = [{s.place: s for s in found} for found in (first, second)]
    lowest = [min((s.score for s in found), default=0.0) for found in (first, second)]
    means = []
    for place, sentence in (lists[1] | lists[0]).items():
        scores = [
            own[place].score if place in own else least
            for own, least in zip(lists, lowest, strict=True)
        ]
        means.append(replace(sentence, score=round(sum(scores) / 2, 4)))
    return sorted(means, key=lambda s: s.order)


def article_by_article(ranked: Sequence[Sentence]) -> list[Sentence]:
    """The best of each article, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for s in ranked:
        article = s.candidate.passage.article_id
        turns.append(seen[article])
        seen[article] += 1
    return [ranked[i] for i in sorted(range(len(ranked)), key=turns.__getitem__)]


def one_a_story(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """The first of passages with the same folded text: agency copy counts once."""
    return _first_of_each(candidates, limit, lambda c: fold(c.text))


def without_repeats(ranked: Iterable[Sentence], limit: int) -> list[Sentence]:
    """The first of sentences with the same words, whichever copy of a story they stand in."""
    return _first_of_each(ranked, limit, lambda s: " ".join(analyse(s.quote)) or fold(s.quote))


def reporting(ranked: Iterable[Sentence], question: str) -> Iterator[Sentence]:
    """Sentences without those that address a machine, and without those that only ask ``question``
    again: neither says what happened."""
    asked = set(analyse(question))
    reports: dict[int, list[str]] = {}
    for s in ranked:
        passage = s.candidate.passage
        if passage.passage_id not in reports:
            reports[passage.passage_id] = reported(s.candidate)
        quote = reports[passage.passage_id][s.number]
        repeats = quote.rstrip().endswith(("?", "؟")) and _share(set(analyse(quote)), asked) >= 0.8
        if quote.strip() and not repeats:
            yield s


def reported(candidate: Candidate) -> list[str]:
    """The sentences of a passage, with blanks in place of words that give orders to a machine."""
    masked, start = without_orders(candidate.text), candidate.passage.start
    return [masked[s.start - start : s.end - start] for s in candidate.passage.sentences]


def _share(words: set[str], asked: set[str]) -> float:
    return len(words & asked) / len(words) if words else 1.0


def _first_of_each(items: Iterable[_T], limit: int, key: Callable[[_T], object]) -> list[_T]:
    """At most ``limit`` items in their order, the first of those with the same key."""
    kept: dict[object, _T] = {}
    for item in items:
        if len(kept) >= limit:
            break
        kept.setdefault(key(item), item)
    return list(kept.values())
