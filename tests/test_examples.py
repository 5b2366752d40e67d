"""The samples and the made-up news: readable, and questions whose quotes stand in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.decision import UNREAD
from benchmarks.reading_examples import MADE_UP_LONG
from benchmarks.retrieval import MADE_UP
from rag.evaluation.matching import unmet_groups
from rag.evaluation.questions import load_questions
from rag.excerpts import find_words
from rag.language import in_script_of
from rag.loaders import find_files, load
from vectorstore.arabic import fold
from vectorstore.types import Article

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def read(folder: Path) -> list[Article]:
    """The articles of a folder, in which nothing is unreadable."""
    items = [item for file in find_files([folder]) for item in load(file)]
    assert [item for item in items if not isinstance(item, Article)] == []
    return items


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return read(EXAMPLES / "articles")


@pytest.fixture(scope="module")
def questions():
    return load_questions(EXAMPLES / "questions.jsonl").questions


@pytest.fixture(scope="module")
def calibration():
    return load_questions(EXAMPLES / "calibration.jsonl").questions


@pytest.fixture(scope="module")
def made_up():
    return load_questions(MADE_UP / "questions.jsonl").questions


@pytest.fixture(scope="module")
def unread():
    return load_questions(UNREAD / "questions.jsonl").questions


@pytest.fixture(scope="module")
def made_up_long():
    return load_questions(MADE_UP_LONG / "questions.jsonl").questions


@pytest.fixture(params=["questions", "calibration", "made_up", "made_up_long", "unread"])
def each_set(request):
    return request.getfixturevalue(request.param)


def test_thirty_articles_a_quarter_of_them_english(articles):
    assert Counter(article.language for article in articles) == {"ar": 22, "en": 8}


def test_every_format_is_there(articles):
    formats = {Path(article.path).suffix for article in articles}
    assert formats == {".txt", ".md", ".html", ".json", ".jsonl", ".csv", ".docx", ".pdf"}


def test_every_article_is_labelled_a_sample(articles):
    for article in articles:
        assert article.source, article.path
        assert fold(article.source).startswith(("مثال مستند", "mustanad example")), (
            article.path,
            article.source,
        )


def test_news_of_the_town_is_labelled_fiction(articles):
    town = [a for a in articles if "سنديانة البحر" in a.text or "Sindyanat al-Bahr" in a.text]
    assert len(town) == 22
    for article in town:
        assert fold("الخيالية") in fold(article.source) or "fictional" in article.source


def test_structured_formats_carry_a_title_and_a_date(articles):
    for article in articles:
        if Path(article.path).name.startswith("town-") and article.path.endswith(
            (".md", ".html", ".json", ".csv")
        ):
            assert article.title and re.fullmatch(r"2025-\d\d-\d\d", article.date), article.path


def test_forty_questions_in_both_languages_of_every_type(questions):
    assert [q.id for q in questions] == [f"ex{n:03}" for n in range(1, 41)]
    assert Counter(q.lang for q in questions) == {"ar": 27, "en": 13}
    assert {q.type for q in questions} == {
        *("fact", "number", "attribution", "list", "multi", "paraphrase"),
        *("unanswerable", "false_premise", "followup"),
    }


def test_every_quote_stands_in_its_article(articles, each_set):
    texts: dict[str, list[str]] = {}
    made_up = [a for folder in (MADE_UP, MADE_UP_LONG, UNREAD) for a in read(folder / "articles")]
    for article in [*articles, *made_up]:
        texts.setdefault(Path(article.path).name, []).append(article.text)
    for question in each_set:
        for evidence in question.evidence:
            assert any(evidence.quote in text for text in texts[evidence.doc]), (
                question.id,
                evidence,
            )


def test_answerable_questions_have_gold_and_the_others_none(each_set):
    for question in each_set:
        gold = (question.answers, question.must_include, question.evidence)
        assert all(gold) if question.type != "unanswerable" else not any(gold), question.id
        assert bool(question.history) == (question.type == "followup")


def test_gold_answers_meet_their_own_conditions(each_set):
    for question in each_set:
        for answer in question.answers:
            assert unmet_groups(answer, question.must_include) == [], question.id


def test_half_of_the_calibration_has_no_answer(calibration):
    counts = Counter((q.lang, q.answerable) for q in calibration)
    assert set(counts.values()) == {28} and len(counts) == 4


ENCYCLOPAEDIC = {"cul", "geo", "his", "nat"}


def test_the_made_up_news_is_asked_as_often_for_what_it_does_not_tell(made_up):
    counts = Counter((q.id[:3] in ENCYCLOPAEDIC, q.lang, q.answerable) for q in made_up)
    assert counts == {
        **{(False, "ar", told): 648 for told in (True, False)},
        **{(False, "en", told): 296 for told in (True, False)},
        (True, "ar", True): 240,
        (True, "ar", False): 80,
        (True, "en", True): 120,
        (True, "en", False): 40,
    }
    readme = (MADE_UP / "README.md").read_text(encoding="utf-8")
    for count in (len(read(MADE_UP / "articles")), len(made_up), 1616, 752):
        assert f"{count:,}" in readme


@pytest.mark.parametrize(("folder", "of_each"), [(MADE_UP_LONG, 240), (UNREAD, 270)])
def test_half_of_the_questions_have_no_answer(folder, of_each):
    questions = load_questions(folder / "questions.jsonl").questions
    counts = Counter((q.lang, q.answerable) for q in questions)
    assert set(counts.values()) == {of_each} and len(counts) == 4
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for count in (len(read(folder / "articles")), len(questions)):
        assert f"{count:,}" in readme


def test_what_no_head_has_read_is_of_other_articles(made_up, made_up_long, unread):
    trained = [*made_up, *made_up_long]
    assert not {q.id[:3] for q in trained} & {q.id[:3] for q in unread}
    assert not {e.doc for q in trained for e in q.evidence} & {
        e.doc for q in unread for e in q.evidence
    }


@pytest.mark.parametrize(("folder", "least"), [(MADE_UP, 600), (MADE_UP_LONG, 400)])
def test_the_made_up_answers_have_words_to_point_to(folder, least):
    """The answering words of Arabic, which the heads that point to them are trained on."""
    texts = {Path(article.path).name: article.text for article in read(folder / "articles")}
    pointed = [
        (q, q.answers[-1])
        for q in load_questions(folder / "questions.jsonl").questions
        if q.answerable and (q.lang == "ar" or in_script_of(q.answers[-1], "ar"))
    ]
    held = [find_words(words, texts[q.evidence[0].doc]) is not None for q, words in pointed]
    assert len(pointed) > least and sum(held) / len(held) > 0.9


def test_readme_counts_them_right(articles, questions, calibration):
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"{len(articles)} short articles" in readme
    assert f"{len(questions)} questions" in readme
    assert f"{len(calibration)} more" in readme


def test_no_address_and_no_quotation_marks_around_real_peoples_words(articles):
    for article in articles:
        assert article.url is None
        if Path(article.path).name.startswith("diplomacy-"):
            assert not re.search(r"[«»“”\"]", article.text), article.path


@pytest.mark.parametrize(
    "path",
    [
        *sorted(EXAMPLES.glob("*.jsonl")),
        MADE_UP / "questions.jsonl",
        MADE_UP_LONG / "questions.jsonl",
        UNREAD / "questions.jsonl",
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_questions_are_json_lines_without_escapes(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(json.dumps(json.loads(line), ensure_ascii=False) == line for line in lines)
