"""The JSON that other programs rely on, from the real rooms over fake models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mustanad.cli as cli
from fakes import FakeEmbedder
from rag.assistant import Assistant
from rag.settings import Settings
from vectorstore.store import Store

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "articles"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a command over a home of its own; returns the JSON document and the exit code."""
    embedder = FakeEmbedder()

    def open_assistant(home, *, read_only):
        settings = Settings(language_model="none")
        store = Store.open(home, read_only=read_only)
        return Assistant(store, settings, embedder=lambda: embedder, language_model=None)

    monkeypatch.setattr(cli, "open_assistant", open_assistant)

    def invoke(*arguments: str):
        return CliRunner().invoke(cli.app, ["--home", str(tmp_path / "home"), *arguments])

    def run(*arguments: str) -> tuple[dict, int]:
        result = invoke(*arguments, "--json")
        assert result.stdout, (result.stderr, result.exception)
        return json.loads(result.stdout), result.exit_code

    run.embedder = embedder
    run.plain = lambda *arguments: invoke(*arguments).exit_code
    return run


@pytest.fixture
def archive(run):
    """As ``run``, with the samples ingested."""
    assert run("ingest", str(EXAMPLES))[1] == 0
    return run


def test_ingest(run, tmp_path):
    folder = tmp_path / "news"
    shutil.copytree(EXAMPLES, folder)
    (folder / "empty.txt").write_text("", encoding="utf-8")
    report, code = run("ingest", str(folder))
    assert code == 3
    assert {"added", "updated", "unchanged", "moved", "missing"} < set(report)
    assert report["added"] == 30
    assert [Path(s["path"]).name for s in report["skipped"]] == ["empty.txt"]
    assert set(report["skipped"][0]) == {"path", "error"}
    embedded = run.embedder.passages
    assert report["embedded_texts"] == embedded > 0

    (folder / "empty.txt").unlink()
    (folder / "town-budget.txt").rename(folder / "budget.txt")
    report, code = run("ingest", str(folder))
    assert code == 0
    assert (report["unchanged"], report["moved"], report["embedded_texts"]) == (29, 1, 0)
    assert run.embedder.passages == embedded


def test_search(archive):
    found, code = archive("search", "موازنة المجلس البلدي", "-k", "4")
    assert code == 0
    assert {"question", "evidence", "passages", "timings"} <= set(found)
    assert 0 < len(found["evidence"]) <= 4
    best = found["evidence"][0]
    assert {
        *("article_id", "title", "source", "date", "path", "start", "end", "quote", "score"),
    } <= set(best)
    shown, _ = archive("show", best["article_id"])
    assert shown["text"][best["start"] : best["end"]] == best["quote"]


def test_show(archive):
    shown, _ = archive("show", "town-marine-college.md")
    assert list(shown) == [
        *("article_id", "title", "source", "author", "date", "date_kind"),
        *("url", "path", "language", "text"),
    ]
    assert shown["author"] == "سلمى الورّاق"
    assert shown["text"].lstrip().startswith("افتتحت جامعة")


def test_ask(archive):
    answer, code = archive("ask", "كم تبلغ موازنة المجلس البلدي في سنديانة البحر؟")
    assert code == 0
    assert list(answer) == [
        *("question", "language", "answered", "answer", "short", "reason", "confidence", "path"),
        *("sentences", "citations", "evidence", "passages", "timings", "models"),
    ]
    assert set(answer["timings"]) == {"retrieve_ms", "first_token_ms", "total_ms"}
    assert set(answer["models"]) == {"embedder", "llm"}
    assert 0 <= answer["confidence"] <= 1
    assert answer["answered"] == (answer["reason"] is None)
    for citation in answer["citations"]:
        assert set(citation) == {
            *("n", "article_id", "title", "source", "date", "url", "path"),
            *("start", "end", "quote", "also_in"),
        }


def test_ask_of_an_empty_archive_is_a_decline(run, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    run("ingest", str(folder))
    answer, code = run("ask", "من؟")
    assert code == 0
    assert (answer["answered"], answer["reason"]) == (False, "empty_archive")


def test_filters_of_the_list(archive):
    listed, _ = archive("articles", "--source", "Harbour Gazette")
    assert len(listed["articles"]) == 5
    listed, _ = archive("articles", "--from", "2025-11-01", "--to", "2025-11-30")
    assert [a["date"] for a in listed["articles"]] == ["2025-11-20", "2025-11-08", "2025-11-04"]


def test_remove_purges_an_article(archive):
    question = "عاصفة تغلق الميناء"
    found, _ = archive("search", question)
    assert Path(found["evidence"][0]["path"]).name == "town-storm.txt"
    assert archive.plain("remove", "town-storm.txt") == 0
    found, _ = archive("search", question, "-k", "50")
    assert "town-storm.txt" not in {Path(e["path"]).name for e in found["evidence"]}
    assert archive.plain("remove", "town-storm.txt") == 1
