"""Text on its way into HTML: nothing in it acts, and directions come out right."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.escape import attribute, direction, escape, paragraphs, place, shown_date, web_address

NASTY = st.text(
    alphabet=st.characters(codec="utf-8") | st.sampled_from(list("<>&\"'`${}\n\u202e\u2066"))
)


@given(NASTY)
def test_escaped_text_holds_no_markup_template_or_override(text: str) -> None:
    escaped = escape(text)
    assert "<" not in escaped.replace("<br>", "")
    assert not re.search("[\u202a-\u202e\u2066-\u2069`${}\n\"']", escaped)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cf", "Cc", "Cs"])))
def test_escaped_text_reads_back_the_same(text: str) -> None:
    assert html.unescape(escape(text)) == text


@given(NASTY, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_place_stays_inside_its_attribute_and_names_its_article(
    article_id: str, start: int, end: int
) -> None:
    found = {}

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs) -> None:
            found[tag] = dict(attrs)

    Parser().feed(f'<a href="{place(article_id, start, end)}">x</a>')
    from urllib.parse import parse_qs

    asked = parse_qs(found["a"]["href"][1:], keep_blank_values=True, encoding="utf-8")
    assert set(found) == {"a"} and set(found["a"]) == {"href"}
    assert asked["article"] == [article_id] and asked["start"] == [str(start)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("أعلنت البلدية", "rtl"),
        ("The town said", "ltr"),
        ("CGTN تقول إن المدينة افتتحت رصيفها", "rtl"),  # HTML's own "auto" turns this one around
        ("Xinhua reported from مرسى الورد today", "ltr"),
        ("12.5 %", "ltr"),
    ],
)
def test_direction_goes_by_most_letters(text: str, expected: str) -> None:
    assert direction(text) == expected


def test_a_text_without_letters_takes_the_default() -> None:
    assert direction("2024", "rtl") == "rtl"


@given(st.text(alphabet="ab \nم\r"))
def test_paragraphs_hold_every_visible_character_once(text: str) -> None:
    spans = list(paragraphs(text))
    kept = "".join(text[a:b] for a, b in spans)
    assert [c for c in kept if not c.isspace()] == [c for c in text if not c.isspace()]
    assert all("\n" not in text[a:b] and text[a:b].strip() for a, b in spans)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " JaVaScRiPt:x", "data:text/html,x", "//host/x", "x", "", None]
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert web_address(url) is None


def test_a_web_address_is_kept() -> None:
    assert web_address(" https://example.org/a ") == "https://example.org/a"


def test_dates_are_written_in_the_language_of_the_page() -> None:
    assert shown_date("2024-05-11", "en") == "11 May 2024"
    assert shown_date("2024-05-11T10:00:00", "ar") == "11 مايو 2024"
    assert shown_date("last week", "en") == "last week"
    assert shown_date(None, "en") is None


def test_an_attribute_is_one_line() -> None:
    assert attribute('a\n"b"') == "a &quot;b&quot;"
