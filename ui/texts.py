"""The page's words in Arabic and English, from ``texts.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal, cast

Language = Literal["ar", "en"]
LANGUAGES: tuple[Language, ...] = ("ar", "en")
DIRECTION: dict[Language, str] = {"ar": "rtl", "en": "ltr"}


@cache
def _words() -> dict[str, dict[Language, str]]:
    raw = resources.files("ui").joinpath("texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(raw)["words"]


def text(key: str, language: Language, **values: object) -> str:
    """The words of ``key``, with ``{name}`` filled from ``values``. KeyError if unknown."""
    words = _words()[key][language]
    return words.format(**values) if values else words


def translations() -> dict[Language, dict[str, str]]:
    """All words by language, as Gradio's ``I18n`` takes them."""
    return {code: {key: w[code] for key, w in _words().items()} for code in LANGUAGES}


def choose_language(query: str | None, cookie: str | None, accept: str | None) -> Language:
    """The page's language: asked for in the address, else remembered, else the browser's first.

    Arabic where none of them decides: most readers of the archive read it.
    """
    for candidate in (query, cookie):
        if candidate in LANGUAGES:
            return cast(Language, candidate)
    first = (accept or "").split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "ar"
