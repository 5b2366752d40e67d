"""Value types of the archive. Offsets are code points into ``Article.text``, end exclusive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


class StoreError(RuntimeError):
    """The archive cannot be used as asked; the message says what was found and what to do."""


class UnknownArticle(StoreError):
    """The archive holds no article of that id, perhaps no longer."""


@dataclass(frozen=True)
class Span:
    """``text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True)
class Article:
    """One article as a loader read it.

    ``text`` is the decoded file or the extracted body, byte order mark removed and nothing else
    changed. ``path`` is the absolute path of the file; ``record`` tells articles of one file apart
    ("" where the file is the article; else the record's position, "0", "1", …). ``date`` is ISO
    8601 (YYYY-MM-DD, or with a time) or None; ``date_kind`` is "published" (stated as the date of
    publication), "extracted" (the date of the crawl) or None. ``language`` is an ISO 639-1 code.
    """

    path: str
    record: str
    text: str
    title: str | None = None
    source: str | None = None
    author: str | None = None
    date: str | None = None
    date_kind: str | None = None
    url: str | None = None
    language: str = "ar"

    @property
    def content_hash(self) -> str:
        """SHA-256 over the text and all metadata, but not over where the file lies."""
        fields = (
            self.text,
            self.title,
            self.source,
            self.author,
            self.date,
            self.date_kind,
            self.url,
            self.language,
        )
        joined = "\0".join("" if f is None else "+" + f for f in fields)
        return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class StoredArticle:
    """An article in the archive, under the id that it keeps when its file moves."""

    article_id: str
    article: Article


@dataclass(frozen=True)
class Passage:
    """A run of whole sentences of an article, at most 1,200 characters long."""

    start: int
    end: int
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class StoredPassage:
    """A passage in the archive. ``passage_id`` is a row number: stable while the article is."""

    passage_id: int
    article_id: str
    start: int
    end: int
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class Filters:
    """What a question may be restricted to; None or () means no restriction.

    ``sources`` are compared folded and with aliases; dates are inclusive "YYYY-MM-DD" and drop
    undated articles; ``language`` is the language of the articles.
    """

    sources: tuple[str, ...] = ()
    date_from: str | None = None
    date_to: str | None = None
    language: str | None = None
    article_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True)
class ArticleSummary:
    """An article in the archive without its text; ``characters`` is the text's length."""

    article_id: str
    path: str
    record: str
    title: str | None
    source: str | None
    author: str | None
    date: str | None
    date_kind: str | None
    url: str | None
    language: str
    characters: int
