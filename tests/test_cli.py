"""The command line over an assistant that answers from a table: forms, checks, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mustanad.cli as cli
from models.protocols import ModelError
from mustanad.progress import Bars
from rag.answer import (
    Answer,
    AnswerReady,
    AnswerSentence,
    Citation,
    Evidence,
    EvidenceFound,
    FoundPassage,
    OtherOutlet,
    Retrieved,
)
from vectorstore.types import Article, ArticleSummary, Filters, StoreError

ROOT = Path(cli.__file__).resolve().parent.parent
TEXT = "قال المدير إن الميناء سيفتح في مارس. وبلغت الكلفة 74 مليون دينار."
ARTICLE = Article(
    "/news/quay.txt", "", TEXT, "الرصيف", "صحيفة المرفأ", "كريم", "2025-02-03", "published"
)
QUOTE = TEXT[37:]
ORIGIN = {"title": "الرصيف", "source": "صحيفة المرفأ", "date": "2025-02-03"}
EVIDENCE = Evidence(
    "a1b2", **ORIGIN, url=None, path=ARTICLE.path, start=37, end=len(TEXT), quote=QUOTE, score=0.9
)
PASSAGE = FoundPassage("a1b2", **ORIGIN, start=0, end=len(TEXT), quote=TEXT, score=0.8)
CITATION = Citation(
    1,
    "a1b2",
    **ORIGIN,
    url=None,
    path=ARTICLE.path,
    start=37,
    end=len(TEXT),
    quote=QUOTE,
    also_in=(OtherOutlet("c3d4", "إذاعة السنديانة", "2025-02-04", None),),
)
ANSWERED = Answer(
    "كم بلغت الكلفة؟",
    "ar",
    True,
    "بلغت الكلفة 74 مليون دينار [1].",
    "74 مليون دينار",
    None,
    0.9,
    "generated",
    (AnswerSentence("بلغت الكلفة 74 مليون دينار", (1,), True, 0.97),),
    (CITATION,),
    (EVIDENCE,),
    (PASSAGE,),
)
DECLINED = Answer(
    "Who won?",
    "en",
    False,
    "The archive does not say.",
    None,
    "not_in_archive",
    0.9,
    "declined",
    passages=(PASSAGE,),
)


def summary(article_id: str, path: str, record: str = "") -> ArticleSummary:
    return ArticleSummary(
        article_id, path, record, "الرصيف", "صحيفة المرفأ", None, "2025-02-03", "published", None,
        "ar", len(TEXT),
    )  # fmt: skip


class Report:
    def __init__(self, skipped=()):
        self.skipped = list(skipped)

    def to_dict(self):
        return {
            "added": 1,
            "updated": 0,
            "unchanged": 2,
            "moved": 0,
            "skipped": self.skipped,
            "missing": ["/news/gone.txt"],
            "embedded_texts": 4,
            "seconds": 0.5,
        }


class TableAssistant:
    """Keeps what it was asked; answers what it was given."""

    def __init__(self):
        self.calls = []
        self.answer = ANSWERED
        self.skipped = ()
        self.failure: BaseException | None = None
        self.dropped_undated = 0

    def on_preparing(self, progress):
        self.preparing = progress

    def _take(self, *call):
        self.calls.append(call)
        if self.failure:
            raise self.failure

    def ingest(self, paths, *, progress, cancel):
        print("a library chatters")
        self._take("ingest", [str(p) for p in paths])
        return Report(self.skipped)

    def articles(self, filters=None):
        self._take("articles", filters)
        return [
            summary("a1b2", "/news/quay.txt"),
            summary("a1ff", "/news/many.jsonl", "0"),
            summary("c3d4", "/news/many.jsonl", "1"),
        ]

    def article(self, article_id):
        self._take("article", article_id)
        return ARTICLE

    def remove(self, article_ids):
        self._take("remove", article_ids)
        return article_ids

    def status(self):
        self._take("status")
        return {"articles": 3, "store": {"schema": 1, "embedder": None}}

    def _retrieved(self, question):
        return Retrieved(question, (EVIDENCE,), (PASSAGE,), self.dropped_undated, 12.0)

    def search(self, question, k, filters):
        self._take("search", question, k, filters)
        return self._retrieved(question)

    def stream(self, question, *, language, filters, history, cancel):
        print("a library chatters")
        self._take("stream", question, language, filters, history)
        yield EvidenceFound(self._retrieved(question))
        yield AnswerReady(self.answer)


@pytest.fixture
def assistant(monkeypatch):
    assistant = TableAssistant()

    @contextmanager
    def opened(home, *, read_only):
        assistant.calls.append(("open", home, read_only))
        yield assistant

    monkeypatch.setattr(cli, "open_assistant", opened)
    return assistant


def run(*arguments: str, env: dict[str, str] | None = None):
    return CliRunner().invoke(cli.app, list(arguments), env={"MUSTANAD_HOME": None, **(env or {})})


def document(result) -> dict:
    """All of stdout as one JSON document."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_ask_json_is_the_answers_dictionary_and_nothing_else(assistant):
    result = run("ask", "كم بلغت الكلفة؟", "--json")
    assert document(result) == json.loads(json.dumps(ANSWERED.to_dict()))
    assert "مليون" in result.stdout  # not escaped
    assert "chatters" in result.stderr


