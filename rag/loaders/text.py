"""Plain text, and Markdown with or without front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from frontmatter import YAMLHandler

from rag.loaders.common import article
from rag.loaders.records import metadata
from vectorstore.types import Article

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)


def read_text(text: str, path: Path) -> Iterator[Article]:
    """The one article of a text file: its text is the file, or what follows the front matter."""
    fields, body = _front_matter(text)
    yield article(path, body, **metadata(fields))


def _front_matter(text: str) -> tuple[dict, str]:
    """The fields between two lines of ``---`` at the top, and the rest of the file unchanged.

    What stands there but is no YAML mapping belongs to the text.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        fields = YAMLHandler().load(match["yaml"])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    return (fields, text[match.end() :]) if isinstance(fields, dict) else ({}, text)
