"""Options that several commands share, and the checks of what is typed into them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vectorstore.types import Filters


def check_date(text: str | None) -> str | None:
    """A calendar date as YYYY-MM-DD; Arabic-Indic digits are taken too."""
    if text is None:
        return None
    from vectorstore.arabic import fold

    folded = fold(text.strip())
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", folded):
            raise ValueError
        return date.fromisoformat(folded).isoformat()
    except ValueError:
        raise typer.BadParameter(
            f"found {text!r}; expected a calendar date as YYYY-MM-DD, such as 2020-09-16"
        ) from None


def check_language(text: str | None) -> str | None:
    """A language code of two or three letters."""
    if text is None:
        return None
    code = text.strip().lower()
    if not re.fullmatch(r"[a-z]{2,3}", code):
        raise typer.BadParameter(f"found {text!r}; expected a language code such as ar or en")
    return code


def check_question(text: str) -> str:
    """A text with a character that shows, and not longer than what is read."""
    from rag.conversation import LONGEST_QUESTION

    if not text.strip():
        raise typer.BadParameter("the question is empty")
    if len(text) > LONGEST_QUESTION:
        raise typer.BadParameter(
            f"the question has {len(text)} characters; at most {LONGEST_QUESTION} are read"
        )
    return text


Question = Annotated[
    str,
    typer.Argument(metavar="QUESTION", callback=check_question, help="In Arabic or English."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="OUTLET",
        help="Only articles of this outlet; may be given several times.",
    ),
]
DateFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        callback=check_date,
        help="Only articles of this day or later (YYYY-MM-DD).",
    ),
]
DateTo = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DATE",
        callback=check_date,
        help="Only articles of this day or earlier (YYYY-MM-DD).",
    ),
]
ArticleLanguage = Annotated[
    str | None,
    typer.Option(
        "--article-lang",
        metavar="L",
        callback=check_language,
        help="Only articles in this language, such as ar or en.",
    ),
]


def make_filters(
    sources: list[str] | None,
    date_from: str | None,
    date_to: str | None,
    article_language: str | None,
) -> Filters:
    """The filters of a question. Raises BadParameter where the dates are the wrong way round."""
    from vectorstore.types import Filters

    if date_from and date_to and date_from > date_to:
        raise typer.BadParameter(
            f"--from {date_from} is later than --to {date_to}", param_hint="--from"
        )
    return Filters(tuple(sources or ()), date_from, date_to, article_language)


def read_history(path: Path | None) -> list[dict[str, str]]:
    """Earlier turns from a JSON file: ``[{"role": "user" | "assistant", "content": "…"}]``."""
    if path is None:
        return []
    expected = 'expected a JSON list of {"role": "user" or "assistant", "content": text}'
    try:
        turns = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise typer.BadParameter(f"{path}: {error}; {expected}", param_hint="--history") from None
    for turn in turns if isinstance(turns, list) else [turns]:
        if (
            not isinstance(turns, list)
            or not isinstance(turn, dict)
            or turn.get("role") not in ("user", "assistant")
            or not isinstance(turn.get("content"), str)
        ):
            raise typer.BadParameter(
                f"{path}: found {json.dumps(turn, ensure_ascii=False)[:80]}; {expected}",
                param_hint="--history",
            )
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]
