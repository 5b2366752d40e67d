"""The rules on an answer's words, by hand, in both languages."""

from __future__ import annotations

import pytest

from rag.evaluation.matching import (
    asserts_premise,
    count_quoted,
    count_words,
    in_language,
    is_refusal,
    says,
    token_f1,
    too_long,
    unmet_groups,
)


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        ("في 17 دولة", "17"),
        ("في ١٧ دولة", "17"),
        ("17 countries", "١٧"),
        ("بلغت و54 سفينة", "54"),  # a conjunction touches the number
        ("الذكرى الـ20 للميثاق", "20"),
        ("It was 17.", "17"),
        ("about 50,000 boats", "50,000"),
        ("Xi spoke", "Xi"),
        ("said (Xi).", "xi"),
        ("بلغ عددها أربع وحدات", "اربع"),
        ("المدرسة القديمة", "المدرسه"),
        ("قالت السُّلطات", "السلطات"),
        ("مرحبـــا بكم", "مرحبا"),
        ("على المبنى", "المبني"),
        ("developments followed", "development"),
        ("ports and roads", " ports"),
        ("goods,\n  ports", " ports"),
        ("6 ملايين طن", "6 ملايين"),
        ("the US said", "the US"),
        ("AI, and more", "AI,"),
    ],
)
def test_says(text, alternative):
    assert says(text, alternative)


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        ("170 countries", "17"),
        ("117 countries", "17"),
        ("١٧٠ دولة", "17"),
        ("1,170 boats", "170"),
        ("17.5 per cent", "17"),
        ("3.17 metres", "17"),
        ("the 17th boat", "17"),
        ("Mexico spoke", "Xi"),
        ("Taxi fares", "xi"),
        ("16 ملايين طن", "6 ملايين"),
        ("the use of boats", "the US"),
        ("airports", " ports"),
        ("بلا رقم", "17"),
    ],
)
def test_does_not_say(text, alternative):
    assert not says(text, alternative)


def test_all_groups_must_be_met_by_any_alternative():
    groups = [["الاقتصاد الرقمي"], ["الصحة", "الرعاية الصحية"], ["17"]]
    assert unmet_groups("الاقتصاد الرقمي والرعاية الصحيّة", groups) == [2]
    assert unmet_groups("", groups) == [0, 1, 2]
    assert unmet_groups("anything", []) == []


def test_words_are_counted_without_markers_and_bare_marks():
    assert count_words("افتتح الميناء — في مارس [1] [2, 3].") == 4
    assert count_words("") == 0


FIRST = "افتتحت البلدية الرصيف الجديد في مرسى الورد أمس"
SECOND = "وبلغت كلفة الرصيف الجديد اثني عشر مليون دينار"
THIRD = "ويستقبل الرصيف الجديد أربعين قاربا كل يوم"
SOURCE = f"{FIRST}. {SECOND}. {THIRD}."


def test_quoted_sentences_are_those_repeated_word_for_word():
    assert count_quoted(f"قالت البلدية: «{FIRST}» [1]", [SOURCE]) == 1
    assert count_quoted(f"{FIRST}. {SECOND}. {THIRD}.", [SOURCE]) == 3
    # Twice the same sentence, from passages that overlap, is one sentence.
    assert count_quoted(f"«{FIRST}» «{FIRST}»", [SOURCE, FIRST]) == 1
    # Nor do a chunk's cut sentences make it more.
    cut = " ".join(FIRST.split()[2:])
    assert count_quoted(f"{FIRST} {SECOND}", [f"{FIRST}.", f"{SECOND}.", f"{cut}. "]) == 2
    # A part of a sentence of five words or more repeats it; a phrase of three does not.
    assert count_quoted("افتتحت البلدية الرصيف الجديد في مرسى الورد", [SOURCE]) == 1
    assert count_quoted("افتتحت البلدية الرصيف", [SOURCE]) == 0
    assert count_quoted("The quay of Marsa al-Ward opened yesterday.", [SOURCE]) == 0


def test_a_dump_of_quotes_is_too_long():
    assert too_long(f"{FIRST}. {SECOND}.", [SOURCE], "fact") == []
    assert too_long(SOURCE, [SOURCE], "fact") == ["3 quoted sentences, at most 2"]
    assert too_long(SOURCE, [SOURCE], "list") == []


@pytest.mark.parametrize(("kind", "most"), [("fact", 80), ("list", 150), ("multi", 150)])
def test_the_limit_of_words(kind, most):
    words = [f"w{n}" for n in range(most + 1)]
    assert too_long(" ".join(words[:most]), [], kind) == []
    assert too_long(" ".join(words), [], kind) == [f"{most + 1} words, at most {most}"]


def test_refusals_in_words():
    assert is_refusal("I don’t know. Perhaps 17.")
    assert is_refusal("لا أعرف كم قاربا وصل.")
    assert not is_refusal("«I do not know», said the mayor of Marsa al-Ward.")
    assert not is_refusal("The mayor spoke. Later she added: I do not know.")


def test_the_language_is_that_of_the_answers_own_words():
    assert in_language("قالت البلدية إن BlueQuay بنت الرصيف", "ar")
    assert not in_language("The municipality built it", "ar")
    assert in_language("The mayor said: «افتتحت البلدية الرصيف الجديد» [1]", "en")
    assert not in_language("«افتتحت البلدية الرصيف»", "en")
    assert in_language("17 دولة", "ar") and not in_language("17", "ar")


def test_token_f1_by_hand():
    assert token_f1("The Blue Quay!", ["blue quay"]) == 1
    assert token_f1("رصيف", ["الرصيف"]) == 1
    assert token_f1("١٧ دولة", ["17 دوله"]) == 1
    # got {wang, yi}, wanted {minister, wang, yi}: 2 * 2 / 5
    assert token_f1("Wang Yi", ["Minister Wang Yi", "nobody"]) == pytest.approx(0.8)
    # got {وزير, خارجيه}, wanted {وزير, ماليه}: 2 * 1 / 4
    assert token_f1("وزير الخارجية", ["وزير المالية"]) == pytest.approx(0.5)
    assert token_f1(None, ["17"]) == 0
    assert token_f1("", ["17"]) == 0


QUESTION_EN = "Why did the mayor criticise the builders for working slowly?"
TRUTH_EN = ["She did not: the mayor praised the builders for their swift work", "swift"]
QUESTION_AR = "لماذا رفضت البلدية استقبال القوارب؟"
TRUTH_AR = ["لم ترفض؛ بل استقبلت البلدية القوارب"]


@pytest.mark.parametrize(
    ("text", "asserted"),
    [
        ("The mayor criticised the builders because they worked slowly.", True),
        ("The mayor criticised them because they did not finish; slowly indeed.", True),
        ("The mayor did not criticise the builders for working slowly.", False),
        ("On the contrary, the mayor criticised nobody as slow.", False),
        ("The mayor praised the builders for their swift work.", False),
    ],
)
def test_asserting_a_false_premise_in_english(text, asserted):
    assert asserts_premise(text, QUESTION_EN, TRUTH_EN) is asserted


@pytest.mark.parametrize(
    ("text", "asserted"),
    [
        ("رفضت البلدية استقبال القوارب بسبب الطقس.", True),
        ("لم ترفض البلدية استقبال القوارب.", False),
        ("استقبلت البلدية القوارب [1].", False),
    ],
)
def test_asserting_a_false_premise_in_arabic(text, asserted):
    assert asserts_premise(text, QUESTION_AR, TRUTH_AR) is asserted
