"""How the nearest vectors are found: from memory, through Chroma, or by reading them all.

Small archives are searched exactly, in memory; large ones through Chroma, whose finds are scored
again exactly. Where Chroma cannot be used (a filter is set, it is being built, or another process
holds the archive) the catalogue is scanned: exact, in little memory, and slower.

Measured on two cores, 768 dimensions (``python -m benchmarks.search vectors``): exact search takes
0.2 ms a thousand passages (11 ms for 50,000) and 3 KB of memory a passage, Chroma 5 ms at 50,000
and 4 ms a passage to build; a scan 20 to 35 ms a thousand. At the default limit of 100,000 passages
exact search is thus 22 ms and 0.3 GB, a small part of a question, and repeatable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vectorstore import vectors
from vectorstore.catalogue import read_setting
from vectorstore.chroma import BUILT, ChromaIndex
from vectorstore.filters import condition
from vectorstore.rows import count, embedder_identity
from vectorstore.types import Filters, StoreError
from vectorstore.writing import SHRINKS


class DenseSearch:
    """One archive's vector search. Not thread-safe: ``Store`` holds its reading lock meanwhile."""

    def __init__(self, home: Path, exact_search_passages: int) -> None:
        self._home = home
        self._exact = exact_search_passages
        self._table: vectors.VectorTable | None = None
        self._table_shrinks: str | None = None
        self._counted: tuple[object, int] = (None, 0)
        self._chroma: ChromaIndex | None = None

    def kind(self, connection: sqlite3.Connection) -> str:
        """What an archive of this size is searched by: "exact" or "chroma"."""
        return "exact" if self._count(connection) <= self._exact else "chroma"

    def search(
        self, connection: sqlite3.Connection, query: np.ndarray, k: int, filters: Filters
    ) -> list[tuple[int, float]]:
        """(passage_id, cosine) of the k best and perhaps some more, in any order.

        Raises StoreError if the query has not the archive's dimension.
        """
        total = self._count(connection)
        if total == 0 or k <= 0:
            return []
        dimension = _dimension(connection)
        if query.shape != (dimension,):
            raise StoreError(
                f"the query has shape {query.shape}, the archive's vectors ({dimension},). "
                "Use the embedder that the archive was made with."
            )
        where, values = condition(connection, filters)
        if total <= self._exact:
            allowed = None
            if filters:
                numbers = connection.execute(f"SELECT number FROM articles WHERE {where}", values)
                allowed = np.array([number for (number,) in numbers], dtype=np.int64)
            return self._refreshed(connection, dimension).best(query, k, allowed)
        large_share = 4 * k >= total  # of which a graph search misses more than a scan costs
        if filters or large_share or self._chroma is None or count(connection, "journal") > 0:
            return vectors.scan(connection, query, k, where, values)
        # Some more than asked for: the exact scores may order them otherwise.
        near = self._chroma.search(query, min(total, 2 * k + 10))
        stored = vectors.read(connection, near, "passage")
        return [(i, round(float(matrix[0] @ query), 6)) for i, matrix in stored.items()]

    def take_chroma(self) -> ChromaIndex | None:
        """Take Chroma out of use, to change it; searches scan the catalogue meanwhile."""
        chroma, self._chroma = self._chroma, None
        return chroma

    def update_chroma(
        self,
        connection: sqlite3.Connection,
        chroma: ChromaIndex | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """Bring what ``take_chroma`` gave up to date and into use, or drop it where it is too much.

        ``connection`` is the writer's; no search need wait for this.
        """
        if count(connection, "passages") <= self._exact:
            if chroma is not None or read_setting(connection, BUILT):
                (chroma or ChromaIndex(self._home, 0)).drop(connection)
            return
        chroma = chroma or ChromaIndex(self._home, _dimension(connection))
        try:
            chroma.synchronise(connection, progress)
        except BaseException:
            chroma.close()
            raise
        self._chroma = chroma

    def close(self) -> None:
        if (chroma := self.take_chroma()) is not None:
            chroma.close()

    def _count(self, connection: sqlite3.Connection) -> int:
        """Passages; counted anew only where some came or went, since SQLite walks them all."""
        last = connection.execute("SELECT max(passage_id) FROM passages").fetchone()[0]
        state = (read_setting(connection, SHRINKS), last)
        if self._counted[0] != state:
            self._counted = (state, count(connection, "passages"))
        return self._counted[1]

    def _refreshed(self, connection: sqlite3.Connection, dimension: int) -> vectors.VectorTable:
        shrinks = read_setting(connection, SHRINKS)
        if self._table is None or self._table_shrinks != shrinks:
            self._table = vectors.VectorTable(dimension)
            self._table_shrinks = shrinks
        self._table.append_new(connection)
        return self._table


def _dimension(connection: sqlite3.Connection) -> int:
    identity = embedder_identity(connection)
    return identity.dimension if identity else 0
