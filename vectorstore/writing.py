"""What ingest may ask of the archive and write to it: batches, each in one transaction."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models.protocols import PassageInput, PassageVectors
from models.token_vectors import TokenVectors
from vectorstore import keyword, rows, vectors
from vectorstore.catalogue import read_setting, transaction, translated_errors, write_setting
from vectorstore.chroma import BUILT
from vectorstore.copies import CopyIndex
from vectorstore.rows import decode_spans, encode_spans
from vectorstore.types import Article, Passage

SHRINKS = "shrinks"  # setting: how often passages were deleted, for readers that keep vectors


@dataclass(frozen=True)
class FileState:
    """A file as it was when it was last read to its end. ``skipped``: (path, error) pairs."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    records: int
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KnownRecord:
    """Where a stored article came from and what it said."""

    article_id: str
    path: str
    record: str
    content_hash: str
    present: bool = True  # False: the file is there, but when last read it lacked this record


@dataclass(frozen=True)
class ArticleEntry:
    """A new article, or the new content of a stored one; ``keys``: a vector key a passage."""

    article_id: str
    article: Article
    passages: tuple[Passage, ...]
    keys: tuple[bytes, ...]


@dataclass
class Batch:
    """Changes that become visible together."""

    entries: list[ArticleEntry] = field(default_factory=list)
    vectors: dict[bytes, PassageVectors] = field(default_factory=dict)
    moved: list[KnownRecord] = field(default_factory=list)  # path and record: where it is now
    absent: list[str] = field(default_factory=list)  # ids whose record is gone from its file
    files: list[FileState] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)  # files to read again if they come back


