"""The answers to the parts of a question, as one."""

import pytest

from rag.answer import AnswerSentence, Citation
from rag.authoring import Written
from rag.citing import markers
from rag.composing import Composed
from rag.joining import joined, shorts_of

UNSUPPORTED_ANSWER = Composed((), (), None, "generated")
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
    assert shorts_of(together.composed.short) == ["340 m", "Salem"] and shorts_of("") == []
    assert together.probability == 0.7


@pytest.mark.parametrize(
    ("nothing", "said", "right"),
    [
        (None, "The archive does not answer: ", 0.8),
        (UNSUPPORTED_ANSWER, "I found nothing in the archive that supports an answer to: ", 0.5),
    ],
)
def test_a_part_without_an_answer_is_named(nothing, said, right):
    one = told("It is 340 m long", 0, short="340 m")
    together = joined(QUESTIONS, [one, Written(nothing, 0.2)], "en")
    last = together.composed.sentences[-1]
    assert last.text == f"{said}“who opened it on Sunday”." and not last.citations
    assert together.probability == pytest.approx(right) and together.composed.short is None


def test_a_sentence_that_answers_twice_is_said_once_and_cited_once():
    one, again = told("Salem opened it, 340 m long", 0), told("Salem opened it, 340 m long", 40)
    together = joined(QUESTIONS, [one, again], "en").composed
    assert len(together.sentences) == 1 and [c.start for c in together.citations] == [0]


def test_sentences_that_differ_in_a_figure_are_both_said():
    one = told("In the census of 2010 the town of Marsa Nour had 12 residents", 0)
    two = told("In the census of 2020 the town of Marsa Nour had 40 residents", 40)
    assert len(joined(QUESTIONS, [one, two], "en").composed.sentences) == 2


def test_where_no_part_is_answered_nothing_is_said():
    without = [Written(None, 0.1), Written(None, 0.3, "it failed")]
    together = joined(QUESTIONS, without, "en")
    assert together == Written(None, 0.3, "it failed")
    unsupported = Written(UNSUPPORTED_ANSWER, 0.6)
    assert not joined(QUESTIONS, [unsupported, without[0]], "en").composed.sentences


def test_one_question_is_answered_as_it_was():
    one = told("It is 340 m long", 0)
    assert joined(QUESTIONS[:1], [one], "en") is one
