"""Vectors in half precision: one row for a passage and its sentences, shared by equal passages.

A row's key digests everything that its vectors depend on, so a passage that occurs in several
articles, or again after a change elsewhere in its article, is embedded once. Half precision moves
a cosine by about 1e-4, far less than what INT8 weights do.
"""

from __future__ import annotations

import hashlib
import heapq
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.protocols import PassageInput, PassageVectors
from models.token_vectors import TokenVectors

_STORED = np.dtype("<f2")
_SCAN_BLOCK = 4096  # passages


def vector_key(embedder_key: str, passage: PassageInput) -> bytes:
    """16 bytes over the embedder, the title, the text and where its sentences lie."""
    title = "" if passage.title is None else "+" + passage.title
    spans = ",".join(f"{start}:{end}" for start, end in passage.sentences)
    joined = "\0".join((embedder_key, title, spans, passage.text))
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).digest()[:16]


def known(connection: sqlite3.Connection, keys: Iterable[bytes]) -> set[bytes]:
    """Those of the keys whose vectors are stored."""
    query = "SELECT 1 FROM vectors WHERE key = ?"
    return {key for key in keys if connection.execute(query, (key,)).fetchone()}


def put(connection: sqlite3.Connection, key: bytes, vectors: PassageVectors) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO vectors (key, passage, sentences, tokens) VALUES (?, ?, ?, ?)",
        (
            key,
            vectors.passage.astype(_STORED).tobytes(),
            vectors.sentences.astype(_STORED).tobytes(),
            _encode_tokens(vectors.tokens),
        ),
    )


def put_tokens(connection: sqlite3.Connection, vector_id: int, tokens: TokenVectors) -> None:
    """Add what an archive of an earlier schema did not keep."""
    connection.execute(
        "UPDATE vectors SET tokens = ? WHERE vector_id = ?", (_encode_tokens(tokens), vector_id)
    )


def collect_garbage(connection: sqlite3.Connection, vector_ids: Iterable[int]) -> None:
    """Delete those of the rows that no passage uses any longer."""
    connection.executemany(
        "DELETE FROM vectors WHERE vector_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = vector_id)",
        [(vector_id,) for vector_id in vector_ids],
    )


