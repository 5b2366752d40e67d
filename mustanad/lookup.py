"""Which article a person means: by its id, the beginning of one, or its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from vectorstore.types import ArticleSummary


def article_ids(assistant: Assistant, wanted: str, *, whole_files: bool = False) -> list[str]:
    """The id of the article that ``wanted`` names: an id, the beginning of one, or a file.

    A file may be given by its base name, its path, or as ``path#record`` (as ingest reports what
    is gone). With ``whole_files`` a file of several articles stands for all of them. Raises
    StoreError where nothing is meant, BadParameter where several articles are.
    """
    summaries = assistant.articles()
    ids = {summary.article_id for summary in summaries}
    if wanted in ids:
        return [wanted]
    in_file = [s for s in summaries if wanted in _names(s)]
    if not in_file:
        path = str(Path(wanted).expanduser().absolute())
        in_file = [s for s in summaries if s.path == path]
    found = [s.article_id for s in in_file] or sorted(i for i in ids if i.startswith(wanted))
    if not found:
        from mustanad import StoreError

        raise StoreError(
            f"no article {wanted!r} in the archive. Expected an article's id, the beginning of "
            "one, or the name of its file; `mustanad articles` lists them."
        )
    one_file = whole_files and len({s.path for s in in_file}) == 1
    if len(found) > 1 and not one_file:
        shown = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
        raise typer.BadParameter(
            f"{wanted!r} means {len(found)} articles: {shown}. Give the id of one.",
            param_hint="ARTICLE",
        )
    return found


def _names(summary: ArticleSummary) -> tuple[str, ...]:
    return (summary.path, Path(summary.path).name, f"{summary.path}#{summary.record}")
