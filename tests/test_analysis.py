from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore import analysis
from vectorstore.analysis import analyse


@pytest.mark.parametrize(
    "spellings",
    [
        "٤٠ 40 ۴۰ ４０",
        "1,000,000 ١٬٠٠٠٬٠٠٠ 1000000 1.000.000",
        "19.8 ١٩٫٨ 19,8",
        "الصين صين والصين للصين بالصين وبالصين كالصين فالصين",
        "الإمارات الامارات والإمارات للإمارات",
        "الجزائر الجزاير بالجزائر",
        "اتفاقية إتفاقيه الاتفاقية وبالاتفاقية",
        "وزير الوزير للوزير",
        "مُحَمَّد محمد محـــمد",
        "Zoom ZOOM zoom",
        "countries country Country's",
        "U.S. us",
        "Café cafe",
    ],
)
def test_spellings_of_one_word_are_one_token(spellings: str) -> None:
    assert len({tuple(analyse(spelling)) for spelling in spellings.split()}) == 1, analyse(
        spellings
    )


def test_different_words_stay_apart() -> None:
    words = "الصين روسيا لبنان فرنسا بريطانيا كوريا سوريا وانغ لافروف فيروس لقاح اقتصاد 40 4.0 400"
    assert len({tuple(analyse(word)) for word in words.split()}) == len(words.split())


def test_a_percentage_is_found_with_and_without_its_sign() -> None:
    assert analyse("بنسبة ١٩٫٨٪")[-2:] == ["19.8", "19.8%"]
    assert analyse("7 %") == ["7"]


def test_numbers_of_a_date_or_list_come_apart() -> None:
    assert analyse("12.5.2020") == ["12", "5", "2020"]
    assert analyse("2019،2020") == ["2019", "2020"]


def test_latin_names_inside_arabic_are_kept() -> None:
    assert analyse("تطبيق TikTok وشركة Huawei وقمة G20") == [
        *analyse("تطبيق"),
        "tiktok",
        *analyse("شركة"),
        "huawei",
        *analyse("قمة"),
        "g20",
    ]


def test_letters_glued_to_digits_come_apart() -> None:
    assert analyse("كوفيد-19") == ["كوفيد", "19"]
    assert analyse("11عاماً")[0] == "11"


def test_stop_words_give_no_tokens() -> None:
    assert analyse("ما هو من في على التي the of and") == []
    assert analyse("") == []


@given(st.text(max_size=200))
def test_any_text_is_analysed_into_tokens_that_the_index_keeps_whole(text: str) -> None:
    for token in analyse(text):
        assert token
        assert not any(c.isspace() or c in '"-_*^:' for c in token)


def test_threads_get_the_stems_that_one_thread_gets() -> None:
    text = " ".join(f"{a}{b}{c}ون" for a in "كتبد" for b in "سلمن" for c in "قفعح") + " relations"
    alone = analyse(text)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            analysis._stem.cache_clear()
            with ThreadPoolExecutor(6) as pool:
                assert all(found == alone for found in pool.map(analyse, [text] * 6))
    finally:
        sys.setswitchinterval(interval)
