from __future__ import annotations

from pathlib import Path

from rag.loaders.text import read_text

BODY = "\n# عنوان في النص\n\nافتتحت المكتبة أبوابها يوم الأحد الماضي قرب الميناء.\n"


def read(text: str):
    (article,) = read_text(text, Path("/x.md"))
    return article


def test_front_matter_is_metadata_and_not_text():
    article = read(
        "---\ntitle: ' عنوان الخبر '\nsource: صوت الميناء\nauthor: [سلمى, نادر]\n"
        f"date: 2020-09-17\nlang: Arabic\nurl: https://example.org/1\n---\n{BODY}"
    )
    assert article.text == BODY
    assert article.title == "عنوان الخبر"
    assert article.source == "صوت الميناء"
    assert article.author == "سلمى، نادر"
    assert (article.date, article.date_kind) == ("2020-09-17", "published")
    assert article.language == "ar"
    assert article.url == "https://example.org/1"


def test_windows_line_ends():
    assert read(f"---\r\ntitle: أ ب\r\n---\r\n{BODY}").text == BODY


def test_a_heading_is_the_title_where_none_is_stated():
    assert read(BODY).title == "عنوان في النص"
    assert read(BODY).text == BODY


def test_what_is_no_front_matter_stays_in_the_text():
    for text in (
        f"---\nنص عادي\n---\n{BODY}",
        f"---\na: [1\n---\n{BODY}",
        f"---\ntitle: x\n{BODY}",
        f"{BODY}---\ntitle: x\n---\n",
    ):
        assert read(text).text == text


def test_a_yaml_object_is_not_built():
    text = f"---\ntitle: !!python/object/apply:os.getcwd []\n---\n{BODY}"
    assert read(text).text == text
