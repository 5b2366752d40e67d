"""The child process that owns the language model: turns, cancelling, crashes, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from models.protocols import LLAMA_CPP, Cancelled, Message, ModelError
from models.worker import WorkerLanguageModel

ROOT = Path(__file__).parent.parent


def worker(**options) -> WorkerLanguageModel:
    return WorkerLanguageModel(
        "fakes_engine:make",
        options,
        name="obedient",
        identity="x",
        capabilities=LLAMA_CPP,
        context_tokens=4096,
    )


@pytest.fixture
def model(tmp_path):
    made = worker(starts=str(tmp_path / "starts"))
    made.starts = lambda: [int(pid) for pid in (tmp_path / "starts").read_text().split()]
    yield made
    made.close()


def say(model, order: str, **options) -> str:
    return "".join(model.generate([Message("user", order)], **options))


def gone(pid: int, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_pieces_arrive_as_they_are_and_in_order(model):
    pieces = list(model.generate([Message("user", "say أربعون| مليار|\n\ud83d")]))
    assert pieces == ["أربعون", " مليار", "\n\ud83d"]


def test_all_options_reach_the_engine(model):
    options = dict(constant=1, prefill="p", stop=("a", "b"), grammar="g")
    heard = say(model, "options", **options)
    assert heard == repr({"constant": 1, "prefill": "p", "stop": ["a", "b"], "grammar": "g"})


def test_the_other_calls(model):
    prompt = [Message("user", "x")]
    assert model.next_token_probabilities(prompt, ["a", "b"]) == {"a": 1.0, "b": 0.5}
    found = model.token_states("one three", opening="<>", before="abc", layer=7)
    assert found.states.tolist() == [[7, 2, 3, 3], [7, 2, 3, 5]] and found.ends == (1, 2)
    assert found.states.dtype == "float32"
    assert model.prepare(prompt) is None
    assert model.count_tokens("three small words") == 3
    assert model.context_tokens == 123  # what the engine says counts
    assert len(model.starts()) == 1


def test_nothing_starts_before_it_is_needed(tmp_path):
    made = worker(starts=str(tmp_path / "starts"))
    made.close()
    assert not (tmp_path / "starts").exists()


def test_calls_take_turns_and_the_line_is_counted(model):
    model.load()
    finished = []

    def ask(name: str, count: int) -> None:
        say(model, "count", max_tokens=count)
        finished.append(name)

    first = threading.Thread(target=ask, args=("first", 10))
    first.start()
    while model.queued() != 1:
        time.sleep(0.01)
    others = []
    for place, name in enumerate(("second", "third"), start=2):
        others.append(threading.Thread(target=ask, args=(name, 1)))
        others[-1].start()
        while model.queued() != place:
            time.sleep(0.01)
    assert model.count_tokens("not in line") == 3
    assert finished == []
    for thread in (first, *others):
        thread.join()
    assert finished == ["first", "second", "third"]
    assert model.queued() == 0


def test_a_slow_reader_does_not_hold_up_the_next(model):
    pieces = model.generate([Message("user", "count")], max_tokens=3)
    assert next(pieces) == "0"
    assert say(model, "say next") == "next"
    assert list(pieces) == ["1", "2"]


def test_cancelling_under_way_frees_the_model_at_once(model):
    cancel = threading.Event()
    pieces = model.generate([Message("user", "count")], max_tokens=1000, cancel=cancel)
    next(pieces)
    cancel.set()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        list(pieces)
    assert say(model, "say free") == "free"
    assert time.monotonic() - start < 1
    assert len(model.starts()) == 1


def test_cancelling_in_line_leaves_the_line(model):
    first = model.generate([Message("user", "count")], max_tokens=40)
    next(first)
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        say(model, "say never", cancel=cancel)
    assert time.monotonic() - start < 1
    assert model.queued() == 1
    first.close()


def test_leaving_a_stream_stops_its_generation(model):
    pieces = model.generate([Message("user", "count")], max_tokens=1000)
    next(pieces)
    pieces.close()
    start = time.monotonic()
    assert say(model, "say free") == "free"
    assert time.monotonic() - start < 1


def test_an_engine_that_ignores_cancelling_is_killed(model, monkeypatch):
    monkeypatch.setattr("models.worker_child.CANCEL_GRACE_S", 0.3)
    cancel = threading.Event()
    pieces = model.generate([Message("user", "hang")], cancel=cancel)
    next(pieces)
    cancel.set()
    with pytest.raises(Cancelled):
        list(pieces)
    assert say(model, "say again") == "again"
    assert len(model.starts()) == 2


@pytest.mark.parametrize(("order", "words"), [("crash", "GGML_ASSERT"), ("killed", "memory")])
def test_a_crash_costs_one_answer(model, order, words):
    with pytest.raises(ModelError, match=words):
        say(model, order)
    assert say(model, "say again") == "again"
    assert len(model.starts()) == 2


def test_a_crash_between_calls_costs_nothing(model):
    assert say(model, "say one") == "one"
    os.kill(model.starts()[0], 9)
    assert gone(model.starts()[0])
    assert say(model, "say two") == "two"


def test_a_call_that_was_not_taken_up_is_given_to_the_next_process(model):
    assert say(model, "say one") == "one"
    os.kill(model.starts()[0], signal.SIGSTOP)  # it cannot take the call up
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(say(model, "say two")))
    waiting.start()
    while model.queued() != 1:
        time.sleep(0.01)
    time.sleep(0.1)  # the call is sent
    os.kill(model.starts()[0], signal.SIGKILL)
    waiting.join(10)
    assert heard == ["two"]


def test_an_abandoned_call_that_was_not_taken_up_does_not_block_the_line(model):
    assert say(model, "say one") == "one"
    os.kill(model.starts()[0], signal.SIGSTOP)
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with pytest.raises(Cancelled):
        say(model, "say two", cancel=cancel)
    os.kill(model.starts()[0], signal.SIGKILL)
    assert say(model, "say three") == "three"


def test_calls_in_line_survive_a_crash(model):
    hanging = model.generate([Message("user", "hang")])
    next(hanging)
    heard = []
    waiting = threading.Thread(target=lambda: heard.append(say(model, "say survived")))
    waiting.start()
    while model.queued() != 2:
        time.sleep(0.01)
    os.kill(model.starts()[0], 9)
    with pytest.raises(ModelError):
        list(hanging)
    waiting.join(10)
    assert heard == ["survived"]


def test_errors_of_the_engine_are_passed_on_and_it_goes_on(model, capfd):
    with pytest.raises(ModelError, match="too long: 9 of 5 tokens"):
        say(model, "refuse")
    with pytest.raises(ModelError, match="KeyError"):
        say(model, "bug")
    assert say(model, "noise") == "heard"
    assert len(model.starts()) == 1
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_load_says_why_each_time():
    made = worker(fails="bad.gguf is damaged; fetch it again")
    for _ in range(2):
        with pytest.raises(ModelError, match="^bad.gguf is damaged; fetch it again$"):
            made.load()
    assert made.queued() == 0
    made.close()


def test_a_worker_that_cannot_start_says_why():
    made = WorkerLanguageModel(
        "fakes_engine:nothing",
        {},
        name="x",
        identity="x",
        capabilities=LLAMA_CPP,
        context_tokens=1,
    )
    with pytest.raises(ModelError, match="AttributeError"):
        made.load()
    made.close()


def test_cancelling_while_the_weights_load():
    made = worker(slow=30.0)
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        made.load(cancel)
    assert time.monotonic() - start < 1
    assert made.queued() == 0
    made.close()


def test_closing_ends_the_process_and_what_is_under_way(model):
    pieces = model.generate([Message("user", "hang")])
    next(pieces)
    model.close()
    with pytest.raises(ModelError, match="closed"):
        list(pieces)
    with pytest.raises(ModelError, match="closed"):
        say(model, "say x")
    assert gone(model.starts()[0])


def test_a_model_that_nobody_holds_ends_its_process(tmp_path):
    made = worker(starts=str(tmp_path / "starts"))
    made.load()
    del made
    assert gone(int((tmp_path / "starts").read_text()))


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_script_without_main_guard_works_and_its_end_is_the_childs(tmp_path, end):
    # The script's folder has a models.py of its own, which must not get in the child's way.
    (tmp_path / "models.py").write_text("raise SystemExit('the wrong models')\n")
    script = tmp_path / "script.py"
    script.write_text(
        f"import os, sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        "from test_worker import worker, say\n"
        f"model = worker(starts={str(tmp_path / 'starts')!r})\n"
        "print(say(model, 'say hello'), flush=True)\n"
        f"{end}\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.stdout == "hello\n", done.stderr
    assert gone(int((tmp_path / "starts").read_text()))
