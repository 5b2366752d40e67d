from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.loaders import docx as loader
from rag.loaders.common import LoadError

PATH = Path("/x.docx")


def data(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read(document):
    (article,) = loader.read_docx(data(document), PATH)
    return article


def test_paragraphs_and_tables_in_order():
    document = Document()
    document.add_paragraph("افتتاح مكتبة الميناء")
    document.add_paragraph("")
    document.add_paragraph("قالَ المدير: ٤٥٠ كتابا 😀\u200f.")
    table = document.add_table(2, 2)
    for cell, text in zip(
        [c for r in table.rows for c in r.cells], "اليوم العدد الأحد 3.5".split(), strict=True
    ):
        cell.text = text
    table.cell(1, 0).merge(table.cell(1, 1))
    document.add_paragraph("انتهى\tالخبر\nهنا.")
    article = read(document)
    assert article.text == (
        "افتتاح مكتبة الميناء\n\nقالَ المدير: ٤٥٠ كتابا 😀\u200f.\nاليوم\tالعدد\nالأحد 3.5\n"
        "انتهى\tالخبر\nهنا."
    )
    assert article.title == "افتتاح مكتبة الميناء"
    assert article.language == "ar"


def test_properties():
    document = Document()
    document.add_paragraph("نص الخبر كله في هذا السطر.")
    document.core_properties.title = "عنوان"
    document.core_properties.author = "سلمى"
    document.core_properties.created = datetime(2020, 9, 17, 10)
    article = read(document)
    assert (article.title, article.author) == ("عنوان", "سلمى")
    assert article.date.startswith("2020-09-17T10:00:00")
    assert article.date_kind == "extracted"


def test_what_a_template_states_is_no_metadata():
    document = Document()
    document.add_paragraph("نص الخبر كله في هذا السطر.")
    article = read(document)
    assert (article.title, article.author, article.date) == (None, None, None)


def test_deleted_and_hidden_text_is_left_out_and_inserted_text_is_read():
    document = Document()
    paragraph = document.add_paragraph("بقي ")
    paragraph.add_run("سرّ").font.hidden = True
    for change, tag, text in (("del", "delText", "محذوف"), ("ins", "t", "مضاف")):
        paragraph._p.append(
            parse_xml(
                f'<w:{change} {nsdecls("w")} w:id="1" w:author="x"><w:r><w:{tag}>{text}</w:{tag}>'
                f"</w:r></w:{change}>"
            )
        )
    assert read(document).text == "بقي مضاف"


def test_is_word():
    assert loader.is_word(data(Document()))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("xl/workbook.xml", "x")
    assert not loader.is_word(other.getvalue())


def test_a_bomb_is_not_inflated(monkeypatch):
    monkeypatch.setattr(loader, "MAX_INFLATED", 10_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "x" * 100_000)
    with pytest.raises(LoadError, match="when inflated"):
        loader.is_word(bomb.getvalue())


@pytest.mark.parametrize("member", ["<broken", "<a/>"])
def test_a_damaged_document_is_named(member):
    source = zipfile.ZipFile(io.BytesIO(data(Document())))
    damaged = io.BytesIO()
    with zipfile.ZipFile(damaged, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, member if name == "word/document.xml" else source.read(name))
    with pytest.raises(LoadError, match="damaged Word document"):
        list(loader.read_docx(damaged.getvalue(), PATH))


def test_a_document_without_text_is_named():
    with pytest.raises(LoadError, match="no text"):
        read(Document())
