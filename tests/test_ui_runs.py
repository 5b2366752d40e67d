"""Questions in flight: streamed, stopped, failed, replaced."""

from __future__ import annotations

import threading
import time

import pytest
from scripted import ScriptedAssistant, scripted_desk

from models.protocols import ModelError
from ui.chat import ask, history
from ui.conversations import Rated
from ui.runs import Run, Runs


def test_events_come_in_order_and_end() -> None:
    assert [e for e in Run(lambda cancel: iter("abc")).events()] == ["a", "b", "c"]


def test_a_silent_stream_ticks() -> None:
    release = threading.Event()

    def stream(cancel):
        release.wait(5)
        yield "late"

    events = Run(stream).events(tick=0.01)
    assert next(events) is None
    release.set()
    assert [e for e in events if e] == ["late"]


def test_an_error_of_the_stream_is_raised_where_events_are_read() -> None:
    def stream(cancel):
        yield "one"
        raise ModelError("gone")

    events = Run(stream).events()
    assert next(events) == "one"
    with pytest.raises(ModelError, match="gone"):
        list(events)


def test_leaving_the_events_cancels_the_stream() -> None:
    seen = threading.Event()

    def stream(cancel):
        yield "one"
        if cancel.wait(5):
            seen.set()

    run = Run(stream)
    events = run.events()
    next(events)
    events.close()
    assert run.join(5) and seen.is_set()


def test_a_new_question_in_the_same_tab_stops_the_one_before() -> None:
    runs = Runs()

    def stream(cancel):
        cancel.wait(5)
        yield from ()

    first, other = runs.start("a", stream), runs.start("b", stream)
    second = runs.start("a", stream)
    assert first.cancelled.is_set() and not other.cancelled.is_set()
    runs.finished("a", first)  # late, must not forget the second
    runs.stop("a")
    assert second.cancelled.is_set()
    runs.stop("b")
    assert len(runs) == 0


@pytest.fixture
def desk(tmp_path):
    desk = scripted_desk(tmp_path, ScriptedAssistant(delay=0.01))
    desk.prepare()
    assert desk.wait(10)
    return desk


def last_turn(desk, question, before=(), runs=None):
    return list(ask(desk, runs or Runs(), "tab", question, before, "en"))[-1]


def test_the_chat_shows_evidence_then_draft_then_answer(desk) -> None:
    shown = [bubbles[-1]["content"] for bubbles, _ in ask(desk, Runs(), "t", "fish", (), "en")]
    stages = [
        next(i for i, page in enumerate(shown) if mark in page)
        for mark in ("mu-status", "mu-found", "mu-draft", "mu-answer")
    ]
    assert stages == sorted(stages)
    assert "mu-draft" not in shown[-1]


def test_follow_ups_carry_the_history(desk) -> None:
    _, first = last_turn(desk, "fish market?")
    before = [Rated(first, None, "")]
    last_turn(desk, "and when?", before)
    asked = desk.assistant.asked[-1]
    assert asked["history"] == history(before)
    assert [m["role"] for m in asked["history"]] == ["user", "assistant"]


def test_stop_ends_the_answer_and_the_model(tmp_path) -> None:
    assistant = ScriptedAssistant(hold=threading.Event())
    desk = scripted_desk(tmp_path, assistant)
    desk.prepare()
    desk.wait(10)
    runs = Runs()
    stream = ask(desk, runs, "tab", "fish", (), "en")
    next(stream), next(stream)
    began = time.monotonic()
    runs.stop("tab")
    bubbles, turn = list(stream)[-1]
    assert turn.answer.reason == "cancelled" and "mu-declined" in bubbles[-1]["content"]
    assert assistant.cancelled.wait(2) and time.monotonic() - began < 2


def test_a_failing_model_is_told_and_not_remembered(desk, monkeypatch) -> None:
    def broken(*_, **__):
        raise ModelError("the model stopped <b>")
        yield

    monkeypatch.setattr(desk.assistant, "stream", broken)
    bubbles, turn = last_turn(desk, "fish")
    assert "the model stopped &lt;b&gt;" in bubbles[-1]["content"]
    assert history([Rated(turn, None, "")]) == []


def test_who_waits_is_told_how_many_are_before(tmp_path) -> None:
    desk = scripted_desk(tmp_path, ScriptedAssistant(hold=threading.Event()))
    desk.prepare()
    desk.wait(10)
    runs = Runs()
    for other in ("first", "second"):
        runs.start(other, lambda cancel: iter(lambda: cancel.wait(10) or None, None))
    shown = []
    for bubbles, _ in ask(desk, runs, "mine", "fish", (), "en"):
        shown.append(bubbles[-1]["content"])
        if "Waiting: 2 ahead of you" in shown[-1]:
            runs.stop("first")
        if "Waiting: 1 ahead of you" in shown[-1]:
            runs.stop("mine")
    runs.stop("second")
    assert any("Waiting: 2 ahead" in page for page in shown)
    assert "Stopped before" in shown[-1]


def test_the_log_never_holds_a_question(desk, monkeypatch, caplog) -> None:
    def broken(question, **_):
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(desk.assistant, "stream", broken)
    last_turn(desk, "a very secret question")
    assert caplog.records and "secret" not in caplog.text
