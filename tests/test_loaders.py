"""Finding files, telling their kind, and what is the same for every kind."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import zipfile
from pathlib import Path

import pytest
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pdf_writer import pdf, visual

from rag import loaders
from rag.chunking import split_passages
from rag.loaders import Unreadable, find_files, load
from vectorstore.types import Article

AWKWARD = (
    "\u200fعُنوانٌ طَويــــل\r\n\r\n  بلغ العدد ٤٥٠ و1,250 شخصا 😀، «قال. نعم» (BBC)\u200e.\xa0\n"
    "\tوأضافَ: 3.5% فقط…\n\n"
)


def one(path: Path) -> Article:
    (found,) = load(path)
    assert isinstance(found, Article), found
    return found


def error(path: Path) -> str:
    (found,) = load(path)
    assert isinstance(found, Unreadable), found
    assert found.path == str(path)
    return found.error


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# --- finding ---


def test_find_files_sorts_and_leaves_out_what_is_no_article(tmp_path):
    names = "b.txt a/c.json a/.hidden.txt .git/x.txt a/~$lock.docx a/photo.JPG Thumbs.db a/d.PDF"
    for name in names.split():
        write(tmp_path / name, "نص")
    found = [str(p.relative_to(tmp_path)) for p in find_files([tmp_path])]
    assert found == ["a/c.json", "a/d.PDF", "b.txt"]


def test_a_named_file_is_always_tried(tmp_path):
    photo = write(tmp_path / "photo.jpg", b"\xff\xd8\xff\xe0 data")
    assert find_files([photo]) == [photo]
    assert error(photo) == "binary: a JPEG image"


def test_find_files_gives_each_file_once_and_ends_on_loops(tmp_path):
    file = write(tmp_path / "a" / "x.txt", "نص")
    os.symlink(tmp_path / "a", tmp_path / "a" / "loop")
    os.symlink(file, tmp_path / "again.txt")
    assert len(find_files([tmp_path, file, tmp_path / "a"])) == 1


def test_a_missing_file_is_reported(tmp_path):
    missing = tmp_path / "nothing.txt"
    assert find_files([missing]) == [missing]
    assert error(missing) == "not found"


def test_paths_are_absolute(tmp_path, monkeypatch):
    file = write(tmp_path / "x.txt", "نص الخبر")
    monkeypatch.chdir(tmp_path)
    assert find_files([Path("x.txt")]) == [file]
    assert one(Path("x.txt")).path == str(file)


# --- fidelity ---


def test_a_text_file_is_its_own_text(tmp_path):
    found = one(write(tmp_path / "x.txt", AWKWARD))
    assert found.text == AWKWARD
    assert found.record == ""
    assert found.title == "عُنوانٌ طَويــــل"
    assert found.language == "ar"


def test_only_the_byte_order_mark_is_removed(tmp_path):
    found = one(write(tmp_path / "x.txt", b"\xef\xbb\xbf" + AWKWARD.encode()))
    assert found.text == AWKWARD


def test_every_container_gives_the_same_text(tmp_path):
    record = json.dumps({"content": AWKWARD})
    table = io.StringIO(newline="")
    csv.writer(table).writerows([["title", "content"], ["x", AWKWARD]])
    files = [
        write(tmp_path / "a.txt", AWKWARD),
        write(tmp_path / "a.txt.gz", gzip.compress(AWKWARD.encode())),
        write(tmp_path / "a.md", f"---\ntitle: x\n---\n{AWKWARD}"),
        write(tmp_path / "a.json", f"[{record}]"),
        write(tmp_path / "a.jsonl", record + "\n"),
        write(tmp_path / "a.jsonl.gz", gzip.compress(record.encode())),
        write(tmp_path / "a.csv", table.getvalue()),
        write(tmp_path / "utf16.txt", AWKWARD.encode("utf-16")),
    ]
    assert {one(file).text for file in files} == {AWKWARD}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.text(
        st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("\n\r\tا. "), min_size=1
    )
)
def test_every_sentence_slices_exactly(tmp_path, text):
    file = write(tmp_path / "x.jsonl", json.dumps({"content": "ا " + text}))
    found = one(file)
    assert found.text == "ا " + text
    for passage in split_passages(found.text):
        for sentence in passage.sentences:
            piece = found.text[sentence.start : sentence.end]
            assert piece == piece.strip() != ""


# --- what cannot be read ---


def test_empty_and_unreadable_files_are_named(tmp_path):
    assert error(write(tmp_path / "a.txt", "")) == "empty"
    assert error(write(tmp_path / "b.txt", " \n\t")) == "empty"
    assert error(write(tmp_path / "c.txt", b"\xef\xbb\xbf \n")) == "empty"
    assert error(write(tmp_path / "d.txt", "* * *")) == "no text"
    assert "binary" in error(write(tmp_path / "e.txt", bytes(range(256)) * 10))
    assert error(tmp_path) == "not a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_named(tmp_path):
    file = write(tmp_path / "a.txt", "نص")
    file.chmod(0)
    assert "Permission denied" in error(file)


def test_too_large_files_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "MAX_BYTES", 1000)
    monkeypatch.setattr(loaders, "MAX_INFLATED", 2000)
    assert "at most" in error(write(tmp_path / "a.txt", "ا" * 600))
    bomb = write(tmp_path / "b.txt.gz", gzip.compress(b"x" * 100_000))
    assert bomb.stat().st_size < 1000
    assert "when inflated" in error(bomb)


def test_damaged_containers_are_named(tmp_path):
    whole = gzip.compress("نص".encode() * 500)
    assert "damaged gzip" in error(write(tmp_path / "a.txt.gz", whole[:-10]))
    assert "damaged zip" in error(write(tmp_path / "b.docx", b"PK\x03\x04" + b"x" * 100))
    assert "old kind" in error(write(tmp_path / "c.doc", bytes.fromhex("d0cf11e0a1b11ae1") * 9))
    encrypted = bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le")
    assert "encrypted" in error(write(tmp_path / "d.docx", encrypted))
    assert "not a DOCX file" in error(write(tmp_path / "e.docx", "نص"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("x.txt", "x")
    assert "no Word document" in error(write(tmp_path / "f.zip", archive.getvalue()))


def _samples() -> dict[str, bytes]:
    document = io.BytesIO()
    word = Document()
    word.add_paragraph("افتتحت المكتبة أبوابها.")
    word.save(document)
    return {
        "a.docx": document.getvalue(),
        "a.pdf": pdf([[(300, 700, visual("افتتحت المكتبة أبوابها"))]]),
        "a.html": "<html><body><p>افتتحت المكتبة &amp; أبوابها.</p></body></html>".encode(),
        "a.json": json.dumps([{"content": "نص", "date": "2020", "source": {"name": "x"}}]).encode(),
        "a.csv": 'title,content\nx,"نص"\n'.encode(),
        "a.md": "---\ntitle: x\n---\nنص الخبر".encode(),
        "a.txt.gz": gzip.compress("بكين (شينخوا) قال.".encode("cp1256")),
    }


@pytest.mark.parametrize("name", sorted(_samples()))
def test_any_damage_ends_in_articles_or_reasons(name, tmp_path):
    chance = random.Random(name)
    whole = _samples()[name]
    assert isinstance(one(write(tmp_path / name, whole)), Article)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 3, 30])):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.choice([0, 1, 9])] = chance.randbytes(chance.choice([0, 1, 3]))
        for found in load(write(tmp_path / name, bytes(data))):
            if isinstance(found, Article):
                found.text.encode("utf-8")
            else:
                assert found.error


def test_content_decides_before_the_name(tmp_path):
    page = "<!DOCTYPE html><html><body><article><p>افتتحت المكتبة أبوابها صباح الأحد.</p></article>"
    assert one(write(tmp_path / "page.txt", page)).text == "افتتحت المكتبة أبوابها صباح الأحد."
    articles = json.dumps([{"title": "عنوان", "content": "نص الخبر"}])
    assert one(write(tmp_path / "records.txt", articles)).title == "عنوان"
    braces = "{هذا نص} يبدأ بقوس"
    assert one(write(tmp_path / "braces.txt", braces)).text == braces
