"""Which stored articles of a file are which of its records now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rag.survey import FilePlan
from vectorstore.writing import KnownRecord


class Matcher:
    """Claims each stored article of a file for at most one of its records.

    By content first, so that a record inserted at the top makes the others move, not change; by
    position only where the stored content is nowhere in the file any more.
    """

    def __init__(self, known: list[KnownRecord], plan: FilePlan) -> None:
        self._contents = plan.contents
        self._unclaimed = {one.article_id: one for one in known}
        self._by_content: dict[str, list[KnownRecord]] = defaultdict(list)
        self._by_record: dict[str, list[KnownRecord]] = defaultdict(list)
        for one in known:
            self._by_content[one.content_hash].append(one)
            self._by_record[one.record].append(one)

    def same_content(self, record: str, content: str) -> KnownRecord | None:
        """The stored article with this content, that of the same position if it can be."""
        candidates = self._free(self._by_content.get(content, ()))
        return self._claim(min(candidates, key=lambda one: one.record != record, default=None))

    def replaced(self, record: str) -> KnownRecord | None:
        """The stored article of this position, if its content is gone from the file."""
        candidates = self._free(self._by_record.get(record, ()))
        return self._claim(
            next((one for one in candidates if one.content_hash not in self._contents), None)
        )

    def unclaimed(self) -> list[str]:
        """Ids of stored articles that are not in the file any more."""
        return list(self._unclaimed)

    def _free(self, candidates: Iterable[KnownRecord]) -> list[KnownRecord]:
        return [one for one in candidates if one.article_id in self._unclaimed]

    def _claim(self, known: KnownRecord | None) -> KnownRecord | None:
        if known is not None:
            del self._unclaimed[known.article_id]
        return known
