"""``mustanad models`` and ``mustanad eval``: what they pass on, print and end with."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

import models.fetch
import rag.evaluation
from models.catalogue import default_names, get_spec
from models.fetch import ModelState, PullProgress
from models.protocols import Cancelled, ModelError
from mustanad.cli import app
from rag.evaluation import EvaluationError

METRICS = {"n": 3, "intervals": {}, "answers": {"pass": 0.5}}


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def state(name: str, how: str, detail: str = "") -> ModelState:
    return ModelState(
        name, "embedder", True, how, Path("/cache") / name, 1_270_000_000, "Gemma", detail
    )


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A models folder of its own, so that nothing is noted in the user's."""
    monkeypatch.setenv("MUSTANAD_MODELS", str(tmp_path))
    monkeypatch.setenv("MUSTANAD_HOME", str(tmp_path / "home"))
    return tmp_path


def test_list_names_kind_use_state_size_and_licence(monkeypatch):
    monkeypatch.setattr(models.fetch, "states", lambda: [state("one", "ready")])
    assert run("models", "list").stdout.split() == (
        "one embedder default ready 1.27 GB Gemma".split()
    )
    [listed] = json.loads(run("models", "list", "--json").stdout)["models"]
    assert (listed["name"], listed["state"], listed["path"]) == ("one", "ready", "/cache/one")


def test_list_of_an_empty_folder_is_the_catalogue():
    listed = json.loads(run("models", "list", "--json").stdout)["models"]
    assert {m["name"] for m in listed} == set(models.catalogue.load_catalogue())
    assert {m["state"] for m in listed} == {"absent"}


def test_pull_shows_the_terms_first_notes_it_and_reports_progress(monkeypatch, folder):
    seen = {}

    def pull(names, progress, cancel):
        seen["names"] = list(names)
        seen["noted"] = sorted(p.name for p in folder.glob("*.terms.json"))
        progress(PullProgress(names[0], "wheels", 10, 20))
        progress(PullProgress(names[0], "verify", 20, 20))

    monkeypatch.setattr(models.fetch, "pull", pull)
    result = run("models", "pull")
    assert result.exit_code == 0, result.stderr
    assert seen["names"] == default_names()
    assert seen["noted"] == sorted(f"{name}.terms.json" for name in default_names())
    for name in default_names():
        assert get_spec(name).licence in result.stderr
    assert "fetching" in result.stderr and "verifying" in result.stderr
    assert "absent" in result.stdout  # what the folder really holds


def test_pull_stopped_by_ctrl_c_ends_with_130_and_says_how_to_go_on(monkeypatch):
    def pull(names, progress, cancel):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.wait(5)
        raise Cancelled

    monkeypatch.setattr(models.fetch, "pull", pull)
    result = run("models", "pull")
    assert result.exit_code == 130
    assert "the same command goes on from there" in result.stderr


def test_pull_that_fails_is_one_line(monkeypatch):
    def pull(names, progress, cancel):
        raise ModelError("expected SHA-256 aa,\nfound bb")

    monkeypatch.setattr(models.fetch, "pull", pull)
    result = run("models", "pull", "embeddinggemma-300m")
    assert result.exit_code == 1
    assert result.stderr.endswith("mustanad: expected SHA-256 aa, found bb\n")


def test_verify_ends_with_1_if_one_is_wrong(monkeypatch):
    found = [state("one", "ready"), state("two", "damaged", "expected aa, found bb")]
    monkeypatch.setattr(models.fetch, "verify", lambda names: found)
    result = run("models", "verify", "--json")
    assert result.exit_code == 1
    assert [m["state"] for m in json.loads(result.stdout)["models"]] == ["ready", "damaged"]
    assert result.stderr == "mustanad: two is damaged. expected aa, found bb\n"
    found.pop()
    assert run("models", "verify").exit_code == 0
    found.clear()
    assert "No models on this machine" in run("models", "verify").stdout


@pytest.fixture
def evaluated(monkeypatch, tmp_path):
    """The keyword arguments that ``evaluate`` was called with."""
    seen = {}

    def evaluate(questions, **options):
        seen.update(options, questions=questions)
        options["progress"]("questions", 1, 3)
        return METRICS

    monkeypatch.setattr(rag.evaluation, "evaluate", evaluate)
    monkeypatch.setattr(rag.evaluation, "summarise", lambda metrics: f"{metrics['n']} questions")
    (tmp_path / "q.jsonl").write_text("", encoding="utf-8")
    seen["file"] = str(tmp_path / "q.jsonl")
    return seen


def test_eval_passes_everything_on(evaluated, tmp_path):
    result = run(
        *("eval", evaluated["file"], "--archive", str(tmp_path), "--archive", evaluated["file"]),
        *("--out", str(tmp_path / "out"), "--retrieval-only", "--sample", "5", "--seed", "7"),
        "--json",
    )
    assert json.loads(result.stdout) == METRICS
    assert "questions:  33%" in result.stderr
    assert evaluated["archive"] == (tmp_path, Path(evaluated["file"]))
    assert evaluated["out"] == tmp_path / "out"
    assert (evaluated["retrieval_only"], evaluated["sample"], evaluated["seed"]) == (True, 5, 7)
    assert evaluated["judge"] is None
    assert evaluated["home"] == tmp_path / "home"
    assert run("eval", evaluated["file"]).stdout == "3 questions\n"


@pytest.mark.parametrize(("least", "code"), [("0.5", 0), ("0.51", 4)])
def test_eval_fail_under(evaluated, least, code):
    result = run("eval", evaluated["file"], "--fail-under", f"answers.pass={least}", "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout) == METRICS
    assert ("mustanad: answers.pass is 0.5" in result.stderr) == bool(code)


def test_eval_refuses_a_condition_that_cannot_be_read_before_it_runs(evaluated):
    result = run("eval", evaluated["file"], "--fail-under", "pass")
    assert result.exit_code == 1
    assert "expected METRIC=VALUE" in result.stderr
    assert "questions" not in evaluated


def test_eval_refuses_a_judge_elsewhere_without_consent(evaluated):
    result = run("eval", evaluated["file"], "--judge", "https://models.example/v1")
    assert result.exit_code == 1
    assert "models.example" in result.stderr
    assert "questions" not in evaluated


def test_an_error_of_the_evaluation_is_one_line(evaluated, monkeypatch):
    def evaluate(questions, **options):
        raise EvaluationError("line 3: no id")

    monkeypatch.setattr(rag.evaluation, "evaluate", evaluate)
    result = run("eval", evaluated["file"])
    assert (result.exit_code, result.stderr) == (1, "mustanad: line 3: no id\n")


def test_eval_compare(monkeypatch, tmp_path):
    seen = []

    def compare(a, b, *, out):
        seen.append((a, b, out))
        return {"better": []}

    monkeypatch.setattr(rag.evaluation, "compare", compare)
    monkeypatch.setattr(rag.evaluation, "summarise_comparison", lambda comparison: "all the same")
    assert run("eval", "--compare", "one", "two").stdout == "all the same\n"
    result = run("eval", "--compare", "one", "two", "--out", str(tmp_path / "new"), "--json")
    assert json.loads(result.stdout) == {"better": []}
    page = tmp_path / "new" / "comparison.html"
    assert page.parent.is_dir()
    assert seen == [(Path("one"), Path("two"), None), (Path("one"), Path("two"), page)]
    assert run("eval", "q.jsonl", "--compare", "one", "two").exit_code == 2
