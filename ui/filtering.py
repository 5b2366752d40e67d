"""The filters of a question: from the form to ``Filters``, and as chips that can be removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ui.escape import attribute, escape, isolated
from ui.texts import DIRECTION, Language, text
from vectorstore.types import Filters


class BadDate(ValueError):
    """A date of the form that is not one; the message is the text as typed."""


def filters_from(
    sources: list[str] | None, date_from: str | None, date_to: str | None, language: str | None
) -> Filters:
    """The form's values as filters. Raises BadDate."""
    return Filters(
        sources=tuple(sources or ()),
        date_from=_date(date_from),
        date_to=_date(date_to),
        language=language or None,
    )


def _date(typed: str | None) -> str | None:
    words = (typed or "").strip()
    if not words:
        return None
    # Arabic-Indic digits are digits too.
    plain = "".join(str(int(c)) if c.isdigit() else c for c in words).replace("/", "-")
    try:
        return date.fromisoformat(plain).isoformat()
    except ValueError as error:
        raise BadDate(words) from error


def without(filters: Filters, chip: str) -> Filters:
    """``filters`` less what a chip's value names."""
    name, _, value = chip.partition(":")
    if name == "source":
        return replace(filters, sources=tuple(s for s in filters.sources if s != value))
    if name in ("date_from", "date_to", "language"):
        return replace(filters, **{name: None})
    return filters


def chips_html(filters: Filters, language: Language) -> str:
    """A removable chip for everything that the next question is restricted to."""
    chips = [(f"source:{s}", isolated(s)) for s in filters.sources]
    for name in ("date_from", "date_to"):
        if value := getattr(filters, name):
            label = text(f"filter_{name[5:]}", language)
            chips.append((name, f"{label} <bdi>{escape(value)}</bdi>"))
    if filters.language:
        key = f"language_{filters.language}"
        shown = text(key, language) if filters.language in ("ar", "en") else filters.language
        chips.append(("language", escape(shown)))
    remove = text("filter_remove", language)
    items = "".join(
        f'<button type="button" class="mu-act mu-filter" name="unfilter" '
        f'value="{attribute(value)}" title="{remove}">{label} ✕</button>'
        for value, label in chips
    )
    return f'<div class="mu-filters" dir="{DIRECTION[language]}">{items}</div>' if items else ""
