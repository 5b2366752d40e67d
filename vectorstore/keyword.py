"""The keyword index: SQLite's FTS5 over analysed tokens, ranked by BM25 (k1 = 1.2, b = 0.75)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from vectorstore.analysis import analyse

# An article's title belongs to each of its passages, but says less about each than its own words.
_TITLE_WEIGHT, _BODY_WEIGHT = 0.5, 1.0

# What the asker put in quotation marks is wanted as it stands: it counts as one more, rare, term.
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{3,200})[\"“”«»]")


def add(connection: sqlite3.Connection, passage_id: int, title: str | None, text: str) -> None:
    connection.execute(
        "INSERT INTO keywords (rowid, title, body) VALUES (?, ?, ?)",
        (passage_id, " ".join(analyse(title or "")), " ".join(analyse(text))),
    )


def remove(connection: sqlite3.Connection, passage_ids: Sequence[int]) -> None:
    connection.executemany("DELETE FROM keywords WHERE rowid = ?", [(i,) for i in passage_ids])


def purge(connection: sqlite3.Connection) -> None:
    """Merge the index's segments: until then a removed passage's tokens stay on the disk."""
    connection.execute("INSERT INTO keywords (keywords) VALUES ('optimize')")


def search(
    connection: sqlite3.Connection, text: str, k: int, where: str, values: Sequence[object]
) -> list[tuple[int, float]]:
    """The k best (passage_id, BM25, higher is better) of the articles that meet a condition.

    Any of the text's tokens may match; a text without tokens finds nothing.
    """
    expression = _expression(text)
    if not expression:
        return []
    restriction = ""
    if where != "TRUE":
        restriction = (
            "AND rowid IN (SELECT passage_id FROM articles CROSS JOIN passages "
            f"ON passages.article = articles.number WHERE {where})"
        )
    rows = connection.execute(
        f"SELECT rowid, -bm25(keywords, {_TITLE_WEIGHT}, {_BODY_WEIGHT}) AS score FROM keywords "
        f"WHERE keywords MATCH ? {restriction} ORDER BY score DESC, rowid LIMIT ?",
        (expression, *values, k),
    )
    return rows.fetchall()


def document_frequencies(connection: sqlite3.Connection, tokens: Sequence[str]) -> dict[str, int]:
    """In how many passages (or their titles) each analysed token occurs."""
    frequencies = dict.fromkeys(tokens, 0)
    for token in frequencies:
        row = connection.execute(
            "SELECT doc FROM keyword_terms WHERE term = ?", (token,)
        ).fetchone()
        frequencies[token] = row[0] if row else 0
    return frequencies


def _expression(text: str) -> str:
    terms = dict.fromkeys(f'"{token}"' for token in analyse(text))
    for quoted in _QUOTED.findall(text):
        if len(tokens := analyse(quoted)) > 1:
            terms[f'"{" ".join(tokens)}"'] = None
    return " OR ".join(terms)
