"""Files of articles: JSON, JSON Lines, CSV and TSV, with the field names that people use."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from rag.loaders.common import (
    MAX_BYTES,
    LoadError,
    Unreadable,
    absolute,
    article,
    storable,
)
from rag.loaders.dates import parse_date
from vectorstore.arabic import fold
from vectorstore.types import Article

_TEXT = (
    "content text body article article_body full_text content_text maintext "
    "نص النص المحتوى محتوى الخبر نص_الخبر"
).split()
_FIELDS = {
    "title": "title headline عنوان العنوان",
    "source": "source outlet publisher site sitename site_name المصدر مصدر",
    "author": "author authors byline creator الكاتب كاتب",
    "url": "url link permalink canonical_url الرابط رابط",
    "language": "language lang اللغة",
    "published": (
        "date published published_at publish_date date_published pubdate pub_date "
        "publication_date published_date datetime تاريخ التاريخ تاريخ_النشر"
    ),
    "extracted": (
        "date_extracted extracted extracted_at crawled crawled_at date_crawled scraped "
        "scraped_at date_scraped fetched_at retrieved_at downloaded_at date_download"
    ),
}
_WRAPPERS = "articles data items results records docs documents news stories hits".split()
_LANGUAGES = {"arabic": "ar", "english": "en", "العربية": "ar", "الانجليزية": "en", "ara": "ar"}
_DELIMITERS = ",;\t|"


def read_json(text: str, path: Path) -> Iterator[Article | Unreadable]:
    """Articles of a JSON document: an object, a list of them, or a list inside an object."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise LoadError(
            f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except (RecursionError, ValueError) as error:
        raise LoadError(f"JSON that cannot be read: {_reason(error)}") from error
    if isinstance(document, dict) and _text_of(document) is None:
        document = _unwrapped(document)
    if isinstance(document, list):
        yield from _articles(((str(i), item) for i, item in enumerate(document)), path)
    elif isinstance(document, dict):
        yield article(path, _text_of(document) or "", **metadata(document))
    else:
        raise LoadError(f"JSON of {type(document).__name__}; expected articles as objects")


def read_json_lines(text: str, path: Path) -> Iterator[Article | Unreadable]:
    """Articles of a file with one JSON object a line; a bad line does not stop the rest."""

    def items() -> Iterator[tuple[str, Any]]:
        position = 0
        for number, line in enumerate(re.split(r"\r?\n", text), 1):
            if not line.strip():
                continue
            try:
                yield str(position), json.loads(line)
            except json.JSONDecodeError as error:
                yield (
                    str(position),
                    LoadError(
                        f"not valid JSON: {error.msg} at line {number}, column {error.colno}"
                    ),
                )
            except (RecursionError, ValueError) as error:
                yield str(position), LoadError(f"line {number}: {_reason(error)}")
            position += 1

    yield from _articles(items(), path)


def read_table(text: str, path: Path) -> Iterator[Article | Unreadable]:
    """Articles of a CSV or TSV file whose first row names the columns."""
    csv.field_size_limit(MAX_BYTES)
    first_line = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=lambda d: _known_columns(first_line, d))
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = next(rows, [])
        if not any(_name(column) in map(_name, _TEXT) for column in header):
            shown = ", ".join(column.strip()[:30] for column in header[:12])
            raise LoadError(
                f"no column holds the text; expected one of {', '.join(_TEXT[:6])}, found: {shown}"
            )
        numbered = enumerate(row for row in rows if any(map(str.strip, row)))
        yield from _articles(
            ((str(i), dict(zip(header, row, strict=False))) for i, row in numbered), path
        )
    except csv.Error as error:
        raise LoadError(f"not a valid table: {error} at line {rows.line_num}") from error


def looks_like_articles(text: str) -> bool:
    """Whether a file of another name is JSON or JSON Lines whose first record has a text."""
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return False
    candidates = [text.lstrip().split("\n", 1)[0]] if start == "{" else []
    for candidate in chain(candidates, [text]):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and _text_of(found) is None:
            found = _unwrapped(found, strict=False)
        first = found[0] if isinstance(found, list) and found else found
        return isinstance(first, dict) and _text_of(first) is not None
    return False


def is_json_lines(text: str) -> bool:
    """Whether the first line is a JSON object of its own and another follows."""
    first, _, rest = text.strip().partition("\n")
    if not rest.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def metadata(fields: dict[Any, Any]) -> dict[str, str | None]:
    """The keyword arguments of ``article`` that a record or a front matter states."""
    named = {_name(key): value for key, value in fields.items() if isinstance(key, str)}
    found: dict[str, str | None] = {}
    for field, names in _FIELDS.items():
        values = (named[n] for n in map(_name, names.split()) if n in named)
        read = parse_date if field in ("published", "extracted") else _words
        found[field] = next(filter(None, map(read, values)), None)
    language = found["language"]
    if language:
        code = _LANGUAGES.get(language.lower(), language.lower()[:2])
        found["language"] = code if re.fullmatch(r"[a-z]{2}", code) else None
    return found


def _articles(items: Iterable[tuple[str, Any]], path: Path) -> Iterator[Article | Unreadable]:
    """An article, or what is wrong with it, for each (record, parsed value)."""
    empty = True
    for record, item in items:
        empty = False
        try:
            if isinstance(item, LoadError):
                raise item
            if not isinstance(item, dict):
                raise LoadError(f"{type(item).__name__} instead of an object with fields")
            nested = item.get("article")
            if isinstance(nested, dict):
                item = {**item, **nested}
            text = _text_of(item)
            if text is None:
                raise LoadError(_no_text(item))
            yield article(path, text, record=record, **metadata(item))
        except LoadError as error:
            yield Unreadable(absolute(path), f"record {record}: {error}")
    if empty:
        raise LoadError("no articles in it")


def _text_of(item: dict) -> str | None:
    """The text exactly as the record holds it; paragraphs in a list become lines."""
    named = {_name(key): value for key, value in item.items() if isinstance(key, str)}
    for name in map(_name, _TEXT):
        value = named.get(name)
        if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            value = "\n".join(value)
        if isinstance(value, str) and value.strip():
            return storable(value)
    return None


def _no_text(item: dict) -> str:
    if any(_name(key) in map(_name, _TEXT) for key in item if isinstance(key, str)):
        return "no text"
    return f"no text; its fields are {', '.join(map(str, list(item)[:12]))}"


def _unwrapped(document: dict, strict: bool = True) -> list | dict:
    """The list of articles inside an object."""
    for name in _WRAPPERS:
        value = document.get(name)
        if isinstance(value, dict):
            value = _unwrapped(value, strict=False)
        if isinstance(value, list):
            if any(isinstance(v, dict) and "paragraphs" in v for v in value[:1]):
                raise LoadError("questions in SQuAD's format, no articles; use them with eval")
            return value
    if strict:
        raise LoadError(_no_text(document))
    return document


@lru_cache(maxsize=4096)
def _name(key: str) -> str:
    """A field's name without regard to case, spaces, hyphens and spelling habits."""
    return re.sub(r"[\W_]+", "", fold(key))


def _known_columns(line: str, delimiter: str) -> tuple[int, int]:
    names = {_name(n) for n in (*_TEXT, *" ".join(_FIELDS.values()).split())}
    columns = line.split(delimiter)
    return sum(_name(column) in names for column in columns), len(columns)


def _words(value: Any) -> str | None:
    """A name out of a string, a number, {"name": …} or a list of these."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("title")
    if isinstance(value, list):
        return "، ".join(filter(None, map(_words, value))) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return (storable(value).strip() or None) if isinstance(value, str) else None


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
