"""Words in running text and the dictionary forms that they stand for, or do not."""

import pytest

from rag.inflections import base_forms, plural
from rag.names import Glossary
from rag.terms import Term, readings

GLOSSARY = Glossary()


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("إثر", "following"),
        ("الأثر", "impact"),
        ("الأحد", "Sunday"),
        ("أحد", "one of"),
        ("والآخر", "the other"),
        ("آخر", "another"),
        ("الاجتماعية", "social"),
        ("المالية", "financial"),
        ("السورية", "Syrian"),
        ("وأعلنت", "announced"),
        ("انتهت", "ended"),
        ("سيشارك", "will take part"),
        ("ستواصل", "will continue"),
        ("زوجته", "his wife"),
        ("انتصارات", "victories"),
        ("للاعبين", "players"),
        ("والالتزام", "commitment"),
        ("بالحق", "right"),
        ("قبيل", "shortly before"),
        ("مشددا", "stressing"),
        ("ألوان", "colours"),
        ("الرامية", "aimed"),
        ("والدته", "mother"),
    ],
)
def test_a_word_has_the_meaning_of_its_form(word: str, meaning: str) -> None:
    assert GLOSSARY.meanings(word) == {word: meaning}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("وعلاوة على ذلك", "moreover"),
        ("وفي المقابل", "in contrast"),
        ("في معرض إشارته إلى", "referring to"),
        ("من قبل", "by"),
        ("دافعت عن", "defended"),
        ("على نحو مطرد", "steadily"),
    ],
)
def test_runs_of_function_words_have_one_meaning(text: str, meaning: str) -> None:
    assert GLOSSARY.meanings(text) == {text: meaning}


@pytest.mark.parametrize("word", ["علاوة", "سليمة", "فيه", "وأن", "تركها", "يسر"])
def test_no_word_becomes_a_name_by_its_stem(word: str) -> None:
    assert not any(match.term.name for match in GLOSSARY.find_arabic(word))


def test_a_reading_stands_for_its_form_with_particles_and_for_no_other() -> None:
    held = {term.arabic: term.english for term in readings()}
    assert held["محفورة"] == "engraved"
    assert GLOSSARY.meanings("والمحفورة")["والمحفورة"] == "engraved"
    assert "engraved" not in GLOSSARY.meanings("المحفورات").values()


def test_readings_serve_translation_alone() -> None:
    assert "وسط العراق" in {term.arabic for term in readings()}
    assert [m.term.english for m in GLOSSARY.find_arabic("وسط العراق")][-1] == "Iraq"
    assert "النيل" not in GLOSSARY.meanings("طول النيل")
    assert "Nile" in GLOSSARY.crossing_terms("ما طول النيل؟", "ar")


def test_own_names_win_over_readings() -> None:
    own = Glossary({"Midland": "العراق"})
    assert own.meanings("وسط العراق")["العراق"] == "Midland"


def test_a_form_of_many_readings_is_left_unsaid() -> None:
    unsaid = [term.arabic for term in readings() if not term.english]
    assert "وجه" in unsaid and GLOSSARY.meanings("وجه") == {}


def test_words_that_serve_a_sentence_are_not_searched_across_languages() -> None:
    term = Term("في المقابل", "in contrast", name=False, phrase=True)
    assert GLOSSARY.find_arabic(term.arabic)[0].term == term
    assert "contrast" not in GLOSSARY.crossing_terms("ماذا حدث في المقابل؟", "ar")
    assert "المقابل" not in GLOSSARY.crossing_terms("What happened in contrast?", "en")


def test_half_an_adverb_has_no_meaning_and_the_whole_has() -> None:
    assert GLOSSARY.meanings("وصلت بشكل غريب").keys() == {"وصلت", "غريب"}
    assert GLOSSARY.meanings("بشكل وثيق") == {"بشكل وثيق": "closely"}


def test_meanings_come_in_the_texts_order() -> None:
    assert list(GLOSSARY.meanings("والدول قالت لدول")) == ["والدول", "قالت", "لدول"]


def test_an_ending_leaves_enough_of_a_word() -> None:
    assert "وقف" not in [form for form, _ in base_forms("وقفة", "وقفه")]
    assert "جديد" in [form for form, _ in base_forms("جديدة", "جديده")]
    assert "برا" not in [form for form, _ in base_forms("براون", "براون")]


@pytest.mark.parametrize(
    ("one", "many"),
    [("victory", "victories"), ("day", "days"), ("church", "churches"), ("China", "China"),
     ("announced", "announced"), ("free kick", "free kicks")],
)  # fmt: skip
def test_plural(one: str, many: str) -> None:
    assert plural(one) == many
