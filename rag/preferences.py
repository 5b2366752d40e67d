"""What a question names of where and when to look: outlets and dates. They prefer, never exclude.

Who wants nothing else sets filters. A question that names an outlet or a date may well be about
it ("what did Xinhua's report say about Xinhua?", "since the oil crisis of 1973"), so an article
that does not match only ranks behind equals that do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.periods import Period, find_periods
from vectorstore.outlets import find_outlets, same_outlet
from vectorstore.types import Article, Filters


@dataclass(frozen=True)
class Preferences:
    """``outlets``: canonical names; ``periods``: days, months and years."""

    outlets: tuple[str, ...]
    periods: tuple[Period, ...]

    @classmethod
    def of(cls, question: str, sources: Sequence[str]) -> Preferences:
        """``sources``: those of the archive, so that any outlet of its own is recognised."""
        return cls(tuple(find_outlets(question, sources)), tuple(find_periods(question)))

    def outlet_matches(self, article: Article) -> bool:
        return any(same_outlet(name, article.source) for name in self.outlets)

    def date_matches(self, article: Article) -> bool:
        return any(period.covers(article.date) for period in self.periods)

    def narrowed(self, filters: Filters) -> Iterator[Filters]:
        """Filters that leave what is preferred, for what a search of everything would not reach.

        What the user filters by is left as it is.
        """
        if self.outlets and not filters.sources:
            yield replace(filters, sources=self.outlets)
        if not (filters.date_from or filters.date_to):
            for first, last in filter(None, (period.range() for period in self.periods)):
                yield replace(filters, date_from=first, date_to=last)
