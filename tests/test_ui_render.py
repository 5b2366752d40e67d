"""Answers and articles as HTML: the right words marked, everything escaped."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from scripted import HOSTILE, ScriptedAssistant, sample_articles

from rag.answer import Answer, AnswerReady, AnswerSentence
from ui.desk import Preparation, Step
from ui.preparing import preparing_html
from ui.reader import article_html, missing_html
from ui.render import answer_html, failure_html, found_html, pending_html, question_html
from ui.texts import LANGUAGES, choose_language, text, translations

VOID = {"br", "img", "progress"}
KNOWN_TAGS = set(
    "a article bdi br button details div h2 h4 header li mark ol p progress section span strong "
    "summary ul".split()
)


class Tree(HTMLParser):
    """Collects tags, attributes and the text inside ``mark``; checks that tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.marked = ""
        self.words = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or tag == "progress":
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.words += data
        if "mark" in self.open:
            self.marked += data

    def of(self, css_class: str) -> list[dict]:
        return [a for _, a in self.tags if css_class in (a.get("class") or "").split()]


def answer_to(question: str) -> Answer:
    events = list(ScriptedAssistant(delay=0).stream(question))
    assert isinstance(events[-1], AnswerReady)
    return events[-1].answer


def assert_harmless(page: str) -> None:
    """Only the page's own tags, no handlers, styles, forms, images or foreign addresses."""
    tree = Tree(page)
    assert {tag for tag, _ in tree.tags} <= KNOWN_TAGS
    for _, attributes in tree.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert not (attributes.get("href") or "").strip().lower().startswith(("javascript", "data"))
    assert not any(c in page for c in "{}`$\n\u202e")


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_text_does_nothing_anywhere(language) -> None:
    assistant = ScriptedAssistant(delay=0)
    answer = answer_to("hostile?")
    declined = replace(answer, answered=False, reason="unsupported")
    article = assistant.article("hostile")
    for page in (
        answer_html(answer, language, sample=True, key='"><script>'),
        answer_html(declined, language, key=HOSTILE),
        question_html(HOSTILE, language, HOSTILE),
        failure_html(HOSTILE, language),
        found_html(answer.evidence, language),
        pending_html(None, HOSTILE, "", language, sample=False),
        article_html("hostile", article, 20, 60, language, sample=True),
        preparing_html(
            Preparation((Step("weights", "failed", 0.5, HOSTILE),), error=HOSTILE), language
        ),
        missing_html(language),
    ):
        assert_harmless(page)


def test_an_article_without_a_web_address_has_no_link() -> None:
    article = sample_articles()["hostile"]
    assert not [a for tag, a in Tree(article_html("h", article, 0, 0, "en")).tags if tag == "a"]


def test_the_reader_marks_exactly_the_cited_words() -> None:
    answer = answer_to("كم كلفة الرصيف؟")
    article = sample_articles()["port"]
    for citation in answer.citations:
        page = article_html("port", article, citation.start, citation.end, "ar")
        assert Tree(page).marked == citation.quote


def test_a_span_over_two_paragraphs_is_marked_in_both() -> None:
    article = sample_articles()["fish"]
    start, end = article.text.index("in April"), article.text.index("director")
    page = Tree(article_html("fish", article, start, end, "en"))
    assert page.marked == "in April.Its "


@pytest.mark.parametrize(("start", "end"), [(-5, 0), (10, 5), (10**6, 10**7)])
def test_an_impossible_span_marks_nothing(start: int, end: int) -> None:
    page = Tree(article_html("fish", sample_articles()["fish"], start, end, "en"))
    assert page.marked == ""
    assert "310 tonnes" in page.words


def test_each_paragraph_has_its_own_direction() -> None:
    article = replace(sample_articles()["port"], text="CGTN العربية تنشر الخبر.\nAll in English.")
    ways = [
        a["dir"]
        for tag, a in Tree(article_html("p", article, 0, 0, "ar")).tags
        if tag == "p" and "dir" in a
    ]
    assert ways == ["rtl", "ltr"]


