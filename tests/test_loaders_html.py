from __future__ import annotations

from pathlib import Path

import pytest

from rag.loaders.common import LoadError
from rag.loaders.html import read_html

PATH = Path("/x.html")
FIRST = "افتتحت بلدية واحة النور صباح الأحد مكتبة عامة جديدة قرب الميناء، بحضور عدد كبير من السكان."
SECOND = "وقالت المديرة سلمى الحداد إن المكتبة تضم ٤٥٠٠ كتاب وستعمل من الساعة 9:30 كل صباح؟"


def page(body: str = "", head: str = "") -> bytes:
    return (
        '<!DOCTYPE html><html lang="ar" dir="rtl"><head><meta charset="utf-8">'
        f"<title>افتتاح مكتبة الميناء</title>{head}</head><body><nav><a href=/>الرئيسية</a></nav>"
        f"<article><h1>افتتاح مكتبة الميناء</h1><p>{FIRST}</p>{body}<p>{SECOND}</p></article>"
        "<footer>جميع الحقوق محفوظة</footer></body></html>"
    ).encode()


def read(data: bytes):
    (article,) = read_html(data, PATH)
    return article


def test_the_text_of_the_article():
    article = read(page())
    assert FIRST in article.text and SECOND in article.text
    assert "الرئيسية" not in article.text and "الحقوق" not in article.text
    assert article.title == "افتتاح مكتبة الميناء"
    assert article.language == "ar"


def test_the_declared_charset():
    data = page().decode().replace("٤٥٠٠", "4500")  # Windows-1256 has no Arabic-Indic digits
    data = data.replace('charset="utf-8"', 'charset="windows-1256"').encode("cp1256")
    assert FIRST in read(data).text


@pytest.mark.parametrize(
    "hidden",
    [
        "<p style='display:none'>سرّ</p>",
        "<p style='color:red; DISPLAY : NONE !important'>سرّ</p>",
        "<p style='visibility:hidden'>سرّ</p>",
        "<span style='font-size:0px'>سرّ</span>",
        "<p style='opacity:0'>سرّ</p>",
        "<p style='position:absolute;left:-9999px'>سرّ</p>",
        "<p hidden>سرّ</p>",
        "<div aria-hidden='true'><p>سرّ</p></div>",
        "<!-- سرّ -->",
        "<script>سرّ</script>",
        "<script type='text/template'>سرّ</script>",
        "<template><p>سرّ</p></template>",
        "<noscript><p>سرّ</p></noscript>",
        "<style>سرّ</style>",
        "<p class='x sr'>سرّ</p><style>.a, .sr { display: none }</style>",
        "<p id='sr'>سرّ</p><style>/* c */ #sr{font-size:0}</style>",
    ],
)
def test_hidden_text_never_reaches_the_article(hidden):
    for position in (hidden, f"<p>{FIRST} {hidden} {SECOND}</p>"):
        article = read(page(position))
        assert "سرّ" not in article.text
        assert FIRST in article.text and SECOND in article.text


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='font-size:0.9em'>علنٌ واضح للجميع في هذه المدينة الصغيرة.</p>",
        "<p style='opacity:0.9'>علنٌ واضح للجميع في هذه المدينة الصغيرة.</p>",
        "<style>@media print { .m { display:none } }</style>"
        "<p class=m>علنٌ واضح للجميع في هذه المدينة الصغيرة.</p>",
        "<style>.m .n { display:none }</style>"
        "<p class=n>علنٌ واضح للجميع في هذه المدينة الصغيرة.</p>",
    ],
)
def test_text_that_readers_see_stays(shown):
    assert "علنٌ واضح" in read(page(shown)).text


def test_text_after_hidden_elements_stays():
    assert (
        "ثم انتهى" in read(page("<p>قال <!-- x --><b hidden>سرّ</b> ثم انتهى الأمر كله.</p>")).text
    )


def test_metadata():
    article = read(
        page(
            head='<meta property="og:site_name" content="صوت الميناء">'
            '<meta property="article:published_time" content="2020-09-17T10:00:00Z">'
            '<meta name="author" content="سلمى الحداد">'
            '<link rel="canonical" href="https://harbour.example.org/news/1">'
        )
    )
    assert article.source == "صوت الميناء"
    assert (article.date, article.date_kind) == ("2020-09-17", "published")
    assert article.author == "سلمى الحداد"
    assert article.url == "https://harbour.example.org/news/1"


def test_structured_data_is_metadata_only():
    article = read(
        page(
            head='<script type="application/ld+json">{"@context":"https://schema.org",'
            '"@type":"NewsArticle","headline":"عنوان","datePublished":"2020-09-17",'
            '"publisher":{"@type":"Organization","name":"صوت الميناء"}}</script>'
        )
    )
    assert article.date == "2020-09-17"
    assert "schema" not in article.text


def test_an_old_date_in_the_text_is_not_taken_for_the_date():
    assert (
        read(page("<p>وقد تأسست المدينة في 3 مارس 1950 على يد تجار قدموا من البحر.</p>")).date
        is None
    )


def test_character_references_become_characters():
    assert "أ & ب < ج" in read(page("<p>المعادلة أ &amp; ب &lt; ج صحيحة في كل حال.</p>")).text


@pytest.mark.parametrize(
    "data",
    [
        b"<html></html>",
        b"<!doctype html><html><body><p hidden>x</p></body></html>",
        b"<html><body><script>x()</script></body></html>",
    ],
)
def test_a_page_without_text_is_named(data):
    with pytest.raises(LoadError, match="no article text|cannot be parsed"):
        read(data)


def test_a_broken_page_is_read_as_far_as_it_goes():
    assert FIRST in read(page()[:-60].replace(b"</p>", b"")).text


def test_deep_nesting_ends():
    data = b"<html><body>" + b"<div>" * 50_000 + FIRST.encode() + b"</body></html>"
    try:
        article = read(data)
    except LoadError:
        return
    assert FIRST in article.text