def test_ask_shows_answer_sources_quote_and_copies(assistant):
    out = run("ask", "كم بلغت الكلفة؟").stdout
    lines = [line for line in out.splitlines() if "chatters" not in line]
    assert lines == [
        "بلغت الكلفة 74 مليون دينار [1].",
        "",
        "Sources",
        "[1] صحيفة المرفأ, 2025-02-03: الرصيف",
        f"    «{QUOTE}»",
        "    article a1b2",
        "    also in: إذاعة السنديانة",
    ]


def test_a_decline_is_an_answer_and_names_what_is_near(assistant):
    assistant.answer = DECLINED
    result = run("ask", "Who won?")
    assert result.exit_code == 0
    assert "The archive does not say." in result.stdout
    assert "Nearest in the archive\n  - صحيفة المرفأ, 2025-02-03: الرصيف" in result.stdout


def test_filters_language_and_history_reach_the_assistant(assistant, tmp_path):
    turns = [{"role": "user", "content": "من؟"}, {"role": "assistant", "content": "المدير."}]
    history = tmp_path / "history.json"
    history.write_text(json.dumps(turns), encoding="utf-8")
    run(
        *("ask", "ومتى؟", "--lang", "en", "--source", "شينخوا", "--source", "CGTN"),
        *("--from", "٢٠٢٥-٠١-٠٢", "--to", "2025-12-31", "--article-lang", "AR"),
        *("--history", str(history), "--json"),
    )
    filters = Filters(("شينخوا", "CGTN"), "2025-01-02", "2025-12-31", "ar")
    assert assistant.calls[-1] == ("stream", "ومتى؟", "en", filters, turns)


def test_search(assistant):
    found = document(run("search", "الكلفة", "-k", "3", "--json"))
    assert assistant.calls[-1] == ("search", "الكلفة", 3, Filters())
    assert found["evidence"][0]["quote"] == QUOTE
    text = run("search", "الكلفة").stdout
    assert text.startswith(f"1. صحيفة المرفأ, 2025-02-03: الرصيف\n    «{QUOTE}»\n    article a1b2")


@pytest.mark.parametrize("command", ["search", "ask"])
def test_articles_without_a_date_that_a_filter_drops_are_told(assistant, command):
    assistant.dropped_undated = 5
    result = run(command, "q", "--from", "2025-01-01", "--json")
    assert "5 articles without a date" in result.stderr
    document(result)


def test_ingest_reports_and_ends_with_3_if_a_file_was_skipped(assistant, tmp_path):
    result = run("ingest", str(tmp_path), "--json")
    assert document(result)["added"] == 1
    assert assistant.calls[0] == ("open", None, False)

    assistant.skipped = [{"path": "/news/scan.pdf", "error": "no text layer"}]
    result = run("ingest", str(tmp_path))
    assert result.exit_code == 3
    assert "skipped /news/scan.pdf: no text layer" in result.stdout
    assert "/news/gone.txt" in result.stdout
    result = run("ingest", str(tmp_path), "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["skipped"] == assistant.skipped


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a1b2", "a1b2"),
        ("c3", "c3d4"),
        ("quay.txt", "a1b2"),
        ("/news/quay.txt", "a1b2"),
        ("/news/many.jsonl#1", "c3d4"),
    ],
)
def test_show_takes_an_id_its_beginning_or_a_file(assistant, wanted, found):
    shown = document(run("show", wanted, "--json"))
    assert shown == {
        "article_id": found,
        "title": "الرصيف",
        "source": "صحيفة المرفأ",
        "author": "كريم",
        "date": "2025-02-03",
        "date_kind": "published",
        "url": None,
        "path": "/news/quay.txt",
        "language": "ar",
        "text": TEXT,
    }
    assert run("show", wanted).stdout.endswith(f"\n\n{TEXT}\n")


def test_show_refuses_what_means_several_articles_or_none(assistant):
    several = run("show", "a1")
    assert several.exit_code == 2
    assert "a1b2, a1ff" in several.stderr
    assert run("show", "many.jsonl").exit_code == 2
    none = run("show", "zz")
    assert none.exit_code == 1
    assert none.stderr.startswith("mustanad: no article 'zz'")


def test_remove_takes_all_articles_of_a_file_but_no_ambiguous_beginning(assistant):
    assert run("remove", "many.jsonl", "a1b2").exit_code == 0
    assert assistant.calls[-1] == ("remove", ["a1ff", "c3d4", "a1b2"])
    assert run("remove", "a1").exit_code == 2
    assert assistant.calls[-1][0] == "articles"


