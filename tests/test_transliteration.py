import pytest

from rag.transliteration import find_transliterated, same_name


@pytest.mark.parametrize(
    ("latin", "arabic"),
    [
        ("Tokayev", "توكاييف"), ("Toqayev", "توقاييف"), ("Lavrov", "لافروف"), ("Wang", "وانغ"),
        ("Wang", "ووانغ"), ("Jinping", "جينبينغ"), ("Wuhan", "ووهان"), ("Putin", "بوتين"),
        ("Kazakhstan", "لقازاقستان"), ("Mongolia", "ومنغوليا"), ("Washington", "واشنطن"),
        ("Mohammed", "محمد"), ("Naciri", "الناصري"), ("Shoukry", "شكري"),
        ("Jeddah", "جدة"), ("Gaza", "غزة"), ("Hodeidah", "الحديدة"),
    ],
)  # fmt: skip
def test_same_names(latin: str, arabic: str) -> None:
    assert same_name(latin, arabic)


@pytest.mark.parametrize(
    ("latin", "arabic"),
    [
        ("Egypt", "الأردن"),
        ("Lavrov", "بوتين"),
        ("Xi", "شيء"),
        ("Jordan", "الجزائر"),
        ("Ali", "علا"),
        ("Rami", "الرامية"),
    ],
)
def test_other_names(latin: str, arabic: str) -> None:
    assert not same_name(latin, arabic)


def test_a_name_written_in_two_words_is_found() -> None:
    assert find_transliterated("Jinping", "قال شي جين بينغ إن") == "جين بينغ"
    assert find_transliterated("Macron", "قال شي جين بينغ إن") is None
