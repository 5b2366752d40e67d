"""The archive: what is stored, how it is searched, and how something is removed for good.

A ``Store`` may be used by several threads. It reads through a connection of its own that sees only
finished batches, so a search beside an ingest, in this process or another, is right.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.protocols import EmbedderIdentity
from models.token_vectors import TokenVectors
from vectorstore import catalogue, keyword, rows, vectors
from vectorstore import filters as filtering
from vectorstore.catalogue import read_setting, snapshot, transaction, translated_errors
from vectorstore.dense import DenseSearch
from vectorstore.lock import HomeLock
from vectorstore.types import (
    ArticleSummary,
    Filters,
    StoredArticle,
    StoredPassage,
    StoreError,
)
from vectorstore.writing import Writer, delete_passages

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
        self._dense = DenseSearch(home, exact_search_passages)

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
            self._dense.close()
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
            return rows.embedder_identity(connection)

    def use_embedder(self, identity: EmbedderIdentity, variant: str) -> None:
        """Record the embedder at its first use; raise StoreError if vectors of another are stored.

        The variant (how the weights are run) is recorded, not compared.
        """
        with self._reading() as connection:
            recorded = rows.embedder_identity(connection)
            known_variant = read_setting(connection, "embedder_variant")
            is_empty = rows.count(connection, "vectors") == 0
        if recorded == identity and known_variant == variant:
            return
        if recorded is not None and recorded.key != identity.key and not is_empty:
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
                raise rows.unknown_article(connection, article_id)
            return found

    def summaries(self, filters: Filters = NO_FILTERS) -> list[ArticleSummary]:
        """Articles that pass the filters, newest first, undated last, then by id."""
        with self._reading() as connection:
            return rows.summaries(connection, *filtering.condition(connection, filters))

    def matching(self, filters: Filters) -> int:
        """How many articles pass the filters."""
        with self._reading() as connection:
            where, values = filtering.condition(connection, filters)
            return rows.count(connection, f"articles WHERE {where}", values)

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
                raise rows.unknown_article(connection, article_id)
            return found

    def passage_count(self) -> int:
        with self._reading() as connection:
            return rows.count(connection, "passages")

    def document_frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """In how many passages each token of ``analyse`` occurs."""
        with self._reading() as connection:
            return keyword.document_frequencies(connection, tokens)

    def passage_vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """(d,) float32 by passage id; ids that are no longer stored are left out."""
        with self._reading() as connection:
            found = vectors.read(connection, ids, "passage")
            return {passage_id: matrix[0] for passage_id, matrix in found.items()}

    def sentence_vectors(self, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """(n, d) float32 by passage id, a row a sentence of the passage, in order."""
        with self._reading() as connection:
            return vectors.read(connection, ids, "sentences")

    def token_vectors(self, ids: Sequence[int]) -> dict[int, TokenVectors]:
        """Of the passages' sentences, by passage id.

        Passages are left out that are no longer stored, or that were stored by an earlier version
        which did not keep these vectors, until the next ingest adds them.
        """
        with self._reading() as connection:
            return vectors.read_tokens(connection, ids)

    def sources(self) -> list[str]:
        """The sources of all articles, as written, each once."""
        with self._reading() as connection:
            return rows.sources(connection)

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
            found = self._dense.search(connection, query, k, filters)
            return rows.ranked(connection, found, k)

    # Writing --------------------------------------------------------------------------------

    def writer(self) -> Writer:
        """For ingest. StoreError if the archive was opened read only."""
        return Writer(self.home, self._writable(), self._writing_lock)

    def update_index(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Bring Chroma up to date where the archive is large enough for it, else drop it."""
        with self._writing() as connection:
            with self._reading_lock:
                chroma = self._dense.take_chroma()
            self._dense.update_chroma(connection, chroma, progress)

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
                        raise rows.unknown_article(connection, article_id)
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
            identity = rows.embedder_identity(connection)
            return {
                "home": str(self.home),
                "schema_version": catalogue.schema_version(connection),
                "articles": rows.count(connection, "articles"),
                "passages": rows.count(connection, "passages"),
                "vectors": rows.count(connection, "vectors"),
                "vectors_without_tokens": rows.count(connection, "vectors WHERE tokens IS NULL"),
                "characters": rows.count(
                    connection, "articles", what="coalesce(sum(characters), 0)"
                ),
                "copies": rows.count(connection, "copies", what="count(DISTINCT article)"),
                "languages": rows.groups(connection, "language"),
                "sources": rows.groups(connection, "source"),
                "search": self._dense.kind(connection),
                "embedder": asdict(identity) if identity else None,
                "embedder_variant": read_setting(connection, "embedder_variant"),
                "bytes": _size_of(self.home),
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


def _size_of(folder: Path) -> int:
    """Bytes of all files below; one that goes away meanwhile does not count."""
    size = 0
    for file in folder.rglob("*"):
        try:
            size += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return size
