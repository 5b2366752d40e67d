from __future__ import annotations

import pytest

from rag.loaders.bidi import is_rtl, logical_order


@pytest.mark.parametrize(
    ("drawn", "read"),
    [  # Both columns are in logical order of this file: the first is the drawn line, left to right.
        ("ملاس", "سالم"),
        (".مويلا لصو", "وصل اليوم."),
        ("نيد 1,250 عفد", "دفع 1,250 دين"),
        ("نم 3.5 ةبسن", "نسبة 3.5 من"),
        ("باتك ٤٥٠ كانه", "هناك ٤٥٠ كتاب"),
        ("%50 ةبسن", "نسبة %50"),
        ("نم 50% ةبسن", "نسبة 50% من"),
        ("ىلإ 2020-09-17 يف", "في 2020-09-17 إلى"),
        ("2015 – 2010 يف", "في 2010 – 2015"),
        ("نم World Book Club ريدم", "مدير World Book Club من"),
        ("يف World Cup 2022 زاف", "فاز World Cup 2022 في"),
        ("ةنس Covid-19 راشتنا", "انتشار Covid-19 سنة"),
        ("عقوملا www.example.org/a لصو", "وصل www.example.org/a الموقع"),
        ("(دحألا موي) لصو", "وصل (يوم الأحد)"),
        ("«معن» لاق", "قال «نعم»"),
        ("(BBC) لاق", "قال (BBC)"),
    ],
)
def test_right_to_left_lines(drawn, read):
    assert logical_order(list(drawn), rtl=True) == read


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        ("The word ملاس means peace.", "The word سالم means peace."),
        ("He said ملاس اي today", "He said يا سالم today"),
        ("In 2020 nothing", "In 2020 nothing"),
        ("Name نيد 250 عفد now", "Name دفع 250 دين now"),
    ],
)
def test_left_to_right_lines(drawn, read):
    assert logical_order(list(drawn), rtl=False) == read


def test_a_ligature_and_a_letter_with_marks_stay_whole():
    assert logical_order(["د", "ح", "لأ", "ا"], rtl=True) == "الأحد"
    assert logical_order(["ل", "ا", "قَّ"], rtl=True) == "قَّال"


def test_is_rtl():
    assert is_rtl("قال المدير لمراسل Reuters")
    assert not is_rtl("Reuters said نعم")
    assert not is_rtl("123")
