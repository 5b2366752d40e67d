"""Dates in questions."""

from __future__ import annotations

import pytest

from rag.periods import Period, find_periods


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ماذا أعلنت الوزارة في سبتمبر 2020؟", [Period(2020, 9)]),
        ("What was said in September 2020?", [Period(2020, 9)]),
        ("من افتتح الرصيف يوم 17 أيلول/سبتمبر 2020؟", [Period(2020, 9, 17)]),
        ("ماذا جرى في ٣ مايو ٢٠٢٠؟", [Period(2020, 5, 3)]),
        ("What happened on May 3, 2020?", [Period(2020, 5, 3)]),
        ("What happened on the 3rd of May 2020?", [Period(2020, 5, 3)]),
        ("خلال شهر أغسطس من عام 2015", [Period(2015, 8)]),
        ("بتاريخ 12-05-2020", [Period(2020, 5, 12)]),
        ("by 2020/05/12", [Period(2020, 5, 12)]),
        ("كم زائرا في مارس؟", [Period(None, 3)]),
        ("يوم 21 يوليو", [Period(None, 7, 21)]),
        ("How many visitors came in May?", [Period(None, 5)]),
        ("How much was it in 1973?", [Period(1973)]),
        ("between March 2019 and June 2020", [Period(2019, 3), Period(2020, 6)]),
        ("in 2019, and again in 2019", [Period(2019)]),
    ],
)
def test_dates_are_found(question, expected):
    assert find_periods(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What may happen to the march?",
        "من مارس الضغط على الوزير؟",
        "Who led 1,990 men, or 2020.5 of them?",
        "What were the 1990s like?",
        "كم قاربا من 45 في الباب؟",
        "",
    ],
)
def test_other_words_and_figures_are_no_dates(question):
    assert find_periods(question) == []


def test_a_day_that_no_calendar_has_is_none():
    assert find_periods("on 31/02/2020") == []
    assert find_periods("on 45 May") == []


def test_news_of_a_day_may_be_dated_the_day_after():
    day = Period(2020, 2, 29)
    dates = ["2020-02-28", "2020-02-29", "2020-03-01T08:00:00+03:00", "2020-03-02", None, "soon"]
    assert [day.covers(d) for d in dates] == [False, True, True, False, False, False]
    assert day.range() == ("2020-02-29", "2020-03-01")


def test_what_is_not_said_may_be_any():
    assert Period(None, 5).covers("1999-05-31") and not Period(None, 5).covers("1999-06-01")
    assert Period(None, 5).range() is None
    assert Period(2020, 2).range() == ("2020-02-01", "2020-02-29")
    assert Period(2020).range() == ("2020-01-01", "2020-12-31")
    assert Period(2020).covers("2020-12-31") and not Period(2020).covers("2021-01-01")
