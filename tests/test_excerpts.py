import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.excerpts import around, beginning, clip, snap, trimmed, without_echo
from vectorstore.analysis import analyse

LONG = (
    "وفي النصف الأول من العام، أرسلت البلدية فرق إنقاذ إلى القرى، وقدمت 40 خيمة للسكان، "
    "وأصلحت الطرق المتضررة، وأعادت الكهرباء إلى الأحياء الشمالية من البلدة"
)


def test_the_clause_that_answers_is_kept() -> None:
    weights = dict.fromkeys(analyse("كم خيمة قدمت للسكان"), 1.0)
    start, end = clip(LONG, weights, 60)
    assert "40 خيمة" in LONG[start:end] and end - start <= 60


def test_what_fits_is_whole() -> None:
    assert clip(LONG, {}, 1000) == (0, len(LONG))


@given(st.text(alphabet="ابت ،، 12", max_size=300), st.integers(10, 80))
def test_a_clip_is_never_longer_than_asked(text: str, longest: int) -> None:
    start, end = clip(text, {}, longest)
    assert 0 <= start <= end <= len(text) and end - start <= longest


def test_snap_finds_the_articles_own_words() -> None:
    text = "كلف بناء الميناء الجديد 40 مليار دولار أمريكي، خلال السنوات الأربع الأولى"
    start, end = snap("٤٠ مليار دولار", text)
    assert text[start:end] == "40 مليار دولار"
    start, end = snap("السنوات الأربعة الاولى", text)
    assert text[start:end] == "السنوات الأربع الأولى"
    start, end = snap("ميناء", text)
    assert text[start:end] == "ميناء"
    assert snap("بكين", text) is None
    assert snap("", text) is None


def test_snap_finds_whole_words_only() -> None:
    assert snap("12", "في عام 2012 أو 12.5 أو 120") is None
    assert snap("US", "Russia and the bus") is None
    assert snap("12", "بلغ ١٢، لا 13") == (4, 6)


@pytest.mark.parametrize(
    ("words", "question", "left"),
    [
        ("بنى الوزير الجسر بأموال القرض", "كيف بنى الوزير الجسر؟", "بأموال القرض"),
        ("مؤشر الميناء", "ما اسم المؤشر في الميناء؟", "مؤشر الميناء"),
        ("حزب الشعب", "ما الحزب الأكبر؟", "حزب الشعب"),  # the head of a name
        ("150 دولة", "كم دولة شاركت؟", "150 دولة"),
        ("الجسر", "أي جسر بني؟", None),
        ("سالم الناصري", "على من فاز سالم الناصري؟", None),
        ("قبائل الجبل من الشمال", "ما القبائل التي أتت من الشمال؟", "قبائل الجبل"),
        ("نصف من الشمال وأكثر", "من أتى من الشمال؟", "نصف من الشمال وأكثر"),
        ("الوزير سالم في جسر الميناء", "من قابل الوزير سالم في جسر الميناء؟", None),
        ("the old red bridge", "Is it the old red bridge or a new one?", "the old red bridge"),
    ],
)
def test_a_short_answer_does_not_repeat_the_question(words, question, left) -> None:
    assert without_echo(words, question) == left


@pytest.mark.parametrize(
    ("words", "question", "left"),
    [
        ("الحارس وهو أقدم عامل في الميناء", "من فتح الباب؟", "الحارس"),
        ("the guard, who is old", "Who opened it?", "the guard"),
        ("عام 1993", "متى افتتح؟", "1993"),
        ("عامين", "كم استغرق؟", "عامين"),
        ("13) رئيس بلدية", "كم شارك؟", "13"),
        ("لأن الحارس الذي كان هناك نام", "لماذا تأخر؟", "لأن الحارس الذي كان هناك نام"),
    ],
)
def test_a_short_answer_is_trimmed_to_what_is_asked(words, question, left) -> None:
    assert trimmed(words, question) == left


def test_what_is_around_some_words_begins_with_who_does_it() -> None:
    at = LONG.index("الطرق")
    start, end = around(LONG, (at, at + 5), 60)
    assert LONG[start:end].startswith("وقدمت 40 خيمة") and "المتضررة" in LONG[start:end]
    assert around(LONG, (at, at + 5), 1000) == (0, len(LONG))


def test_of_a_clause_that_is_too_long_the_words_around_are_taken() -> None:
    text = LONG.replace("،", "")
    at = text.index("الطرق")
    start, end = around(text, (at, at + 5), 60)
    assert "الطرق" in text[start:end].split() and end - start <= 60
    assert text[start - 1] == " " and text[end] == " "


@given(st.text(alphabet="ابت ،، 12", min_size=1, max_size=300), st.data(), st.integers(10, 80))
def test_around_holds_its_words(text: str, data, longest: int) -> None:
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first + 1, min(len(text), first + 10)))
    start, end = around(text, (first, last), longest)
    assert 0 <= start <= first and end - start <= longest
    assert last <= end or not text[end:last].strip()


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        ("والرياض والكويت", "القاهرة والرياض والكويت"),
        ("والكويت", "والكويت"),
        ("والرياض", "والرياض"),  # «والمارت» is a name
        ("رياض والكويت", "الرياض والكويت"),
        ("والدة سالم", "والدة سالم"),
    ],
)
def test_a_run_of_words_begins_where_its_list_does(found: str, whole: str) -> None:
    text = "زارت والدة سالم مع القاهرة والرياض والكويت"
    start = text.index(found)
    end = start + len(found)
    assert text[beginning(start, end, text) : end] == whole
