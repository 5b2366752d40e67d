"""What the loaders share: limits, the error of one file, and building an article."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from rag.language import detect_language
from rag.loaders.head import read_head
from rag.orders import name_alone
from vectorstore.types import Article

MAX_BYTES = 200_000_000  # of one file
MAX_INFLATED = 500_000_000  # of what one compressed file holds


@dataclass(frozen=True)
class Unreadable:
    """A file, or one record of it, that could not be read; ``error`` says what was found."""

    path: str
    error: str


class LoadError(ValueError):
    """A file cannot be read as articles; the message says what was found, not which file."""


def absolute(path: Path) -> str:
    """The path as articles carry it: absolute, symbolic links not followed."""
    return os.path.abspath(path)


def one_line(value: str | None) -> str | None:
    """A title, name or address on one line without space around it, or None if nothing is left."""
    if value is None:
        return None
    return re.sub(r"\s+", " ", value.strip("\ufeff")).strip() or None


def storable(text: str) -> str:
    """Lone surrogates and NUL, which JSON can hold and a text file cannot, replaced by U+FFFD."""
    return re.sub(r"[\ud800-\udfff\0]", "\ufffd", text)


def article(
    path: Path,
    text: str,
    *,
    record: str = "",
    title: str | None = None,
    source: str | None = None,
    author: str | None = None,
    published: str | None = None,
    extracted: str | None = None,
    url: str | None = None,
    language: str | None = None,
) -> Article:
    """An article from a text and what is known about it; the text's own head fills what is not.

    ``published`` and ``extracted`` are ISO 8601 dates; a stated date of publication wins over a
    date line in the text, which wins over the date of a crawl. Raises LoadError if there is no
    text.
    """
    if not any(map(str.isalnum, text)):
        raise LoadError("no text")
    head = read_head(text)
    published = published or head.date
    title = name_alone(one_line(title) or head.title)
    return Article(
        path=absolute(path),
        record=record,
        text=text,
        title=title,
        source=name_alone(one_line(source) or head.source),
        author=name_alone(one_line(author)),
        date=published or extracted,
        date_kind="published" if published else "extracted" if extracted else None,
        url=one_line(url),
        language=language or detect_language(f"{title or ''}\n{text[:4000]}"),
    )
