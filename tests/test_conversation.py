import pytest

from rag.conversation import (
    TURNS,
    asked_before,
    bounded,
    in_context,
    is_follow_up,
    small_talk,
    standalone,
)


@pytest.mark.parametrize(
    "question",
    [
        "ومتى؟",
        "what about Mongolia?",
        "وماذا قدمت حكومة بلاده؟",
        "And which city was it?",
        "لماذا؟",
    ],
)
def test_follow_ups(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "كم بلغ حجم التجارة الثنائية بين البلدين في العام الماضي؟",
        "واشنطن ماذا قالت عن الجسر الجديد؟",
        "وزير خارجية أي دولة زار المدينة في سبتمبر الماضي؟",
        "Which minister visited the harbour of Marsa Nour in September last year?",
    ],
)
def test_questions_that_stand_alone(question: str) -> None:
    assert not is_follow_up(question)


def test_a_follow_up_is_searched_with_the_question_before_it() -> None:
    history = [
        {"role": "user", "content": "من افتتح الجسر؟"},
        {"role": "assistant", "content": "رئيس البلدية."},
    ]
    assert standalone("ومتى؟", asked_before("ومتى؟", history)) == "من افتتح الجسر؟ ومتى؟"
    assert standalone("ومتى؟", asked_before("ومتى؟", [])) == "ومتى؟"


def test_a_follow_up_of_a_follow_up_reaches_the_question_that_stands_alone() -> None:
    asked = ["كم سفينة وصلت إلى الميناء أمس؟", "من افتتح جسر مرسى نور الجديد؟", "ومتى؟", "شكرا"]
    history = [{"role": "user", "content": content} for content in asked]
    before = asked_before("وأين؟", history)
    assert standalone("وأين؟", before) == "من افتتح جسر مرسى نور الجديد؟ ومتى؟ وأين؟"
    assert in_context("وأين؟", before) == "وأين؟ (من افتتح جسر مرسى نور الجديد؟ ومتى؟)"


def test_a_huge_turn_does_not_swell_the_question() -> None:
    history = [{"role": "user", "content": "جسر " * 5000}]
    assert len(asked_before("ومتى؟", history)) < 1000


@pytest.mark.parametrize("turn", ["x", None, {}, {"role": "user", "content": ["x"]}])
def test_turns_of_another_form_are_refused(turn) -> None:
    with pytest.raises(ValueError, match="history turn 0"):
        bounded([turn])


def test_history_is_bounded_and_checked() -> None:
    turns = [{"role": "user", "content": str(i)} for i in range(20)]
    assert [t["content"] for t in bounded(turns)] == [str(i) for i in range(20 - TURNS, 20)]
    with pytest.raises(ValueError, match="history turn 0"):
        bounded([{"role": "system", "content": "x"}])


def test_small_talk_and_nothing_else() -> None:
    assert small_talk("مرحبا!", "ar") and small_talk("Who are you?", "en")
    assert small_talk("Who are you writing about in the article on the bridge?", "en") is None
    assert small_talk("من افتتح الجسر؟", "ar") is None
