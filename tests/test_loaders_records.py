from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.loaders.common import LoadError, Unreadable
from rag.loaders.records import (
    is_json_lines,
    looks_like_articles,
    read_json,
    read_json_lines,
    read_table,
)

PATH = Path("/archive/x.json")
TEXT = " افتتحت المكتبة أبوابها.\r\n&amp; 😀\u200f "


def articles(items) -> list:
    return list(read_json(json.dumps(items, ensure_ascii=False), PATH))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda a: [a],
        lambda a: {"articles": [a]},
        lambda a: {"data": [a]},
        lambda a: {"status": "ok", "response": 3, "results": [a]},
        lambda a: {"data": {"items": [a]}},
        lambda a: [{"id": 7, "article": a}],
    ],
)
def test_wrappers(wrap):
    (article,) = articles(wrap({"title": "عنوان", "content": TEXT}))
    assert (article.record, article.title, article.text) == ("0", "عنوان", TEXT)


def test_one_object_is_the_file():
    (article,) = articles({"content": TEXT})
    assert article.record == ""


@pytest.mark.parametrize(
    "key", ["content", "Text", "articleBody", "body", "full-text", "النصّ", "المحتوى"]
)
def test_names_of_the_text(key):
    (article,) = articles([{key: TEXT}])
    assert article.text == TEXT


def test_fields_in_both_languages():
    (article,) = articles(
        [
            {
                "العنوان": " عنوان\nطويل ",
                "النص": TEXT,
                "المصدر": "صوت الميناء",
                "الكاتب": "سلمى",
                "تاريخ النشر": "17 سبتمبر 2020",
                "الرابط": "https://example.org/1",
                "اللغة": "العربية",
            }
        ]
    )
    assert article.title == "عنوان طويل"
    assert article.source == "صوت الميناء"
    assert article.author == "سلمى"
    assert (article.date, article.date_kind) == ("2020-09-17", "published")
    assert article.url == "https://example.org/1"
    assert article.language == "ar"


def test_names_inside_objects_and_lists():
    (article,) = articles(
        [{"text": TEXT, "source": {"id": 1, "name": "AFP"}, "authors": [{"name": "أ"}, "ب"]}]
    )
    assert article.source == "AFP"
    assert article.author == "أ، ب"


def test_the_date_of_a_crawl_is_not_the_date_of_publication():
    crawled = {"text": TEXT, "date_extracted": "2015-08-07 06:31:17"}
    (article,) = articles([crawled])
    assert (article.date, article.date_kind) == ("2015-08-07T06:31:17", "extracted")
    (article,) = articles([{**crawled, "pubDate": "2015-08-06"}])
    assert (article.date, article.date_kind) == ("2015-08-06", "published")
    (article,) = articles([{**crawled, "text": f"4 أغسطس 2015\n{TEXT}", "date": "?"}])
    assert (article.date, article.date_kind) == ("2015-08-04", "published")


def test_a_stated_source_wins_over_the_text():
    text = "لندن (رويترز) - افتتحت المكتبة."
    assert articles([{"text": text, "source": "عكاظ"}])[0].source == "عكاظ"
    assert articles([{"text": text, "source": " "}])[0].source == "رويترز"


def test_bad_records_do_not_stop_the_rest():
    found = articles([{"content": TEXT}, {"content": " "}, 5, {"a": 1}, {"content": TEXT}])
    assert [getattr(f, "record", None) for f in found] == ["0", None, None, None, "4"]
    assert [f.error for f in found if isinstance(f, Unreadable)] == [
        "record 1: no text",
        "record 2: int instead of an object with fields",
        "record 3: no text; its fields are a",
    ]


def test_paragraphs_in_a_list_become_lines():
    assert articles([{"body": ["أول.", "ثان."]}])[0].text == "أول.\nثان."


def test_what_cannot_be_stored_is_replaced_one_for_one():
    (article,) = read_json('[{"text": "نص \\ud83d هنا\\u0000", "title": "\\udc00x"}]', PATH)
    assert article.text == "نص \ufffd هنا\ufffd"
    assert article.title == "\ufffdx"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"content": "نص"', "line 1, column"),
        ('[{"content": "نص"},\n {"content": }]', "line 2, column 14"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "cannot be read"),
        ('"نص"', "JSON of str"),
        ("[]", "no articles"),
        ('{"a": 1}', "no text; its fields are a"),
        ('{"version": "1", "data": [{"paragraphs": []}]}', "SQuAD"),
    ],
)
def test_what_cannot_be_read_is_named(text, reason):
    with pytest.raises(LoadError, match=reason):
        list(read_json(text, PATH))


def test_json_lines():
    lines = [json.dumps({"text": TEXT}), "", "{bad", json.dumps({"text": "نص\u2028ثان"})]
    found = list(read_json_lines("\r\n".join(lines), PATH))
    assert [getattr(f, "record", "-") for f in found] == ["0", "-", "2"]
    assert found[0].text == TEXT
    assert found[2].text == "نص\u2028ثان"
    assert found[1].error.startswith("record 1: not valid JSON") and "line 3" in found[1].error


def test_telling_json_lines_from_json():
    assert is_json_lines('{"a": 1}\n{"a": 2}\n')
    assert not is_json_lines('{"a": 1}')
    assert not is_json_lines('{\n"a": 1}')
    assert not is_json_lines('[{"a": 1},\n{"a": 2}]')


def test_telling_articles_from_text():
    assert looks_like_articles('{"text": "نص"}')
    assert looks_like_articles('{"text": "نص"}\n{"text": "نص"}')
    assert looks_like_articles('{"articles": [{"text": "نص"}]}')
    assert not looks_like_articles('{"a": 1}')
    assert not looks_like_articles("[مصدر] قال")
    assert not looks_like_articles("[1, 2]")
    assert not looks_like_articles("نص")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables(delimiter):
    row = delimiter.join(["title", "content", "date"])
    text = f'{row}\r\nعنوان{delimiter}"سطر، أول\nقال ""نعم"""{delimiter}2020-09-17\r\n\r\n'
    (article,) = read_table(text, PATH)
    assert article.record == "0"
    assert article.title == "عنوان"
    assert article.text == 'سطر، أول\nقال "نعم"'
    assert article.date == "2020-09-17"


def test_a_long_field_of_a_table():
    (article,) = read_table("content\n" + "ا" * 200_000, PATH)
    assert len(article.text) == 200_000


def test_a_table_without_text_is_named():
    with pytest.raises(LoadError, match="found: a, b"):
        list(read_table("a,b\n1,2\n", PATH))
    with pytest.raises(LoadError, match="no articles"):
        list(read_table("title,content\n", PATH))
    short = list(read_table("title,content\nعنوان\n", PATH))
    assert [f.error for f in short] == ["record 0: no text; its fields are title"]
