import re

import pytest

from rag.pointing import copying_grammar

TEXT = "قال سالم الناصري إن الجسر كلف (12 مليون دينار)، واستغرق «عامين»؛ وحضر الناس."


def runs(grammar: str) -> set[str]:
    """All texts that a grammar of ``copying_grammar`` allows."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    literal = re.compile(r'"((?:\\.|[^"\\])*)"')

    def text(rule: str) -> str:
        return literal.search(rule).group(1).replace('\\"', '"').replace("\\\\", "\\")

    def go(name: str) -> list[str]:
        word, _, rest = rules[name].partition('" ')
        out = [text(word + '"')]
        if follow := re.search(r"\(end \| (.*) (w\d+)\)$", rest):
            out += [out[0] + text(follow[1]) + more for more in go(follow[2])]
        return out

    return {run for name in re.findall(r"w\d+", rules["root"]) for run in go(name)}


def test_runs_are_words_of_the_text_and_end_with_its_sentences() -> None:
    found = runs(copying_grammar(TEXT, "كم كلف الجسر؟"))
    assert {"12 مليون دينار", "عامين", "سالم الناصري", "12 مليون دينار)، واستغرق «عامين"} <= found
    assert all(run in TEXT for run in found)
    assert not any("وحضر" in run and "عامين" in run for run in found)


def test_no_run_begins_with_the_questions_words_or_with_words_that_say_nothing() -> None:
    found = runs(copying_grammar(TEXT, "كم كلف الجسر؟"))
    assert not any(run.startswith(("كلف", "الجسر", "إن")) for run in found)


def test_a_question_that_offers_its_answers_may_be_answered_in_its_own_words() -> None:
    assert "الجسر" in runs(copying_grammar(TEXT, "هل كلف الجسر أم الميناء؟"))


@pytest.mark.parametrize("text", ["", "الجسر", "… ، ."])
def test_without_a_word_to_begin_with_there_is_no_grammar(text: str) -> None:
    assert copying_grammar(text, "كم كلف الجسر؟") is None


def test_no_run_begins_behind_a_negation_but_with_it() -> None:
    found = runs(copying_grammar("وصف المهندس الجسر بأنه غير آمن قبل الشتاء", "كيف وصف الجسر؟"))
    assert {"غير آمن", "قبل الشتاء"} <= found and "آمن" not in found


def test_an_abbreviation_does_not_end_a_run() -> None:
    assert "St. Petersburg" in runs(copying_grammar("It is in St. Petersburg.", "Where?"))


def test_control_characters_are_left_out() -> None:
    assert "left right" in runs(copying_grammar("le\x08ft right", "where?"))


def test_quotation_marks_and_backslashes_are_escaped() -> None:
    text = 'left\\right "corner" seat'
    assert text in runs(copying_grammar(text, "where?"))
