from __future__ import annotations

import pytest

from rag.language import answer_language, detect_language, in_script_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ومتى؟", "ar"),
        ("قالَ الوَزيرُ ذلـــك", "ar"),
        ("ما هي شركة گوگل وپيجو؟", "ar"),
        ("5G?", "en"),
        ("", "en"),
        ("😀 123", "en"),
        ("Who is Wang Yi?", "en"),
        ("The minister said on Monday that trade had grown by a fifth this year.", "en"),
        ("پایتخت ایران کجاست و چند نفر در آن زندگی می‌کنند؟", "fa"),
        ("پاکستان کا دارالحکومت کیا ہے؟", "ur"),
        ("کوردستان وڵاتێکی جوانە", "ckb"),
        ("Le ministre a déclaré lundi que le commerce avait progressé cette année.", "fr"),
        ("La ministra dijo el lunes que el comercio había crecido este año.", "es"),
        ("Die Ministerin sagte am Montag, der Handel sei in diesem Jahr gewachsen.", "de"),
        ("Привет, мир", "ru"),
        ("中国外交部", "zh"),
        ("こんにちは世界", "ja"),
        ("ماذا قال Elon Musk عن SpaceX؟", "ar"),
        ("Who is وانغ يي وزير الخارجية?", "en"),
        ("وصل مدير World Book Club إلى المدينة يوم الأحد الماضي", "ar"),
    ],
)
def test_detect_language(text, expected):
    assert detect_language(text) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ومتى؟", "ar"),
        ("5G?", "en"),
        ("", "en"),
        ("ماذا قال Elon Musk عن SpaceX Starlink؟", "ar"),
        ("Who is وانغ يي?", "en"),
        ("What did وزير الخارجية في الصين say?", "en"),
        ("شينخوا Xinhua", "ar"),
        ("Quelle est la capitale ?", "en"),
    ],
)
def test_answer_language(question, expected):
    assert answer_language(question) == expected


def test_a_requested_language_wins():
    assert answer_language("ومتى؟", "en") == "en"
    assert answer_language("When?", "ar") == "ar"
    with pytest.raises(ValueError, match="'fr'"):
        answer_language("Quand ?", "fr")


@pytest.mark.parametrize(
    ("text", "language", "fits"),
    [
        ("قالت شركة BlueQuay إنها بنت الرصيف", "ar", True),
        ("BlueQuay built the quay", "ar", False),
        ("BlueQuay built the quay", "en", True),
        ("The mayor of مرسى نور spoke", "en", False),
        ("The 大使 spoke", "en", False),
        ("1,140", "ar", True),
        ("1,140", "en", True),
    ],
)
def test_what_can_stand_in_an_answer(text: str, language: str, fits: bool) -> None:
    assert in_script_of(text, language) is fits
