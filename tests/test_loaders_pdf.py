from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pypdf
import pytest
from pdf_writer import WIDTH, pdf, visual

from rag.loaders.common import LoadError
from rag.loaders.pdf import read_pdf

PATH = Path("/x.pdf")
RIGHT = 550  # where Arabic lines begin


def arabic(y: float, line: str, right: float = RIGHT):
    """A line of Arabic letters that begins at ``right``."""
    return (right - WIDTH * len(line), y, visual(line))


def read(data: bytes):
    (article,) = read_pdf(data, PATH)
    return article


LINES = [
    "افتتحت بلدية الواحة صباح الأحد مكتبة عامة",
    "قرب الميناء بحضور عدد كبير من الضيوف هناك",
    "ثم غادروا.",
]


@pytest.mark.parametrize("reverse_stream", [False, True])
def test_arabic_is_read_in_logical_order_whatever_the_stream(reverse_stream):
    page = [arabic(700 - 15 * i, line) for i, line in enumerate(LINES)]
    article = read(pdf([page], reverse_stream=reverse_stream))
    assert article.text == " ".join(LINES)
    assert article.language == "ar"


def test_presentation_forms_and_ligatures_become_letters():
    drawn = ["ﺪ", "ﺣ", "ﻷ", "ا", " ", "لا", "ﻗ"]  # lam-alef as one sign, and as two letters
    assert read(pdf([[(300, 700, drawn)]])).text == "قلا الأحد"


def test_numbers_and_latin_words_inside_arabic():
    drawn = [*visual(" في المدينة"), *"World Book 3.5", *visual("قال المدير عن ")]
    assert read(pdf([[(300, 700, drawn)]])).text == "قال المدير عن World Book 3.5 في المدينة"


def test_paragraphs_are_told_by_space_and_by_short_rows():
    page = [
        arabic(y, line)
        for y, line in zip([700, 685, 670, 640, 625], [*LINES, *LINES[:2]], strict=True)
    ]
    assert read(pdf([page])).text == f"{' '.join(LINES)}\n\n{' '.join(LINES[:2])}"


def test_columns_of_an_arabic_page_are_read_from_the_right():
    right = [arabic(700 - 15 * i, f"{'يمين ' * 6}{'ابتثجح'[i]}") for i in range(6)]
    left = [arabic(700 - 15 * i, f"{'يسار ' * 6}{'ابتثجح'[i]}", 280) for i in range(6)]
    heading = arabic(
        760, "عنوان طويل يمتد فوق العمودين كليهما من أول السطر إلى آخره في أعلى الصفحة"
    )
    text = read(pdf([[heading, *left, *right]])).text
    assert text.startswith("عنوان طويل")
    assert text.rindex("يمين") < text.index("يسار")


def test_english_pages():
    lines = ["The municipality opened a library", "near the harbour on Sunday morning"]
    page = [(50, 700 - 15 * i, list(line)) for i, line in enumerate(lines)]
    article = read(pdf([page]))
    assert article.text == " ".join(lines)
    assert article.language == "en"


def test_running_heads_and_page_numbers_are_left_out():
    pages = [
        [
            arabic(780, "صوت الميناء"),
            arabic(700, f"نص الصفحة {'ابجد'[n]} وفيه كلام."),
            (300, 20, [str(n)]),
        ]
        for n in range(4)
    ]
    text = read(pdf(pages)).text
    assert "صوت الميناء" not in text
    assert text.count("نص الصفحة") == 4
    assert not any(character.isdigit() for character in text)


def test_a_sentence_goes_on_over_the_page():
    first = [arabic(700 - 15 * i, line) for i, line in enumerate(LINES[:2])]
    assert read(pdf([first, [arabic(700, LINES[2])]])).text == " ".join(LINES)


def test_a_wide_gap_ends_a_paragraph_of_few_rows():
    headline = arabic(760, "افتتاح المكتبة")
    first = [arabic(700, LINES[0]), arabic(685, LINES[1])]
    text = read(pdf([[headline, *first, arabic(658, LINES[1])]])).text
    assert text.split("\n\n")[1:] == [f"{LINES[0]} {LINES[1]}", LINES[1]]


def test_what_the_file_says_about_itself():
    page = [arabic(700, "افتتاح مكتبة الميناء"), arabic(660, LINES[0])]
    info = {"Title": "افتتاح مكتبة الميناء", "Author": "سلمى", "CreationDate": "D:20200917100000Z"}
    article = read(pdf([page], info=info))
    assert (article.title, article.author) == ("افتتاح مكتبة الميناء", "سلمى")
    assert (article.date, article.date_kind) == ("2020-09-17", "extracted")
    assert (
        read(pdf([page], info={"Title": "Microsoft Word - doc1"})).title == "افتتاح مكتبة الميناء"
    )


def test_a_page_without_text_is_named():
    with pytest.raises(LoadError, match=r"no text layer \(scanned\?\)"):
        read(pdf([[]]))


def test_an_encrypted_file_is_named():
    writer = pypdf.PdfWriter(io.BytesIO(pdf([[arabic(700, LINES[0])]])))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    with pytest.raises(LoadError, match="encrypted"):
        read(buffer.getvalue())


def test_a_damaged_file_is_named():
    with pytest.raises(LoadError, match="damaged PDF|no text layer"):
        read(pdf([[arabic(700, LINES[0])]])[:300])
    with pytest.raises(LoadError, match="damaged PDF"):
        read(b"%PDF-1.4\nnothing")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium to print a page")
def test_a_page_printed_by_a_browser(tmp_path):
    sentences = (
        "افتتحت بلدية واحة النور (يوم الأحد) مكتبة الميناء بكلفة 3.5 مليون دينار، بحضور 1,250 "
        "شخصا من World Book Club. وقالت المديرة: «لا شيء إلا بالعمل»، ثم أضافت أن العدد "
        "سيبلغ ٤٥٠ في 2024!"
    )
    page = tmp_path / "page.html"
    page.write_text(
        f"<html dir=rtl lang=ar><meta charset=utf-8><h1>افتتاح المكتبة</h1><p>{sentences}</p>"
        "<p>هل ستفتح أبوابها ليلا؟ نعم، وفق www.example.org بين 9:30 و17:45 (بتوقيت المدينة).</p>",
        encoding="utf-8",
    )
    target = tmp_path / "page.pdf"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        + [f"--print-to-pdf={target}", str(page)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    text = read(target.read_bytes()).text
    assert text.split("\n\n") == [
        "افتتاح المكتبة",
        sentences,
        "هل ستفتح أبوابها ليلا؟ نعم، وفق www.example.org بين 9:30 و17:45 (بتوقيت المدينة).",
    ]