class Writer:
    """Writes an archive. Made by ``Store.writer``, which holds the archive's lock."""

    def __init__(self, home: Path, connection: sqlite3.Connection, lock: threading.RLock) -> None:
        self._home = home
        self._connection = connection
        self._lock = lock
        self._copies = CopyIndex(connection)

    def file_state(self, path: str) -> FileState | None:
        row = self._one("SELECT * FROM files WHERE path = ?", path)
        if row is None:
            return None
        return FileState(*row[:-1], tuple(tuple(pair) for pair in json.loads(row[-1])))

    def records(self, path: str) -> list[KnownRecord]:
        """Stored articles of a file that were in it when it was last read."""
        return self._records("path = ? AND present = 1", path)

    def same_content(self, content_hash: str) -> list[KnownRecord]:
        """Stored articles with this content, wherever they came from."""
        return self._records("content_hash = ?", content_hash)

    def absent_records(self) -> list[KnownRecord]:
        """Stored articles whose file was read again and did not have them any more."""
        return self._records("present = 0")

    def paths(self) -> list[str]:
        """All files that stored articles came from."""
        with self._reading():
            query = "SELECT DISTINCT path FROM articles ORDER BY path"
            return [row[0] for row in self._connection.execute(query)]

    def is_taken(self, article_id: str) -> bool:
        return self._one("SELECT 1 FROM articles WHERE article_id = ?", article_id) is not None

    def known_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of the vector keys that need no embedding."""
        with self._reading():
            return vectors.known(self._connection, keys)

    def without_tokens(self, limit: int) -> list[tuple[int, PassageInput]]:
        """Vectors that an earlier version stored without those of tokens, and their passages."""
        query = (
            "SELECT vector_id, title, text, start, end, passages.sentences FROM vectors "
            "JOIN passages ON passage_id = (SELECT min(passage_id) FROM passages "
            "WHERE vector = vector_id) JOIN articles ON number = article "
            "WHERE tokens IS NULL ORDER BY vector_id LIMIT ?"
        )
        with self._reading():
            found = self._connection.execute(query, (limit,)).fetchall()
        return [
            (vector_id, passage_input(title, text, Passage(start, end, decode_spans(spans))))
            for vector_id, title, text, start, end, spans in found
        ]

    def count_without_tokens(self) -> int:
        """How many ``without_tokens`` would give if it had no limit."""
        with self._reading():
            return rows.count(self._connection, "vectors WHERE tokens IS NULL")

    def add_tokens(self, tokens: Mapping[int, TokenVectors]) -> None:
        """Token vectors by vector id, all or none of them."""
        with self._lock, translated_errors(self._home), transaction(self._connection):
            for vector_id, one in tokens.items():
                vectors.put_tokens(self._connection, vector_id, one)

    def write(self, batch: Batch) -> None:
        """All of a batch or, if anything fails, nothing of it (StoreError)."""
        with self._lock, translated_errors(self._home), transaction(self._connection):
            for key, pair in batch.vectors.items():
                vectors.put(self._connection, key, pair)
            unused = [i for entry in batch.entries for i in self._write_article(entry)]
            # At the end: what one article of the batch gives up another may take up.
            vectors.collect_garbage(self._connection, unused)
            for known in batch.moved:
                self._connection.execute(
                    "UPDATE articles SET path = ?, record = ?, present = 1 WHERE article_id = ?",
                    (known.path, known.record, known.article_id),
                )
            for article_id in batch.absent:
                self._connection.execute(
                    "UPDATE articles SET present = 0 WHERE article_id = ?", (article_id,)
                )
            self._connection.executemany(
                "DELETE FROM files WHERE path = ?", [(path,) for path in batch.forgotten]
            )
            for state in batch.files:
                self._connection.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        state.path,
                        state.size,
                        state.mtime_ns,
                        state.sha256,
                        state.records,
                        json.dumps(state.skipped, ensure_ascii=False),
                    ),
                )

    def _write_article(self, entry: ArticleEntry) -> list[int]:
        """Ids of vectors that the article used before and perhaps nothing uses any more."""
        article, connection = entry.article, self._connection
        row = self._one("SELECT number FROM articles WHERE article_id = ?", entry.article_id)
        columns = {
            "article_id": entry.article_id,
            "path": article.path,
            "record": article.record,
            "present": 1,
            "content_hash": article.content_hash,
            "title": article.title,
            "source": article.source,
            "author": article.author,
            "date": article.date,
            "date_kind": article.date_kind,
            "url": article.url,
            "language": article.language,
            "characters": len(article.text),
            "text": article.text,
        }
        unused: list[int] = []
        if row is None:
            number = connection.execute(
                f"INSERT INTO articles ({','.join(columns)}) "
                f"VALUES ({','.join('?' * len(columns))})",
                tuple(columns.values()),
            ).lastrowid
        else:
            (number,) = row
            unused = delete_passages(connection, number)
            self._copies.remove(number)
            connection.execute(
                f"UPDATE articles SET {','.join(f'{c} = ?' for c in columns)} WHERE number = ?",
                (*columns.values(), number),
            )
        journal = bool(read_setting(connection, BUILT))
        for passage, key in zip(entry.passages, entry.keys, strict=True):
            passage_id = connection.execute(
                "INSERT INTO passages (article, start, end, sentences, vector) "
                "VALUES (?, ?, ?, ?, (SELECT vector_id FROM vectors WHERE key = ?))",
                (number, passage.start, passage.end, encode_spans(passage.sentences), key),
            ).lastrowid
            text = article.text[passage.start : passage.end]
            keyword.add(connection, passage_id, article.title, text)
            if journal:
                connection.execute("INSERT INTO journal (passage) VALUES (?)", (passage_id,))
        self._copies.add(number, article.text)
        return unused

    def _records(self, where: str, *values: str) -> list[KnownRecord]:
        query = (
            "SELECT article_id, path, record, content_hash, present FROM articles "
            f"WHERE {where} ORDER BY number"
        )
        with self._reading():
            rows = self._connection.execute(query, values).fetchall()
        return [KnownRecord(*row[:-1], present=bool(row[-1])) for row in rows]

    def _one(self, query: str, value: str) -> tuple | None:
        with self._reading():
            return self._connection.execute(query, (value,)).fetchone()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, translated_errors(self._home):
            yield


def passage_input(title: str | None, text: str, passage: Passage) -> PassageInput:
    """What of a passage is embedded; ``text`` is its article's."""
    return PassageInput(
        text=text[passage.start : passage.end],
        title=title,
        sentences=tuple(
            (s.start - passage.start, s.end - passage.start) for s in passage.sentences
        ),
    )


def delete_passages(connection: sqlite3.Connection, number: int) -> list[int]:
    """Delete an article's passages and their index rows; ids of vectors that may be unused now."""
    rows = connection.execute(
        "SELECT passage_id, vector FROM passages WHERE article = ?", (number,)
    ).fetchall()
    passage_ids = [(passage_id,) for passage_id, _ in rows]
    keyword.remove(connection, [passage_id for passage_id, _ in rows])
    if read_setting(connection, BUILT):
        connection.executemany("INSERT INTO journal (passage) VALUES (?)", passage_ids)
    connection.execute("DELETE FROM passages WHERE article = ?", (number,))
    shrinks = int(read_setting(connection, SHRINKS) or 0)
    write_setting(connection, SHRINKS, str(shrinks + 1))
    return [vector for _, vector in rows]
