import pytest

from rag.parts import MOST, Part, asks_of_several_articles, parts

SHIPS, FISH = "كم سفينة صيد وصلت إلى الميناء أمس", "كم طنا من السمك بيع في سوق المدينة؟"
THANKED = "For what did the mayor thank the coach"
BLAMED = "for what did the coach blame the mayor?"
FLOOD = "how many were injured in the Marsa Nour flood?"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (f"{SHIPS}، و{FISH}", [Part(SHIPS), Part(FISH)]),
        (f"{THANKED}, and {BLAMED}", [Part(THANKED), Part(BLAMED)]),
        (f"How many people died, and {FLOOD}", [Part("How many people died", FLOOD), Part(FLOOD)]),
        ("من افتتح جسر مرسى نور الجديد، وكم يبلغ طوله بالأمتار تقريبا؟",
         [Part("من افتتح جسر مرسى نور الجديد"),
          Part("كم يبلغ طوله بالأمتار تقريبا؟", "من افتتح جسر مرسى نور الجديد")]),
    ],
)  # fmt: skip
def test_parts_that_lean_on_the_others_have_them_as_context(question, expected) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Who opened the new bridge on Friday, and who said so?",
        "من افتتح الجسر ومتى؟",
        "من افتتح الجسر والميناء؟",
        "Which ships and boats arrived?",
        "وكم سفينة وصلت؟",
        "كيف رد العمدة على المدرب، وبماذا وعده في المقابل؟",
        "Goldenson proposed a merger between UPT and what network in October 1954?",
        "Who said that he knew when and how the bridge would be opened to the public?",
        "هل وصل العمال ومن معهم من المهندسين إلى الموقع؟",
        " and ".join(["how many boats of the harbour sank on Friday"] * (MOST + 1)),
    ],
)
def test_questions_that_ask_one_thing_or_cannot_be_taken_apart_are_left_whole(question) -> None:
    assert parts(question) == []


def test_parts_of_a_follow_up_lean_on_what_was_asked_before() -> None:
    before, first = "من افتتح جسر مرسى نور؟", "وكم كلف بناؤه"
    assert parts(f"{first}، و{SHIPS}؟", before) == [
        Part(first, f"{before} {SHIPS}؟"),
        Part(f"{SHIPS}؟"),
    ]


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
