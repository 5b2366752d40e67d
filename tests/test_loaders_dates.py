from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.loaders.dates import date_line, find_dates, parse_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-09-17", "2020-09-17"),
        ("20200917", "2020-09-17"),
        ("2015-08-07 06:31:17", "2015-08-07T06:31:17"),
        ("2020-09-17T10:00:00Z", "2020-09-17T10:00:00+00:00"),
        ("Thu, 17 Sep 2020 10:00:00 +0300", "2020-09-17T10:00:00+03:00"),
        (1600336800, "2020-09-17T10:00:00+00:00"),
        ("1600336800000", "2020-09-17T10:00:00+00:00"),
        (date(2020, 9, 17), "2020-09-17"),
        (datetime(2020, 9, 17, 10, tzinfo=UTC), "2020-09-17T10:00:00+00:00"),
        ("17 سبتمبر 2020", "2020-09-17"),
        ("١٧ سبتمبر ٢٠٢٠", "2020-09-17"),
        ("17 أيلول/سبتمبر 2020", "2020-09-17"),
        ("3 آذار 2021", "2021-03-03"),
        ("5 كانون الثاني 2021", "2021-01-05"),
        ("9 تشرين الأول 2021", "2021-10-09"),
        ("4 جويلية 2021", "2021-07-04"),
        ("4 يوليوز 2021", "2021-07-04"),
        ("September 17, 2020", "2020-09-17"),
        ("Sept. 17, 2020", "2020-09-17"),
        ("17th of September 2020", "2020-09-17"),
        ("17/09/2020", "2020-09-17"),
        ("09/17/2020", "2020-09-17"),
        ("٣/٤/٢٠٢٠", "2020-04-03"),
        ("2020/9/17", "2020-09-17"),
        ("03/04/2020", None),  # March or April
        ("04/04/2020", "2020-04-04"),
        ("25 شوال 1436", None),
        ("1436-10-25", None),
        ("31 فبراير 2020", None),
        ("2020", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        ({"a": 1}, None),
        (-5, None),
        ("9" * 300, None),
    ],
)
def test_parse_date(value, expected):
    assert parse_date(value) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2020-09-17", "2020-09-17"),
        ("الخميس 17 سبتمبر 2020", "2020-09-17"),
        ("الخميس، 17 سبتمبر/أيلول 2020 - 14:30 بتوقيت غرينتش", "2020-09-17"),
        ("تاريخ النشر: 17-09-2020", "2020-09-17"),
        ("نُشر في ١٧ أيلول ٢٠٢٠", "2020-09-17"),
        ("الاثنين 25 شوال 1436 هـ الموافق 10 أغسطس 2015 م", "2015-08-10"),
        ("Published: 17 September 2020, 10:30 GMT", "2020-09-17"),
        ("Thursday, September 17, 2020", "2020-09-17"),
        ("Published 17 Sept 2020, updated 18 Sept 2020", "2020-09-17"),
        ("Updated: 18 September 2020", None),
        ("آخر تحديث: 18 سبتمبر 2020", None),
        ("وقع الاتفاق في 17 سبتمبر 2020", None),
        ("17 سبتمبر", None),
        ("من 10 سبتمبر 2020 إلى 16 سبتمبر 2020", None),
        ("25 شوال 1436", None),
        ("المدينة 17 سبتمبر 2020", None),
        ("", None),
    ],
)
def test_date_line(line, expected):
    assert date_line(line) == expected


def test_offsets_are_of_the_folded_text():
    assert find_dates("وقع في 17 سبتمبر 2020 هنا") == [("2020-09-17", 7, 21)]


@given(st.text(max_size=80) | st.integers() | st.floats(allow_nan=True))
def test_any_value_is_a_date_or_none(value):
    found = parse_date(value)
    if found is not None:
        assert 1800 <= datetime.fromisoformat(found).year <= 2100
