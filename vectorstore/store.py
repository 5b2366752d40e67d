"""The archive: what is stored, how it is searched, and how something is removed for good.

A ``Store`` may be used by several threads. It reads through a connection of its own that sees only
finished batches, so a search beside an ingest, in this process or another, is right.
"""

from __future__ import annotations

import difflib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.protocols import EmbedderIdentity
from vectorstore import catalogue, keyword, rows, vectors
from vectorstore import filters as filtering
from vectorstore.catalogue import read_setting, snapshot, transaction, translated_errors
from vectorstore.chroma import BUILT, ChromaIndex
from vectorstore.lock import HomeLock
from vectorstore.types import (
    ArticleSummary,
    Filters,
    StoredArticle,
    StoredPassage,
    StoreError,
)
from vectorstore.writing import SHRINKS, Writer, delete_passages

NO_FILTERS = Filters()


class Store:
    """An archive in a data folder. Open it with ``Store.open``; close it or use ``with``.

    Every method raises StoreError, and only that, when the archive cannot be used as asked.
    """

    def __init__(
        self,
        home: Path,
        reader: sqlite3.Connection,
        writer: sqlite3.Connection | None,
        lock: HomeLock | None,
        exact_search_passages: int,
    ) -> None:
        self.home = home
        self._reader = reader
        self._reading_lock = threading.RLock()
        self._connection = writer
        self._writing_lock = threading.RLock()
        self._home_lock = lock
        self._exact = exact_search_passages
        self._table: vectors.VectorTable | None = None
        self._table_shrinks: str | None = None
        self._chroma: ChromaIndex | None = None

    @classmethod
    def open(
        cls, home: Path, *, read_only: bool = False, exact_search_passages: int = 100_000
    ) -> Store:
        """Open the archive of a data folder, made (mode 0700) where it does not exist.

        ``read_only`` takes no lock and makes nothing: it may run beside a writer, and an archive
        that does not exist is an empty one. Up to ``exact_search_passages`` passages search is
        exact, from memory; above, through Chroma (a reader scans the catalogue: exact, slower).
        Raises StoreError when another process writes, and for a file that cannot be used.
        """
        home = Path(home).expanduser().absolute()
        if read_only:
            return cls(home, _open_reader(home), None, None, exact_search_passages)
        with translated_errors(home):
            home.mkdir(parents=True, exist_ok=True)
            home.chmod(0o700)
            lock = HomeLock(home)
        try:
            writer = catalogue.connect(home)
            try:
                reader = catalogue.connect(home, read_only=True)
            except BaseException:
                writer.close()
                raise
        except BaseException:
            lock.release()
            raise
        store = cls(home, reader, writer, lock, exact_search_passages)
        store.update_index()
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and lock. A second call does nothing."""
        with self._writing_lock, self._reading_lock:
            if self._chroma is not None:
                self._chroma.close()
                self._chroma = None
            self._reader.close()
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._home_lock is not None:
                self._home_lock.release()
                self._home_lock = None

    # The embedder ---------------------------------------------------------------------------

    def embedder(self) -> EmbedderIdentity | None:
        """The embedder of the stored vectors; None while there are none."""
        with self._reading() as connection:
            return _identity(connection)

    def use_embedder(self, identity: EmbedderIdentity, variant: str) -> None:
        """Record the embedder at its first use; raise StoreError if another one was recorded."""
        recorded = self.embedder()
        if recorded is not None and recorded.key != identity.key:
            differences = ", ".join(
                f"{name} {value!r} instead of {asdict(recorded)[name]!r}"
                for name, value in asdict(identity).items()
                if value != asdict(recorded)[name]
            )
            raise StoreError(
                f"the archive {self.home} was made with another embedder ({differences}): its "
                "vectors cannot be compared. Use the recorded embedder (setting `embedder`), or "
                "ingest the articles into a new folder (--home)."
            )
        if self._connection is None:
            return
        with self._writing() as connection, transaction(connection):
            value = json.dumps(asdict(identity), ensure_ascii=False, sort_keys=True)
            catalogue.write_setting(connection, "embedder", value)
            catalogue.write_setting(connection, "embedder_variant", variant)

    # Reading --------------------------------------------------------------------------------

    def get(self, article_id: str) -> StoredArticle:
        """An article by id; StoreError if there is none, naming ids that look like it."""
        with self._reading() as connection:
            found = rows.article(connection, article_id)
            if found is None:
                raise _unknown(connection, article_id)
            return found

    def summaries(self, filters: Filters = NO_FILTERS) -> list[ArticleSummary]:
        """Articles that pass the filters, newest first, undated last, then by id."""
        with self._reading() as connection:
            return rows.summaries(connection, *filtering.condition(connection, filters))

    def matching(self, filters: Filters) -> int:
        """How many articles pass the filters."""
        with self._reading() as connection:
            where, values = filtering.condition(connection, filters)
            return _count(connection, f"articles WHERE {where}", values)

    def undated(self, filters: Filters) -> int:
        """How many articles the filters' dates drop for having none."""
        with self._reading() as connection:
            return filtering.undated(connection, filters)

    def copies(self, article_id: str) -> list[ArticleSummary]:
        """Other articles that tell the same or nearly the same story, newest first."""
        with self._reading() as connection:
            where = (
                "number IN (SELECT other FROM copies JOIN articles AS one ON one.number = article "
                "WHERE one.article_id = ?)"
            )
            return rows.summaries(connection, where, [article_id])

    def passages(self, article_id: str) -> list[StoredPassage]:
        """An article's passages in order; StoreError if there is no such article."""
        with self._reading() as connection:
            found = rows.article_passages(connection, article_id)
            if not found and rows.article(connection, article_id) is None:
                raise _unknown(connection, article_id)
            return found

    def passage_count(self) -> int:
        with self._reading() as connection:
            return _count(connection, "passages")

    def document_frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """In how many passages each token of ``analyse`` occurs."""
        with self._reading() as connection:
            return keyword.document_frequencies(connection, tokens)

    def passage_vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """(d,) float32 by passage id; ids that are no longer stored are left out."""
        with self._reading() as connection:
            found = vectors.read(connection, ids, "passage", _dimension(connection))
            return {passage_id: matrix[0] for passage_id, matrix in found.items()}

    def sentence_vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """(n, d) float32 by passage id, a row a sentence of the passage, in order."""
        with self._reading() as connection:
            return vectors.read(connection, ids, "sentences", _dimension(connection))

    # Searching ------------------------------------------------------------------------------

    def search_keywords(
        self, text: str, k: int, filters: Filters = NO_FILTERS
    ) -> list[tuple[StoredPassage, float]]:
        """The k best passages by BM25, higher is better, ties by (article_id, start)."""
        with self._reading() as connection:
            where, values = filtering.condition(connection, filters)
            found = keyword.search(connection, text, k, where, values)
            return rows.ranked(connection, found, k)

    def search_vectors(
        self, query: np.ndarray, k: int, filters: Filters = NO_FILTERS
    ) -> list[tuple[StoredPassage, float]]:
        """The k best passages by cosine, ties by (article_id, start).

        ``query``: (d,), L2-normalised. Raises StoreError if d is not that of the archive.
        """
        with self._reading() as connection:
            total = _count(connection, "passages")
            if total == 0 or k <= 0:
                return []
            if query.shape != (dimension := _dimension(connection),):
                raise StoreError(
                    f"the query has shape {query.shape}, the archive's vectors ({dimension},). "
                    "Use the embedder that the archive was made with."
                )
            where, values = filtering.condition(connection, filters)
            if total <= self._exact:
                allowed = None
                if filters:
                    numbers = connection.execute(
                        f"SELECT number FROM articles WHERE {where}", values
                    )
                    allowed = np.array([n for (n,) in numbers], dtype=np.int64)
                found = self._refreshed(connection, dimension).best(query, k, allowed)
            elif filters or not self._chroma_is_current(connection):
                found = vectors.scan(connection, query, k, where, values)
            else:
                # Some more than asked for: the exact scores may order them otherwise.
                near = self._chroma.search(query, min(total, 2 * k + 10))
                stored = vectors.read(connection, near, "passage", dimension)
                found = [(i, round(float(m[0] @ query), 6)) for i, m in stored.items()]
            return rows.ranked(connection, found, k)

    def _refreshed(self, connection: sqlite3.Connection, dimension: int) -> vectors.VectorTable:
        shrinks = read_setting(connection, SHRINKS)
        if self._table is None or self._table_shrinks != shrinks:
            self._table = vectors.VectorTable(dimension)
            self._table_shrinks = shrinks
        self._table.append_new(connection)
        return self._table

    def _chroma_is_current(self, connection: sqlite3.Connection) -> bool:
        return self._chroma is not None and _count(connection, "journal") == 0

    # Writing --------------------------------------------------------------------------------

    def writer(self) -> Writer:
        """For ingest. StoreError if the archive was opened read only."""
        return Writer(self.home, self._writable(), self._writing_lock)

    def update_index(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Bring Chroma up to date where the archive is large enough for it, else drop it."""
        with self._writing() as connection:
            with self._reading_lock:  # searches scan the catalogue until it is back
                chroma, self._chroma = self._chroma, None
            size = _count(connection, "passages")
            if size > self._exact:
                chroma = chroma or ChromaIndex(self.home, _dimension(connection))
                try:
                    chroma.synchronise(connection, progress)
                except BaseException:
                    chroma.close()
                    raise
                self._chroma = chroma
            elif chroma is not None or read_setting(connection, BUILT):
                (chroma or ChromaIndex(self.home, 0)).drop(connection)

    def remove(self, article_ids: Sequence[str]) -> list[str]:
        """Delete articles with their text, vectors and index rows; the ids in the order given.

        Deleted content is overwritten in the file, not only unlinked. All or nothing: StoreError
        for an unknown id. An article whose file is ingested again comes back.
        """
        wanted = list(dict.fromkeys(article_ids))
        with self._writing() as connection:
            with transaction(connection):
                for article_id in wanted:
                    row = connection.execute(
                        "SELECT number, path FROM articles WHERE article_id = ?", (article_id,)
                    ).fetchone()
                    if row is None:
                        raise _unknown(connection, article_id)
                    unused = delete_passages(connection, row[0])
                    connection.execute("DELETE FROM articles WHERE number = ?", (row[0],))
                    connection.execute("DELETE FROM files WHERE path = ?", (row[1],))
                    vectors.collect_garbage(connection, unused)
                keyword.purge(connection)
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            with self._reading_lock:  # an open read would keep the old pages in the log
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.update_index()
        return wanted

    # Status ---------------------------------------------------------------------------------

    def status(self) -> dict:
        """Counts, sizes in bytes, schema version, embedder and the way of search."""
        with self._reading() as connection:
            identity = _identity(connection)
            count = _count(connection, "passages")
            return {
                "home": str(self.home),
                "schema_version": catalogue.schema_version(connection),
                "articles": _count(connection, "articles"),
                "passages": count,
                "vectors": _count(connection, "vectors"),
                "characters": _count(connection, "articles", what="coalesce(sum(characters), 0)"),
                "copies": _count(connection, "copies", what="count(DISTINCT article)"),
                "languages": _groups(connection, "language"),
                "sources": _groups(connection, "source"),
                "search": "exact" if count <= self._exact else "chroma",
                "embedder": asdict(identity) if identity else None,
                "embedder_variant": read_setting(connection, "embedder_variant"),
                "bytes": sum(f.stat().st_size for f in self.home.rglob("*") if f.is_file()),
            }

    # Connections ----------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._reading_lock, translated_errors(self.home), snapshot(self._reader):
            yield self._reader

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._writable()
        with self._writing_lock, translated_errors(self.home):
            yield connection

    def _writable(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"the archive {self.home} is open for reading only.")
        return self._connection


def _open_reader(home: Path) -> sqlite3.Connection:
    if (home / catalogue.FILE_NAME).exists():
        return catalogue.connect(home, read_only=True)
    return catalogue.empty()


def _count(
    connection: sqlite3.Connection,
    table: str,
    values: Sequence[object] = (),
    *,
    what: str = "count(*)",
) -> int:
    return connection.execute(f"SELECT {what} FROM {table}", values).fetchone()[0]


def _groups(connection: sqlite3.Connection, column: str) -> dict[str, int]:
    query = (
        f"SELECT {column}, count(*) FROM articles WHERE {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY count(*) DESC, {column}"
    )
    return dict(connection.execute(query).fetchall())


def _identity(connection: sqlite3.Connection) -> EmbedderIdentity | None:
    recorded = read_setting(connection, "embedder")
    return EmbedderIdentity(**json.loads(recorded)) if recorded else None


def _dimension(connection: sqlite3.Connection) -> int:
    identity = _identity(connection)
    return identity.dimension if identity else 0


def _unknown(connection: sqlite3.Connection, article_id: str) -> StoreError:
    ids = [row[0] for row in connection.execute("SELECT article_id FROM articles")]
    near = [i for i in ids if article_id and i.startswith(article_id)][:3]
    near = near or difflib.get_close_matches(article_id, ids[:10_000], n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "`mustanad articles` lists the ids."
    return StoreError(f"the archive has no article {article_id!r}. {hint}")
