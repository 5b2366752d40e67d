"""Reading the catalogue: its rows as values of ``vectorstore.types``."""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from models.protocols import EmbedderIdentity
from vectorstore.catalogue import read_setting
from vectorstore.types import (
    Article,
    ArticleSummary,
    Span,
    StoredArticle,
    StoredPassage,
    UnknownArticle,
)

_SUMMARY = (
    "article_id, path, record, title, source, author, date, date_kind, url, language, characters"
)
_ARTICLE = "article_id, path, record, text, title, source, author, date, date_kind, url, language"
_PASSAGE = "passage_id, article_id, start, end, sentences"


def encode_spans(spans: Sequence[Span]) -> bytes:
    return np.array([(s.start, s.end) for s in spans], dtype="<u4").tobytes()


def decode_spans(blob: bytes) -> tuple[Span, ...]:
    return tuple(
        Span(start, end) for start, end in np.frombuffer(blob, "<u4").reshape(-1, 2).tolist()
    )


def summaries(
    connection: sqlite3.Connection, where: str, values: Sequence[object]
) -> list[ArticleSummary]:
    """Newest first, undated last, then by id. ``where`` is a condition over ``articles``."""
    rows = connection.execute(
        f"SELECT {_SUMMARY} FROM articles WHERE {where} ORDER BY date DESC, article_id", values
    )
    return [ArticleSummary(*row) for row in rows]


def article(connection: sqlite3.Connection, article_id: str) -> StoredArticle | None:
    row = connection.execute(
        f"SELECT {_ARTICLE} FROM articles WHERE article_id = ?", (article_id,)
    ).fetchone()
    return StoredArticle(row[0], Article(*row[1:])) if row else None


def article_passages(connection: sqlite3.Connection, article_id: str) -> list[StoredPassage]:
    rows = connection.execute(
        f"SELECT {_PASSAGE} FROM passages JOIN articles ON number = article "
        "WHERE article_id = ? ORDER BY start",
        (article_id,),
    )
    return [_passage(row) for row in rows]


def ranked(
    connection: sqlite3.Connection, scored: Iterable[tuple[int, float]], k: int
) -> list[tuple[StoredPassage, float]]:
    """The k best of (passage_id, score), best first, ties by (article_id, start)."""
    found = []
    query = (
        f"SELECT {_PASSAGE} FROM passages JOIN articles ON number = article WHERE passage_id = ?"
    )
    for passage_id, score in scored:
        found.append((_passage(connection.execute(query, (passage_id,)).fetchone()), score))
    found.sort(key=lambda pair: (-pair[1], pair[0].article_id, pair[0].start))
    return found[:k]


def count(
    connection: sqlite3.Connection,
    table: str,
    values: Sequence[object] = (),
    *,
    what: str = "count(*)",
) -> int:
    return connection.execute(f"SELECT {what} FROM {table}", values).fetchone()[0]


def groups(connection: sqlite3.Connection, column: str) -> dict[str, int]:
    """How many articles have each value of a column, most first; nulls left out."""
    query = (
        f"SELECT {column}, count(*) FROM articles WHERE {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY count(*) DESC, {column}"
    )
    return dict(connection.execute(query).fetchall())


def sources(connection: sqlite3.Connection) -> list[str]:
    """The distinct sources of articles."""
    query = "SELECT DISTINCT source FROM articles WHERE source IS NOT NULL ORDER BY source"
    return [row[0] for row in connection.execute(query)]


def embedder_identity(connection: sqlite3.Connection) -> EmbedderIdentity | None:
    """The embedder whose vectors are stored; None while there is none."""
    recorded = read_setting(connection, "embedder")
    return EmbedderIdentity(**json.loads(recorded)) if recorded else None


def unknown_article(connection: sqlite3.Connection, article_id: str) -> UnknownArticle:
    """The error for an id that is not there, naming ids that look like it."""
    ids = [row[0] for row in connection.execute("SELECT article_id FROM articles")]
    near = [i for i in ids if article_id and i.startswith(article_id)][:3]
    near = near or difflib.get_close_matches(article_id, ids[:10_000], n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "`mustanad articles` lists the ids."
    return UnknownArticle(f"the archive has no article {article_id!r}. {hint}")


def _passage(row: tuple) -> StoredPassage:
    passage_id, article_id, start, end, spans = row
    return StoredPassage(passage_id, article_id, start, end, decode_spans(spans))
