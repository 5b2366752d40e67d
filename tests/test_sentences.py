from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.sentences import LONGEST_PROTECTED, split_sentences


def sentences(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("وصل الوفد. ثم غادر؟ نعم! انتهى…", ["وصل الوفد.", "ثم غادر؟", "نعم!", "انتهى…"]),
        ("قال الوزير، وهو يبتسم، إنه راض؛ ثم مضى.", None),
        ("بلغت النسبة 19.8 بالمئة، أي 1.000.000 شخص و٣.٥ مليون.", None),
        ("قال د. سامي وأ.د. ليلى وم. نادر إنهم باقون.", None),
        ("زار ج. ب. وولف المدينة.", None),
        ("Mr. Smith of the U.S. Senate paid $3.5 m, e.g. in No. 5 Hill St. Mary.", None),
        ("He lives in the U.S. The rest left.", ["He lives in the U.S.", "The rest left."]),
        ("انظر www.example.org/a.b?c=1 أو a.b@mail.example.org للمزيد.", None),
        ("الموقع example.com.sa مفتوح. انتهى", ["الموقع example.com.sa مفتوح.", "انتهى"]),
        ("قال: «نبقى هنا. لن نرحل!» ثم مضى.", None),
        ("قال: ”نبقى هنا. لن نرحل” ثم مضى.", None),
        ('قال: "نبقى هنا. لن نرحل." ثم مضى.', ['قال: "نبقى هنا. لن نرحل."', "ثم مضى."]),
        ("كتابه «من يحكم؟» صدر أمس. وبيع", ["كتابه «من يحكم؟» صدر أمس.", "وبيع"]),
        ("ذكر ((مصدر. مطلع)) ذلك (انظر ص. 5. هناك) كله.", None),
        ("فتح القوس (ولم يغلقه. ثم مضى", ["فتح القوس (ولم يغلقه.", "ثم مضى"]),
        ("قال “نبقى. ثم مضى", ["قال “نبقى.", "ثم مضى"]),
        ("انتهت المباراة.وغادر الجمهور", ["انتهت المباراة.", "وغادر الجمهور"]),
        ("كان ذلك عام 2015.وانتهى", ["كان ذلك عام 2015.", "وانتهى"]),
        ("في 2015 م. وعاد في 1436هـ. ثم", ["في 2015 م.", "وعاد في 1436هـ.", "ثم"]),
        ("1. الأول. 2. الثاني.", ["1. الأول.", "2. الثاني."]),
        ("مرحبا... ثم سكت", ["مرحبا...", "ثم سكت"]),
        ("النصر يصل.. والرئيس يلتحق", None),
        ("ما هذا؟! لا أحد يعلم", ["ما هذا؟!", "لا أحد يعلم"]),
        ('"We stay." He left. "Who?" he asked.', ['"We stay."', "He left.", '"Who?" he asked.']),
        ("Yahoo! is old. New is up.", ["Yahoo! is old.", "New is up."]),
        ("The season.The team won.", ["The season.", "The team won."]),
        ("یہ ایک جملہ ہے۔ یہ دوسرا ہے۔", ["یہ ایک جملہ ہے۔", "یہ دوسرا ہے۔"]),
        ("CGTN العربية/\nقال الوزير", ["CGTN العربية/", "قال الوزير"]),
        ("عنوان\r\n\r\nنص أول\u2028نص ثان", ["عنوان", "نص أول", "نص ثان"]),
        ("نعم! 😀 لا", ["نعم!", "😀 لا"]),
        ("نص\n* * *\nنص", ["نص\n* * *", "نص"]),
        ("***\nنص", ["***\nنص"]),
        ("؟!", ["؟!"]),
        ("\u200fقال. \u200eمضى", ["\u200fقال.", "\u200eمضى"]),
        ("قالَ مُحَمَّدٌ ذلـــك. وَمَضى", ["قالَ مُحَمَّدٌ ذلـــك.", "وَمَضى"]),
        ("  \t\xa0نص  ", ["نص"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_splitting(text, expected):
    assert sentences(text) == ([text] if expected is None else expected)


def test_a_very_long_quotation_is_split():
    quotation = "قال: «" + "هذه جملة قصيرة. " * (LONGEST_PROTECTED // 10) + "» ثم مضى."
    assert len(sentences(quotation)) > 10


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000 + "نص. " * 20_000,
        "(نص). " * 20_000,
        "a" * 100_000,
        "a." * 50_000,
        "«. »" * 20_000,
    ],
)
@pytest.mark.timeout(10)
def test_hostile_text_takes_no_more_than_linear_time(text):
    assert "".join(sentences(text)).replace(" ", "") == text.replace(" ", "")


_PIECES = st.sampled_from(
    [
        *'اب ت،؛؟!.…۔?"«»“”()[]3٥.ـ\n\r\t\u200f\u2028\xa0😀eE-',
        "قَالَ",
        "د. ",
        "3.5",
        "U.S. ",
        " .. ",
        "www.a.com",
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join) | st.text(max_size=120))
@example("\x1c\x1d")
@example("\ufeff")
def test_spans_cover_everything_once_in_order(text):
    spans = split_sentences(text)
    covered = set()
    position = 0
    for span in spans:
        assert position <= span.start < span.end <= len(text)
        piece = text[span.start : span.end]
        assert piece == piece.strip()
        covered.update(range(span.start, span.end))
        position = span.end
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)
    if len(spans) > 1:
        assert all(any(map(str.isalnum, text[s.start : s.end])) for s in spans)
