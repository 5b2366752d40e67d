"""The assistant's fixed words, from ``phrases.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _phrases() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("rag").joinpath("phrases.toml").read_text("utf-8"))


def phrase(name: str, language: str, **fields: str) -> str:
    """A phrase in "ar" or "en" with its fields filled in."""
    return _phrases()[name][language].format(**fields)
