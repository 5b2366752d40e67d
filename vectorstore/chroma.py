"""Chroma as a derived index of the passages' vectors, for archives too large to search exactly.

It holds nothing but row numbers and vectors, and can be thrown away at any time: the catalogue
keeps all vectors, and a journal of what this index has not been told. Replaying a journal entry
twice does no harm, so an entry is forgotten only after Chroma has it. A folder that is missing,
damaged, of another archive or out of step is rebuilt, without embedding anything again.

Chroma is approximate and not repeatable; what it finds is to be scored again exactly.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vectorstore.catalogue import read_setting, transaction, write_setting
from vectorstore.vectors import decode

FOLDER_NAME = "chroma"
# Setting: the folder, below FOLDER_NAME, of the index for which the journal is kept. Each build has
# a new one: within a process Chroma keeps what it once opened at a path, even a damaged thing.
BUILT = "chroma_built"
_COLLECTION = "passages"
_BATCH = 150  # Chroma slows down beyond
# Wider than Chroma's defaults (100, 16, 100), for recall; benchmarks/search.py measures it.
_HNSW = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}

_log = logging.getLogger(__name__)


class ChromaIndex:
    """An open index. One process at a time: whoever opens it holds the archive's lock."""

    def __init__(self, home: Path, dimension: int) -> None:
        self._folder = home / FOLDER_NAME
        self._dimension = dimension
        self._client = None
        self._collection = None

    def synchronise(
        self, connection: sqlite3.Connection, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Tell the index all that it does not know; build it anew where it is not to be trusted.

        ``progress(done, total)`` counts passages while building.
        """
        archive = read_setting(connection, "archive")
        if build := read_setting(connection, BUILT):
            # Whatever a damaged folder makes Chroma raise, the answer is the same: build it anew.
            try:
                self._open(build, archive)
                self._replay(connection)
                found, expected = self._collection.count(), _passage_count(connection)
                if found == expected:
                    return
                reason = f"it has {found} passages, the catalogue {expected}"
            except Exception as error:
                reason = str(error)
            _log.warning("rebuilding the vector index %s: %s", self._folder, reason)
        self._rebuild(connection, archive, progress)

    def search(self, query: np.ndarray, n: int) -> list[int]:
        """Ids of about the n nearest passages."""
        found = self._collection.query(
            query_embeddings=[query.astype(np.float32)], n_results=n, include=[]
        )
        return [int(i) for i in found["ids"][0]]

    def close(self) -> None:
        self._collection = None
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def drop(self, connection: sqlite3.Connection) -> None:
        """Delete the index and stop keeping a journal for it."""
        self.close()
        with transaction(connection):
            write_setting(connection, BUILT, "")
            connection.execute("DELETE FROM journal")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self, build: str, archive: str | None) -> None:
        if self._collection is not None:
            return
        import chromadb  # takes a second: only archives above the limit pay for it
        from chromadb.config import Settings

        self._client = chromadb.PersistentClient(
            str(self._folder / build), settings=Settings(anonymized_telemetry=False)
        )
        self._collection = self._client.get_or_create_collection(
            _COLLECTION,
            embedding_function=None,
            configuration={"hnsw": _HNSW},
            metadata={"archive": archive},
        )
        if (self._collection.metadata or {}).get("archive") != archive:
            raise ValueError("it belongs to another archive")

    def _replay(self, connection: sqlite3.Connection) -> None:
        while rows := connection.execute(
            "SELECT sequence, journal.passage, vectors.passage FROM journal "
            "LEFT JOIN passages ON passage_id = journal.passage "
            "LEFT JOIN vectors ON vector_id = vector ORDER BY sequence LIMIT ?",
            (_BATCH,),
        ).fetchall():
            # What was added and removed since is only removed: its row has no vector any more.
            present = {i: blob for _, i, blob in rows if blob is not None}
            self._upsert(list(present), list(present.values()))
            gone = {str(i) for _, i, blob in rows if blob is None}
            if gone:
                self._collection.delete(ids=sorted(gone))
            with transaction(connection):
                connection.execute("DELETE FROM journal WHERE sequence <= ?", (rows[-1][0],))

    def _rebuild(
        self,
        connection: sqlite3.Connection,
        archive: str | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.drop(connection)
        build = uuid.uuid4().hex[:8]
        (self._folder / build).mkdir(parents=True)
        self._open(build, archive)
        total, done, last = _passage_count(connection), 0, 0
        while rows := connection.execute(
            "SELECT passage_id, vectors.passage FROM passages "
            "JOIN vectors ON vector_id = vector WHERE passage_id > ? ORDER BY passage_id LIMIT ?",
            (last, _BATCH),
        ).fetchall():
            self._upsert([i for i, _ in rows], [blob for _, blob in rows])
            last = rows[-1][0]
            done += len(rows)
            if progress is not None:
                progress(done, total)
        with transaction(connection):
            write_setting(connection, BUILT, build)

    def _upsert(self, passage_ids: list[int], blobs: list[bytes]) -> None:
        if passage_ids:
            self._collection.upsert(
                ids=[str(i) for i in passage_ids],
                embeddings=decode(b"".join(blobs), self._dimension),
            )


def _passage_count(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM passages").fetchone()[0]
