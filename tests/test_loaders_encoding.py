from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.loaders.common import LoadError
from rag.loaders.encoding import decode

ARABIC = "قال الوزير إن المكتبة الجديدة في المدينة ستفتح أبوابها على مدار الأسبوع، وذلك من الأحد؟\n"
FRENCH = "Le théâtre a été rouvert après des années de travaux ; l’été sera gai à Besançon.\r\n" * 3


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1256"]
)
def test_arabic_in_every_usual_encoding(encoding):
    assert decode(ARABIC.encode(encoding)) == ARABIC


@pytest.mark.parametrize("encoding", ["iso8859_6", "cp720"])
def test_arabic_in_old_encodings(encoding):
    text = (
        "قال الوزير ان المكتبة الجديدة في المدينة ستفتح من الاحد على مدار الاسبوع وذلك بعد الترميم"
    )
    assert decode(text.encode(encoding)) == text


def test_windows_1256_with_latin_words():
    text = ARABIC + "وفاز فريق World Book Club بالجائزة الأولى في باريس."
    assert decode(text.encode("cp1256")) == text


def test_western_european_text():
    assert decode(FRENCH.replace("’", "'").encode("latin-1")) == FRENCH.replace("’", "'")


def test_a_declared_encoding_is_believed_where_it_can_be():
    assert decode("مرحبا".encode("cp1256"), "windows-1256") == "مرحبا"
    assert decode("مرحبا".encode(), "windows-1256") == "مرحبا"
    assert decode("مرحبا".encode(), "no-such-encoding") == "مرحبا"
    assert decode("été à Nîmes".encode("latin-1"), "iso-8859-1") == "été à Nîmes"
    assert decode(ARABIC.encode("cp1256"), "ISO-8859-1") == ARABIC


def test_damaged_utf8_stays_utf8():
    data = ARABIC.encode() * 3
    text = decode(data[:50] + b"\xff" + data[50:])
    assert text.count("\ufffd") <= 2
    assert text.startswith(ARABIC[:20]) and text.endswith(ARABIC)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "PNG image"),
        (b"\0\1\2\3" * 100, "binary"),
        (bytes(range(1, 32)) * 10, "binary"),
        ("نص".encode() + b"\0" * 3, "NUL"),
    ],
)
def test_binary_data_is_refused(data, reason):
    with pytest.raises(LoadError, match=reason):
        decode(data)


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
def test_utf8_is_kept_exactly(text):
    assert decode(b"\xef\xbb\xbf" + text.encode()) == text


@given(st.binary(max_size=300))
def test_any_bytes_give_text_without_nul_or_a_reason(data):
    try:
        text = decode(data)
    except LoadError:
        return
    assert "\0" not in text
    text.encode("utf-8")
