import pytest

from rag.imperatives import as_question


@pytest.mark.parametrize(
    ("request_", "question"),
    [
        ("عدّد الدول التي زارها الوزير.", "ما الدول التي زارها الوزير؟"),
        ("عَدِّد محطات الجولة", "ما محطات الجولة؟"),
        ("اذكر اسم المدير الجديد؟", "ما اسم المدير الجديد؟"),
        ("من فضلك، اذكر لي أسماء الجسور.", "ما أسماء الجسور؟"),
        ("سمِّ الدول التي أرسلت سفنا.", "ما الدول التي أرسلت سفنا؟"),
        ("List the countries that sent ships.", "What are the countries that sent ships?"),
        ("Please name the minister who opened the bridge.",
         "Who is the minister who opened the bridge?"),
        ("Name the towns hit by the flood.", "What are the towns hit by the flood?"),
        ("Name the virus that spread.", "What is the virus that spread?"),
        ("سمِّ الدول التي وصلت سفن من موانئها.", "ما الدول التي وصلت سفن من موانئها؟"),
        ("اذكر متى افتتح الجسر.", "متى افتتح الجسر؟"),
        ("اذكر لي أين ولد", "أين ولد؟"),
        ("سمِّ الوزير الذي افتتح الجسر.", "من الوزير الذي افتتح الجسر؟"),
        ("Name all the ports", "What are the ports?"),
    ],
)  # fmt: skip
def test_a_request_is_put_as_a_question(request_: str, question: str) -> None:
    assert as_question(request_) == question


@pytest.mark.parametrize(
    "text",
    [
        "عدد سكان المدينة؟",
        "كم عدد السفن؟",
        "سمح الوزير بذلك؟",
        "سمي الجسر الجديد باسم من؟",
        "عدّد الوزير أسباب القرار، فما أولها؟",
        "سم الأفعى التي لدغت الطفل قاتل؟",
        "من ذكر السفن؟",
        "Name",
        "Named the port, who left?",
        "Listings of ships?",
        "Who opened the bridge?",
        "",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert as_question(text) == text
