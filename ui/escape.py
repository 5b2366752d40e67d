"""Text of articles, models and users on its way into HTML. Everything passes through here.

What is shown stays what it is: characters, never markup, never a template, never a change of the
reading direction of anything outside itself.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from urllib.parse import quote, urlencode, urlsplit

# Gradio turns text that holds ``__i18n__{…}`` into a translation, and its HTML component is a
# template: braces, dollars and backticks go as entities, so that neither sees them.
_ENTITIES = str.maketrans(
    {"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;", "\0": "\ufffd"}
)

# Embeddings, overrides and isolates. Left-to-right and right-to-left marks are harmless.
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")

_BREAKS = re.compile(r"\n\s*\n|\n")


def escape(text: str) -> str:
    """HTML-escaped ``text`` without bidi overrides, on one line (breaks become ``<br>``)."""
    cleaned = _BIDI_CONTROLS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return html.escape(cleaned).translate(_ENTITIES).replace("\n", "<br>")


def attribute(text: str) -> str:
    """``text`` for a double-quoted attribute: as ``escape``, with spaces for breaks."""
    return escape(" ".join(text.split()))


def direction(text: str, default: str = "ltr") -> str:
    """ "rtl" or "ltr" by which letters are more; ``default`` where there are none.

    HTML's own ``dir="auto"`` goes by the first letter and so turns an Arabic sentence that begins
    with a Latin name around.
    """
    balance = 0
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            balance += 1
        elif kind == "L":
            balance -= 1
    return default if balance == 0 else "rtl" if balance > 0 else "ltr"


def isolated(text: str) -> str:
    """Escaped ``text`` that keeps its direction to itself: names, titles, outlets in a line."""
    return f'<bdi dir="{direction(text)}">{escape(text)}</bdi>'


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the non-empty paragraphs (lines) of ``text``, end exclusive."""
    start = 0
    for match in [*_BREAKS.finditer(text), None]:
        end = match.start() if match else len(text)
        if text[start:end].strip():
            yield start, end
        start = match.end() if match else end


def web_address(url: str | None) -> str | None:
    """``url`` if it is an http(s) address with a host; None for ``javascript:`` and its kin."""
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def place(article_id: str, start: int, end: int) -> str:
    """The address, relative to the page, of a span of an article."""
    query = urlencode({"article": article_id, "start": start, "end": end}, quote_via=quote)
    return "?" + html.escape(query).translate(_ENTITIES)


def shown_date(value: str | None, language: str) -> str | None:
    """An ISO date as people write it in ``language``; the value itself if it is not a date."""
    if not value:
        return None
    from babel.dates import format_date

    try:
        return format_date(date.fromisoformat(value[:10]), "d MMMM y", locale=language)
    except ValueError:
        return value
