import pytest

from rag.parts import parts


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
    ],
)  # fmt: skip
def test_parts(question: str, expected: list[str]) -> None:
    assert parts(question) == expected
