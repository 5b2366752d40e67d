import pytest

from rag.parts import asks_of_several_articles, parts


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("كم سفينة وصلت إلى الميناء، وكم طنا من السمك بيع في السوق؟",
         ["كم سفينة وصلت إلى الميناء", "كم طنا من السمك بيع في السوق؟"]),
        ("Who opened the new bridge on Friday, and who said so?", []),
        ("For what did the mayor thank the coach, and for what did the coach blame the mayor?",
         ["For what did the mayor thank the coach", "for what did the coach blame the mayor?"]),
        ("من افتتح الجسر ومتى؟", []),
        ("من افتتح الجسر والميناء؟", []),
        ("Which ships and boats arrived?", []),
        ("وكم سفينة وصلت؟", []),
        ("كيف رد العمدة على المدرب، وبماذا وعده في المقابل؟", []),
    ],
)  # fmt: skip
def test_parts(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Which sum do both reports give?", True),
        ("The union and the police disagree. What are the two figures?", True),
        ("What did both sides agree on?", False),
        ("ماذا ذكر المقالان عن الجسر؟", True),
        ("من ذكره تقرير آخر أيضا؟", True),
        ("ماذا قال الجانبان؟", False),
    ],
)
def test_a_question_may_be_about_several_articles(question: str, several: bool) -> None:
    assert asks_of_several_articles(question) is several