def test_chips_point_to_their_citations_in_reading_order() -> None:
    answer = answer_to("كم كلفة الرصيف؟")
    chips = Tree(answer_html(answer, "ar")).of("mu-chip")
    assert [c["href"] for c in chips] == [
        f"?article={c.article_id}&start={c.start}&end={c.end}" for c in answer.citations
    ]


def test_a_chip_stays_with_the_last_word_and_the_bold_words_stay_whole() -> None:
    answer = answer_to("fish")
    (only,) = answer.sentences
    for short in (None, "310 tonnes", "in April.", "April.", only.text):
        page = answer_html(replace(answer, short=short), "en")
        shown = Tree(page[page.index('<span class="mu-sentence">') : page.index("</p></div>")])
        assert " ".join(shown.words.split()).startswith(only.text + "[1]")
        assert short is None or f"<strong>{short}</strong>" in page


def test_markers_in_the_words_are_not_shown_twice() -> None:
    answer = answer_to("كم كلفة الرصيف؟")
    first = replace(answer.sentences[0], text=answer.sentences[0].text + " [1]")
    page = answer_html(replace(answer, sentences=(first,), text=first.text), "ar")
    paragraph = page[: page.index("mu-sources")]
    assert paragraph.count("[1]") == 1


def test_the_short_answer_is_bold_and_only_once() -> None:
    assert (
        answer_html(answer_to("كم كلفة الرصيف؟"), "ar").count("<strong>12.5 مليون دينار</strong>")
        == 1
    )


def test_a_short_answer_that_the_sentences_lack_leads_them() -> None:
    page = answer_html(replace(answer_to("fish"), short="p"), "en")  # "p" is also a tag's name
    assert page.index("<strong>p</strong>") < page.index("The fish market") or "<strong>p" in page
    absent = answer_html(replace(answer_to("fish"), short="three hundred"), "en")
    assert absent.index("three hundred") < absent.index("The fish market")


def test_unverified_sentences_say_so() -> None:
    page = answer_html(answer_to("كم كلفة الرصيف؟"), "en")
    assert page.count("mu-unverified") == 1 and text("unverified", "en") in page


def test_samples_are_labelled_in_every_citation() -> None:
    answer = answer_to("كم كلفة الرصيف؟")
    page = Tree(answer_html(answer, "en", sample=True))
    # each citation in its chip's card and in the sources, each evidence sentence once
    assert len(page.of("mu-sample")) == 2 * len(answer.citations) + len(answer.evidence)
    assert not Tree(answer_html(answer, "en")).of("mu-sample")


def test_a_decline_offers_the_nearest_articles_once_each() -> None:
    answer = answer_to("who won?")
    twice = replace(answer, passages=answer.passages * 2)
    page = Tree(answer_html(twice, "en"))
    assert page.of("mu-declined") and not page.of("mu-answer")
    assert len(page.of("mu-found-item")) == 2


def test_sentences_keep_their_lines() -> None:
    lines = ("- one", "- two")
    answer = replace(
        answer_to("fish"),
        short=None,
        text="\n".join(lines),
        sentences=tuple(AnswerSentence(line, (1,), True, 1.0) for line in lines),
    )
    page = answer_html(answer, "en")
    assert page[: page.index("mu-sources")].count("<p ") == 2


def test_every_word_has_both_languages() -> None:
    words = translations()
    assert words["ar"].keys() == words["en"].keys()
    assert all(words[code][key] for code in LANGUAGES for key in words[code])


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "expected"),
    [
        ("en", "ar", "ar", "en"),
        (None, "en", "ar", "en"),
        (None, None, "en-GB,ar;q=0.5", "en"),
        (None, None, "fr", "ar"),
        ("xx", "yy", None, "ar"),
    ],
)
def test_the_address_beats_the_cookie_beats_the_browser(query, cookie, accept, expected) -> None:
    assert choose_language(query, cookie, accept) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_the_model_failed_is_said_beside_the_quotes(language) -> None:
    quoted = replace(answer_to("fish"), path="quoted", model_error="it <b>crashed</b>")
    page = answer_html(quoted, language)
    assert "it &lt;b&gt;crashed&lt;/b&gt;" in page
    assert text("quoted", language) not in page
    assert text("quoted", language) in answer_html(replace(quoted, model_error=None), language)
