"""Filters: from the form, as chips, and away again."""

from __future__ import annotations

import pytest
from scripted import HOSTILE
from test_ui_render import Tree, assert_harmless

from ui.filtering import BadDate, chips_html, filters_from, without
from vectorstore.types import Filters


def test_an_empty_form_restricts_nothing() -> None:
    assert filters_from([], "", None, "") == Filters() == filters_from(None, " ", "", None)
    assert chips_html(Filters(), "ar") == ""


def test_dates_take_arabic_digits_and_slashes() -> None:
    assert filters_from([], "٢٠٢٤/٠٥/٠١", "2024-06-30", "ar") == Filters(
        date_from="2024-05-01", date_to="2024-06-30", language="ar"
    )


@pytest.mark.parametrize("typed", ["yesterday", "2024-13-01", "2024", "1/5/2024"])
def test_what_is_not_a_date_is_refused_as_typed(typed: str) -> None:
    with pytest.raises(BadDate, match=typed):
        filters_from([], typed, "", "")


def test_every_filter_has_a_chip_that_removes_it() -> None:
    filters = Filters(
        sources=("a:b", HOSTILE), date_from="2024-01-01", date_to="2024-02-01", language="en"
    )
    page = chips_html(filters, "en")
    assert_harmless(page)
    buttons = [a for tag, a in Tree(page).tags if tag == "button"]
    assert len(buttons) == 5 and {b["name"] for b in buttons} == {"unfilter"}
    without_overrides = Filters(sources=("a:b", "x"), date_from="2024-01-01", language="en")
    for button in (b for b in [tag["value"] for tag in buttons] if "script" not in b):
        smaller = without(without_overrides, button)
        assert smaller != without_overrides or button == "date_to"


def test_a_chip_of_nothing_changes_nothing() -> None:
    filters = Filters(sources=("a",))
    assert without(filters, "article_ids") == filters == without(filters, "source:b")
