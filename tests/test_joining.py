"""The answers to the parts of a question, as one."""

import pytest

from rag.answer import AnswerSentence, Citation
from rag.authoring import Written
from rag.citing import markers
from rag.composing import Composed
from rag.joining import joined

QUESTIONS = ("How long is the bridge", "who opened it on Sunday?")


def cited(n: int, start: int) -> Citation:
    return Citation(n, "a", None, None, None, None, "a.txt", start, start + 9, "the words")


def told(text: str, *starts: int, short=None, path="generated", probability=0.9) -> Written:
    citations = tuple(cited(n, start) for n, start in enumerate(starts, 1))
    numbers = tuple(c.n for c in citations)
    sentence = AnswerSentence(f"{text}{markers(numbers)}", numbers, True, 1.0)
    return Written(Composed((sentence,), citations, short, path), probability)


def test_citations_are_numbered_through_and_places_cited_once():
    one, two = told("It is 340 m long", 0, 40), told("Salem opened it", 40, 80)
    together = joined(QUESTIONS, [one, two], "en").composed
    assert [(c.n, c.start) for c in together.citations] == [(1, 0), (2, 40), (3, 80)]
    assert [s.text for s in together.sentences] == [
        "It is 340 m long [1][2]",
        "Salem opened it [2][3]",
    ]
    assert [s.citations for s in together.sentences] == [(1, 2), (2, 3)]


def test_short_answers_stand_side_by_side_and_the_weakest_part_counts():
    one = told("It is 340 m long", 0, short="340 m", path="repaired", probability=0.7)
    two = told("Salem opened it", 40, short="Salem", path="generated", probability=0.9)
    together = joined(QUESTIONS, [one, two], "en")
    assert together.composed.short == "340 m; Salem" and together.composed.path == "repaired"
    assert together.probability == 0.7


@pytest.mark.parametrize("nothing", [None, Composed((), (), None, "quoted")])
def test_a_part_without_an_answer_is_named(nothing):
    together = joined(QUESTIONS, [told("It is 340 m long", 0), Written(nothing, 0.2)], "en")
    last = together.composed.sentences[-1]
    assert last.text == "The archive does not answer: “who opened it on Sunday”."
    assert not last.citations and together.probability == pytest.approx(0.8)


def test_a_sentence_that_answers_twice_is_said_once():
    same = told("Salem opened it, 340 m long", 0)
    assert len(joined(QUESTIONS, [same, same], "en").composed.sentences) == 1


def test_where_no_part_is_answered_nothing_is_said():
    without = [Written(None, 0.1), Written(None, 0.3, "it failed")]
    together = joined(QUESTIONS, without, "en")
    assert together == Written(None, 0.3, "it failed")
    unsupported = Written(Composed((), (), None, "generated"), 0.6)
    assert not joined(QUESTIONS, [unsupported, without[0]], "en").composed.sentences


def test_one_question_is_answered_as_it_was():
    one = told("It is 340 m long", 0)
    assert joined(QUESTIONS[:1], [one], "en") is one