def test_articles_and_status(assistant):
    listed = document(run("articles", "--source", "x", "--json"))
    assert [a["article_id"] for a in listed["articles"]] == ["a1b2", "a1ff", "c3d4"]
    assert "a1b2  2025-02-03  صحيفة المرفأ  الرصيف" in run("articles").stdout
    assert document(run("status", "--json"))["store"] == {"schema": 1, "embedder": None}
    assert run("status").stdout == "articles: 3\nstore.schema: 1\nstore.embedder: -\n"


def test_the_data_folder_comes_from_the_option_or_the_environment(assistant, tmp_path):
    run("--home", str(tmp_path), "status")
    assert assistant.calls[0] == ("open", tmp_path, True)
    assistant.calls.clear()
    run("status", env={"MUSTANAD_HOME": str(tmp_path / "other")})
    assert assistant.calls[0] == ("open", tmp_path / "other", True)


WRONG = {
    "no question": ["ask", "  "],
    "a question that is too long": ["ask", "q" * 2001],
    "no such day": ["ask", "q", "--from", "2025-02-30"],
    "not a date": ["search", "q", "--to", "yesterday"],
    "dates the wrong way round": ["ask", "q", "--from", "2025-02-02", "--to", "2025-02-01"],
    "language of the answer": ["ask", "q", "--lang", "fr"],
    "language of articles": ["ask", "q", "--article-lang", "arabic"],
    "k": ["search", "q", "-k", "0"],
    "no such file": ["ingest", "/no/such/file"],
    "eval without questions": ["eval"],
    "unknown command": ["explain"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_ends_with_2_before_anything_is_opened(assistant, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert assistant.calls == []


@pytest.mark.parametrize(
    "content",
    ["not json", '{"role": "user", "content": "x"}', '[{"role": "system", "content": "x"}]',
     '[{"role": "user"}]', '["x"]'],
)  # fmt: skip
def test_a_history_of_another_form_is_refused(assistant, tmp_path, content):
    history = tmp_path / "history.json"
    history.write_text(content, encoding="utf-8")
    result = run("ask", "q", "--history", str(history))
    assert result.exit_code == 2
    assert "expected a JSON list" in " ".join(result.stderr.replace("│", " ").split())
    assert assistant.calls == []


@pytest.mark.parametrize("error", [ModelError, StoreError, PermissionError])
def test_an_expected_error_is_one_line_on_stderr_and_1(assistant, error):
    assistant.failure = error("found this;\nexpected that")
    result = run("status", "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "mustanad: found this; expected that\n"


def test_an_unexpected_error_is_not_hidden(assistant):
    assistant.failure = ZeroDivisionError("a mistake of ours")
    assert isinstance(run("status").exception, ZeroDivisionError)


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(assistant, tmp_path):
    assistant.failure = KeyboardInterrupt()
    result = run("ingest", str(tmp_path))
    assert result.exit_code == 130
    assert "the same command goes on from there" in result.stderr


def test_ctrl_c_sets_cancel_so_that_the_work_ends_in_order(assistant, tmp_path):
    ended = []
    before = signal.getsignal(signal.SIGINT)  # ignored, where the tests run in the background

    def ingest(paths, *, progress, cancel):
        os.kill(os.getpid(), signal.SIGINT)
        ended.append(cancel.wait(5))
        return Report()

    assistant.ingest = ingest
    assert run("ingest", str(tmp_path)).exit_code == 130
    assert ended == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_first_preparation_is_announced_once(assistant):
    def search(question, k, filters):
        assistant.preparing("preparing the embedder", 0.0)
        assistant.preparing("preparing the embedder", 0.5)
        return Retrieved(question, (), ())

    assistant.search = search
    result = run("search", "q", "--json")
    assert result.stderr == "preparing the embedder …\n"
    assert document(result)["evidence"] == []


def test_a_bar_follows_phases_and_goes_to_stderr(capsys):
    bars = Bars()
    bars.show("reading", 1, 2)
    bars.show("reading", 2, 2, detail="0:01 left")
    bars.show("embedding", 5, 10)
    bars.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "reading: 100%" in captured.err
    assert "embedding:  50%" in captured.err


NOISY = r"""
import os, sys
from mustanad.terminal import output, use_utf8
use_utf8()
with output(True) as show:
    os.write(1, b"native code prints\n")
    print("python prints")
    show({"\u0643": "\udc80"}, "")
print("after")
"""


def test_json_has_stdout_to_itself_even_against_native_code_and_an_ascii_locale(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NOISY],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    written, after = done.stdout.decode("utf-8").rsplit("}", 1)
    assert json.loads(written + "}") == {"ك": "\udc80"}
    assert after == "\nafter\n"
    assert b"native code prints" in done.stderr and b"python prints" in done.stderr
