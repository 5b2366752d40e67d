"""Filters as SQL over the table ``articles``, so that they apply before the best are picked."""

from __future__ import annotations

import sqlite3
from datetime import date

from vectorstore import rows
from vectorstore.outlets import same_outlet
from vectorstore.types import Filters, StoreError

# A date may carry a time; the day is its first ten characters.
_DAY = "substr(articles.date, 1, 10)"


def condition(
    connection: sqlite3.Connection, filters: Filters, *, dates: bool = True
) -> tuple[str, list[object]]:
    """A condition for WHERE and its parameters; ``dates=False`` leaves the date filter out.

    Raises StoreError for a date that is not YYYY-MM-DD.
    """
    clauses: list[str] = []
    values: list[object] = []

    def among(column: str, allowed: list[str]) -> None:
        clauses.append(f"articles.{column} IN ({','.join('?' * len(allowed))})")
        values.extend(allowed)

    if filters.sources:
        wanted = filters.sources
        among(
            "source",
            [s for s in rows.sources(connection) if any(same_outlet(w, s) for w in wanted)],
        )
    if filters.language:
        among("language", [filters.language])
    if filters.article_ids:
        among("article_id", list(filters.article_ids))
    if dates and filters.date_from:
        clauses.append(f"{_DAY} >= ?")
        values.append(_checked(filters.date_from))
    if dates and filters.date_to:
        clauses.append(f"{_DAY} <= ?")
        values.append(_checked(filters.date_to))
    return " AND ".join(clauses) or "TRUE", values


def undated(connection: sqlite3.Connection, filters: Filters) -> int:
    """How many articles pass all other filters and are dropped for having no date."""
    if not (filters.date_from or filters.date_to):
        return 0
    where, values = condition(connection, filters, dates=False)
    query = f"SELECT count(*) FROM articles WHERE articles.date IS NULL AND {where}"
    return connection.execute(query, values).fetchone()[0]


def _checked(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise StoreError(f"{day!r} is not a date. Write dates as YYYY-MM-DD.") from None
