import pytest

from rag.leaks import leaked_pairs, leaked_words
from vectorstore.analysis import analyse


@pytest.mark.parametrize(
    ("text", "held", "leaked"),
    [
        ("It gave 50,000 blood pressure monitors.", "50,000 thermometers", 2),
        ("It gave 50,000 blood pressure monitors.", "50,000 monitors of blood", 0),
        ("The minister opened a school.", "", 0),
    ],
)
def test_pairs_of_words_of_the_examples(text, held, leaked) -> None:
    assert len(leaked_pairs(text, {*analyse(held)})) == leaked


def test_single_words_of_the_examples() -> None:
    assert leaked_words("وقع ذلك في سيدرا", {*analyse("وقع ذلك في المدينة")}) == ["سيدرا"]
    assert leaked_words("وقع ذلك في سيدرا", {*analyse("وقع ذلك في سيدرا")}) == []