def read(
    connection: sqlite3.Connection, passage_ids: Sequence[int], column: str
) -> dict[int, np.ndarray]:
    """(n, d) float32 by passage id; ``column`` is "passage" (n = 1) or "sentences"."""
    found = {}
    query = (
        f"SELECT vectors.{column}, length(vectors.passage) FROM passages "
        "JOIN vectors ON vector_id = vector WHERE passage_id = ?"
    )
    for passage_id in passage_ids:
        row = connection.execute(query, (passage_id,)).fetchone()
        if row is not None:
            found[passage_id] = decode(row[0], row[1] // _STORED.itemsize)
    return found


def read_tokens(
    connection: sqlite3.Connection, passage_ids: Sequence[int]
) -> dict[int, TokenVectors]:
    """By passage id; passages whose token vectors are not kept are left out."""
    found = {}
    query = (
        "SELECT tokens FROM passages JOIN vectors ON vector_id = vector "
        "WHERE passage_id = ? AND tokens IS NOT NULL"
    )
    for passage_id in passage_ids:
        row = connection.execute(query, (passage_id,)).fetchone()
        if row is not None:
            found[passage_id] = _decode_tokens(row[0])
    return found


def _encode_tokens(tokens: TokenVectors) -> bytes:
    head = np.array([len(tokens.counts)], dtype="<u4").tobytes()
    return head + tokens.counts.astype("<u2").tobytes() + tokens.bits.tobytes()


def _decode_tokens(blob: bytes) -> TokenVectors:
    n = int.from_bytes(blob[:4], "little")
    counts = np.frombuffer(blob, "<u2", n, 4).astype(np.int64)
    bits = np.frombuffer(blob, np.uint8, offset=4 + 2 * n)
    total = int(counts.sum())
    return TokenVectors(bits.reshape(total, len(bits) // total if total else 0), counts)


def decode(blob: bytes, dimension: int) -> np.ndarray:
    """(n, d) float32."""
    return np.frombuffer(blob, dtype=_STORED).reshape(-1, dimension).astype(np.float32)


def scan(
    connection: sqlite3.Connection, query: np.ndarray, k: int, where: str, values: Sequence[object]
) -> list[tuple[int, float]]:
    """The k best (passage_id, cosine) of the articles that meet a condition, from the disk.

    Exact, in constant memory; for archives that are not kept in memory.
    """
    found = connection.execute(
        "SELECT passage_id, vectors.passage FROM articles "
        "JOIN passages ON article = number JOIN vectors ON vector_id = vector "
        f"WHERE {where}",
        values,
    )
    best: list[tuple[int, float]] = []
    while block := found.fetchmany(_SCAN_BLOCK):
        matrix = decode(b"".join(blob for _, blob in block), len(query))
        scores = np.round(matrix @ query.astype(np.float32), 6).tolist()
        best += zip((passage_id for passage_id, _ in block), scores, strict=True)
        best = heapq.nsmallest(k, best, key=lambda pair: (-pair[1], pair[0]))
    return best


@dataclass
class VectorTable:
    """All passages' vectors in memory: 4 · d bytes a distinct passage.

    ``vectors``: (m, d) float32; passage i has vector ``rows[i]`` and belongs to the article
    numbered ``articles[i]``. Passages are in order of their ids.
    """

    dimension: int
    vectors: np.ndarray = field(init=False)
    passage_ids: np.ndarray = field(init=False)
    articles: np.ndarray = field(init=False)
    rows: np.ndarray = field(init=False)
    _vector_ids: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.vectors = np.empty((0, self.dimension), dtype=np.float32)
        self.passage_ids = np.empty(0, dtype=np.int64)
        self.articles = np.empty(0, dtype=np.int64)
        self.rows = np.empty(0, dtype=np.int64)
        self._vector_ids = np.empty(0, dtype=np.int64)

    def append_new(self, connection: sqlite3.Connection) -> None:
        """Read what was added since the last call; ids only grow, so it is at the end."""
        last_vector = int(self._vector_ids[-1]) if len(self._vector_ids) else 0
        count = connection.execute(
            "SELECT count(*) FROM vectors WHERE vector_id > ?", (last_vector,)
        ).fetchone()[0]
        if count:
            fresh = np.empty((count, self.dimension), dtype=np.float32)
            ids = np.empty(count, dtype=np.int64)
            query = "SELECT vector_id, passage FROM vectors WHERE vector_id > ? ORDER BY vector_id"
            for i, (vector_id, blob) in enumerate(connection.execute(query, (last_vector,))):
                ids[i] = vector_id
                fresh[i] = np.frombuffer(blob, dtype=_STORED)
            self.vectors = np.concatenate([self.vectors, fresh]) if last_vector else fresh
            self._vector_ids = np.concatenate([self._vector_ids, ids])
        last_passage = int(self.passage_ids[-1]) if len(self.passage_ids) else 0
        rows = connection.execute(
            "SELECT passage_id, article, vector FROM passages WHERE passage_id > ? "
            "ORDER BY passage_id",
            (last_passage,),
        ).fetchall()
        if rows:
            fresh_rows = np.array(rows, dtype=np.int64)
            places = np.searchsorted(self._vector_ids, fresh_rows[:, 2])
            self.passage_ids = np.concatenate([self.passage_ids, fresh_rows[:, 0]])
            self.articles = np.concatenate([self.articles, fresh_rows[:, 1]])
            self.rows = np.concatenate([self.rows, places])

    def best(
        self, query: np.ndarray, k: int, allowed: np.ndarray | None
    ) -> list[tuple[int, float]]:
        """The k best (passage_id, cosine) among the allowed article numbers (None: all).

        Where the k-th score is shared, all that share it are returned, for the caller to order.
        """
        if len(self.rows) == 0 or k <= 0:
            return []
        # Rounded: the last bits depend on where a vector lies in the matrix.
        scores = np.round(self.vectors @ query.astype(np.float32), 6)[self.rows]
        ids = self.passage_ids
        if allowed is not None:
            mask = np.isin(self.articles, allowed)
            scores, ids = scores[mask], ids[mask]
        if len(scores) > k:
            limit = np.partition(scores, len(scores) - k)[len(scores) - k]
            keep = scores >= limit
            scores, ids = scores[keep], ids[keep]
        return list(zip(ids.tolist(), scores.tolist(), strict=True))
