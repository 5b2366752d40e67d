from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.loaders.head import Head, read_head

BODY = (
    "افتتحت بلدية واحة النور صباح الأحد مكتبة عامة جديدة قرب الميناء، بحضور عدد كبير من السكان.\n"
)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", Head()),
        ("CGTN العربية/\n", Head(source="CGTN العربية")),
        ("شبكة الميناء الإخبارية/\nرويترز/\n", Head(source="شبكة الميناء الإخبارية / رويترز")),
        ("افتتاح مكتبة الميناء\n\n", Head(title="افتتاح مكتبة الميناء")),
        ("# افتتاح مكتبة الميناء\n", Head(title="افتتاح مكتبة الميناء")),
        (
            "رويترز\n\nافتتاح مكتبة\n\n17 سبتمبر 2020\n",
            Head("افتتاح مكتبة", "رويترز", "2020-09-17"),
        ),
        ("افتتاح مكتبة\n17 سبتمبر 2020\n", Head("افتتاح مكتبة", None, "2020-09-17")),
        ("افتتاح مكتبة\n\nبكين\xa0 (شينخوا) ", Head("افتتاح مكتبة", "شينخوا")),
        ("بكين 17 سبتمبر 2020 (شينخوا) -- ", Head(None, "شينخوا", "2020-09-17")),
        ("(رويترز) - ", Head(source="رويترز")),
        ("لندن ((أ ف ب)) - ", Head(source="أ ف ب")),
        ("LONDON, Sept 17 (Reuters) - ", Head(source="Reuters")),
        ("القاهرة (رويترز، أ ف ب) - ", Head(source="رويترز / أ ف ب")),
        ("القاهرة - د ب أ:\n", Head(source="د ب أ")),
        ("عين اليوم – الرياض\n", Head(source="عين اليوم")),
        ("جدة 25 شوال 1436 هـ الموافق 10 أغسطس 2015 م واس\n", Head(None, "واس", "2015-08-10")),
        ("CGTN العربية/\nبكين (شينخوا) ", Head(source="CGTN العربية / شينخوا")),
        ("شينخوا/\nبكين (شينخوا) ", Head(source="شينخوا")),
        ("المصدر: صوت الميناء\n", Head(source="صوت الميناء")),
        # Nothing of this says anything:
        ("غزة/\n", Head()),
        ("الرياض\n", Head()),
        ("جدة ـ سامر الوادي\n\n", Head()),
        ("زار المدينة (وهي صغيرة) أمس. ", Head()),
        ("هذه جملة تنتهي بنقطة.\n\n", Head()),
        ("وقع الاتفاق في 17 سبتمبر 2020 ", Head()),
    ],
)
def test_what_the_first_lines_say(head, expected):
    assert read_head(head + BODY) == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("17 سبتمبر 2020\n", Head(date="2020-09-17")),
        ("Source: Reuters", Head(source="Reuters")),
        ("(رويترز)", Head(source="رويترز")),
        ("وقال المدير إنه راض. (أ ف ب)", Head(source="أ ف ب")),
        ("وقال المدير إنه من (المدينة)", Head()),
    ],
)
def test_what_the_last_lines_say(tail, expected):
    assert read_head(BODY * 3 + tail) == expected


def test_a_lone_line_is_no_title():
    assert read_head("افتتاح مكتبة الميناء") == Head()


def test_a_title_longer_than_the_rest_is_none():
    assert read_head("افتتاح مكتبة الميناء الجديدة في المدينة\n\nنعم") == Head()


@given(st.text(st.sampled_from("ابت ()-–/\n.«»17 2020:سبتمر\u200f"), max_size=200))
def test_any_text_has_a_head(text):
    head = read_head(text)
    assert head.title is None or head.title in text
