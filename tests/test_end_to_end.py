"""The whole path with the real weights, as a user takes it: the command line, then Python."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mustanad import Assistant

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "articles"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("weights")]


def mustanad(home: Path, *arguments: str, expect: int = 0) -> dict:
    """Run a command with ``--json`` in a process of its own; the document it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "mustanad", "--home", str(home), *arguments, "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=home.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == expect, done.stderr
    return json.loads(done.stdout)


def check_citations(answer: dict, text_of) -> None:
    """Citations are numbered as the sentences use them, and every quote slices exactly."""
    assert answer["citations"]
    numbers = {c["n"] for c in answer["citations"]}
    assert {n for s in answer["sentences"] for n in s["citations"]} == numbers
    for citation in answer["citations"]:
        text = text_of(citation["article_id"])
        assert text[citation["start"] : citation["end"]] == citation["quote"]


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    """A data folder that holds the samples."""
    home = tmp_path_factory.mktemp("examples") / "home"
    report = mustanad(home, "ingest", str(EXAMPLES))
    assert (report["added"], report["skipped"]) == (30, [])
    assert report["embedded_texts"] > 0
    return home


def test_the_data_folder_is_for_its_owner_alone(examples):
    assert stat.S_IMODE(examples.stat().st_mode) == 0o700


def test_a_second_ingest_embeds_nothing_and_is_quick(examples):
    started = time.monotonic()
    report = mustanad(examples, "ingest", str(EXAMPLES))
    assert time.monotonic() - started < 5
    assert (report["unchanged"], report["added"], report["embedded_texts"]) == (30, 0, 0)


def test_an_arabic_question_about_the_town(examples):
    answer = mustanad(examples, "ask", "كم تبلغ موازنة المجلس البلدي في سنديانة البحر لعام 2025؟")
    assert answer["answered"] and answer["language"] == "ar"
    assert "312" in answer["answer"]
    check_citations(answer, lambda i: mustanad(examples, "show", i)["text"])
    cited = answer["citations"][0]
    assert Path(cited["path"]).name == "town-budget.txt"
    assert cited["source"].startswith("مثال مستند")  # labelled a sample


def test_an_english_question_about_the_town(examples):
    answer = mustanad(examples, "ask", "Which contractor is building the east quay?")
    assert answer["answered"] and answer["language"] == "en"
    assert "Blue Anchor" in answer["answer"]
    assert Path(answer["citations"][0]["path"]).name == "town-east-quay.md"


def test_search_filters_by_language_and_date(examples):
    found = mustanad(
        examples, "search", "the storm", "--article-lang", "ar", "--from", "2025-10-20"
    )
    assert Path(found["evidence"][0]["path"]).name == "town-storm.txt"
    assert all(e["date"] >= "2025-10-20" for e in found["evidence"])


def test_what_the_archive_does_not_say_is_declined(examples):
    answer = mustanad(examples, "ask", "من نال جائزة نوبل في الفيزياء عام 1921؟")
    assert not answer["answered"] and answer["reason"]
    assert answer["path"] == "declined" and answer["citations"] == []


def test_the_shared_corpus_as_a_user_asks_it(shared, tmp_path):
    home = tmp_path / "home"
    assert mustanad(home, "ingest", str(shared / "corpus"))["added"] == 5
    assert mustanad(home, "ingest", str(shared / "corpus"))["embedded_texts"] == 0

    with Assistant.open(home, read_only=True) as assistant:

        def ask(question: str) -> dict:
            return assistant.ask(question).to_dict()

        def text_of(article_id: str) -> str:
            return assistant.article(article_id).text

        arabic = ask("كم بلغ حجم التجارة الثنائية بين الصين وروسيا في الأشهر الأربعة الأولى؟")
        english = ask(
            "How much was bilateral trade between China and Russia in the first four months?"
        )
        for answer, words in ((arabic, ("40", "مليار")), (english, ("40", "billion"))):
            assert answer["answered"], answer
            assert all(word in answer["answer"] for word in words), answer["answer"]
            check_citations(answer, text_of)
            assert any("40 مليار دولار" in c["quote"] for c in answer["citations"])

        for question in (
            "من فاز بكأس العالم لكرة القدم عام 2018؟",
            "Who won the 2018 football World Cup?",
        ):
            declined = ask(question)
            assert not declined["answered"] and declined["citations"] == [], declined
