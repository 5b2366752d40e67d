import pytest

from rag.expectations import Expected, expected, meets


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("كم سفينة وصلت؟", Expected.FIGURE),
        ("وبكم بيعت؟", Expected.ANYTHING),
        ("ما عدد السفن؟", Expected.FIGURE),
        ("How many ships arrived?", Expected.FIGURE),
        ("متى افتتح الجسر؟", Expected.TIME),
        ("ومتى؟", Expected.TIME),
        ("كم كلف الجسر؟ ومتى؟", Expected.TIME),
        ("متى افتتح؟ «وكم» كلف؟", Expected.FIGURE),
        ("؟!", Expected.ANYTHING),
        ("في أي عام بني الجسر؟", Expected.TIME),
        ("When was it built?", Expected.TIME),
        ("من افتتح الجسر؟", Expected.ANYTHING),
        ("Who opened the bridge?", Expected.ANYTHING),
    ],
)
def test_expected(question: str, kind: Expected) -> None:
    assert expected(question) is kind


def test_meets() -> None:
    assert meets("وصلت ٤٥ سفينة", Expected.FIGURE) and not meets("وصلت سفن كثيرة", Expected.FIGURE)
    assert meets("في سبتمبر", Expected.TIME) and meets("last May", Expected.TIME)
    assert meets("افتتح (مارس)", Expected.TIME) and meets("أُعلن منذ «أمس»؛", Expected.TIME)
    assert not meets("افتتحه رئيس البلدية", Expected.TIME)
    assert meets("", Expected.ANYTHING)
