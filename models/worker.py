"""One child process owns the language model; calls from all threads wait in line for it.

A crash of native code then costs one answer and not the program, and a model that does not react
can be killed. ``models.worker_process`` is the other end.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models.protocols import Cancelled, Capabilities, Message, ModelError

_POLL_S = 0.05  # how often a waiting caller looks at its cancel event
_CANCEL_GRACE_S = 5.0  # a child that has not reacted by then is killed


class _Call:
    """A call on its way; ``replies`` are the child's messages about it."""

    def __init__(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        self.number = number
        self.name = name
        self.arguments = arguments
        self.replies: queue.SimpleQueue[dict] = queue.SimpleQueue()


class _Line:
    """First come, first served: one call at a time has the turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: deque[_Call] = deque()

    def __len__(self) -> int:
        return len(self._calls)

    def wait(self, call: _Call, cancel: threading.Event | None) -> None:
        """Return when it is the call's turn. Raises Cancelled, having left the line."""
        with self._changed:
            self._calls.append(call)
            while self._calls[0] is not call:
                if cancel is not None and cancel.is_set():
                    self._calls.remove(call)
                    raise Cancelled
                self._changed.wait(_POLL_S)

    def leave(self, call: _Call) -> None:
        """Give the turn to the next."""
        with self._changed:
            if call in self._calls:
                self._calls.remove(call)
                self._changed.notify_all()


class _Child:
    """A running worker process, and the threads that read what it says."""

    def __init__(self, factory: str, options: dict[str, Any], line: _Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._calls: dict[int, _Call] = {}
        self._last_words: deque[str] = deque(maxlen=15)
        self.ready: dict[str, Any] | None = None
        self.failure: str | None = None  # why it is of no use any more
        self.settled = threading.Event()  # ready or failed
        self._process = subprocess.Popen(
            # -P keeps a models.py in the user's folder from taking the place of this package.
            [sys.executable, "-P", "-m", "models.worker_process", factory, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
        )
        self.pid = self._process.pid
        self._stderr = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr.start()
        threading.Thread(target=self._read_replies, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can take calls, now or when it is ready."""
        return self.failure is None and self._process.poll() is None

    def begin(self, call: _Call) -> None:
        """Send a call; all that happens to it from now on arrives in its replies."""
        with self._lock:
            if self.failure is None:
                self._calls[call.number] = call
                self._send({"id": call.number, "call": call.name, "arguments": call.arguments})
                return
        call.replies.put({"error": self.failure})
        self._line.leave(call)

    def cancel(self, call: _Call) -> None:
        """Ask the child to stop a call, and see to it that it does."""
        with self._lock:
            if call.number not in self._calls:
                return
            self._send({"cancel": call.number})
        timer = threading.Timer(_CANCEL_GRACE_S, self._kill_if_under_way, [call])
        timer.daemon = True
        timer.start()

    def _kill_if_under_way(self, call: _Call) -> None:
        if call.number in self._calls:
            self.kill()

    def _send(self, message: dict) -> None:
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the child is gone; the thread that reads its replies tells the callers

    def kill(self) -> None:
        """End the process at once; calls under way get an error."""
        self._process.kill()

    def _read_stderr(self) -> None:
        for raw in self._process.stderr:
            text = raw.decode("utf-8", "replace").strip()
            if text:
                self._last_words.append(text)

    def _read_replies(self) -> None:
        for raw in self._process.stdout:
            if not raw.endswith(b"\n"):
                break  # it died in the middle of a message
            message = json.loads(raw)
            if "id" in message:
                self._route(message)
            elif "ready" in message:
                self.ready = message["ready"]
                self.settled.set()
            else:
                self.failure = message["failed"]
        code = self._process.wait()
        self._stderr.join(timeout=1)
        with self._lock:
            self.failure = self.failure or self._obituary(code)
            orphans = list(self._calls.values())
            self._calls.clear()
        self.settled.set()
        for call in orphans:
            call.replies.put({"error": self.failure})
            self._line.leave(call)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass  # what was still to be written has no reader

    def _route(self, message: dict) -> None:
        with self._lock:
            call = self._calls.get(message["id"])
            if call is not None and "piece" not in message:
                del self._calls[call.number]
        if call is not None:
            if "piece" not in message:
                self._line.leave(call)
            call.replies.put(message)

    def _obituary(self, code: int) -> str:
        if code in (-signal.SIGTERM, -9):  # SIGKILL, which Windows does not have
            return (
                "the language model's process was killed, perhaps by the system for want of "
                "memory; ask again, or choose a smaller model"
            )
        words = "; ".join(list(self._last_words)[-3:]) or "it left no message"
        return f"the language model's process ended with code {code}: {words}. Ask again"


class WorkerLanguageModel:
    """A LanguageModel in a child process, started at the first call that needs it.

    After a crash the next call starts a new process; the call under way raises ModelError.
    """

    def __init__(
        self,
        factory: str,
        options: dict[str, Any],
        *,
        name: str,
        identity: str,
        capabilities: Capabilities,
        context_tokens: int,
    ) -> None:
        """``factory``: "module:function" that makes the model in the child from ``options``."""
        self.name = name
        self.identity = identity
        self.capabilities = capabilities
        self.context_tokens = context_tokens
        self._factory = factory
        self._options = options
        self._line = _Line()
        self._child: _Child | None = None
        self._starting = threading.Lock()
        self._numbers = iter(range(1, sys.maxsize))
        self._closed = False

    def load(self, cancel: threading.Event | None = None) -> None:
        """Start the process and load the weights, where that has not been done."""
        self._one("load", {}, cancel)

    def generate(
        self,
        messages: Sequence[Message],
        *,
        constant: int = 0,
        prefill: str = "",
        max_tokens: int = 200,
        stop: Sequence[str] = (),
        grammar: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        """See ``LanguageModel.generate``."""
        arguments = {
            "messages": _pairs(messages),
            "constant": constant,
            "prefill": prefill,
            "max_tokens": max_tokens,
            "stop": list(stop),
            "grammar": grammar,
        }
        for reply in self._replies("generate", arguments, cancel):
            if "piece" in reply:
                yield reply["piece"]

    def next_token_probabilities(
        self,
        messages: Sequence[Message],
        options: Sequence[str],
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> dict[str, float]:
        """See ``LanguageModel.next_token_probabilities``."""
        arguments = {
            "messages": _pairs(messages),
            "options": list(options),
            "constant": constant,
            "prefill": prefill,
        }
        return self._one("next_token_probabilities", arguments, cancel)

    def log_likelihood(
        self,
        messages: Sequence[Message],
        continuation: str,
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> float:
        """Mean log probability of the tokens of ``continuation`` as the model's next words."""
        arguments = {
            "messages": _pairs(messages),
            "continuation": continuation,
            "constant": constant,
            "prefill": prefill,
        }
        return self._one("log_likelihood", arguments, cancel)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text; does not wait in line once the model is loaded."""
        child = self._child
        if child is None or child.ready is None or not child.alive:
            self.load()
        return self._one("count_tokens", {"text": text}, None, in_line=False)

    def queued(self) -> int:
        """Calls that wait or run."""
        return len(self._line)

    def close(self) -> None:
        """End the process; calls under way and later ones raise ModelError."""
        self._closed = True
        if self._child is not None:
            self._child.kill()

    def _one(
        self,
        name: str,
        arguments: dict[str, Any],
        cancel: threading.Event | None,
        *,
        in_line: bool = True,
    ) -> Any:
        for reply in self._replies(name, arguments, cancel, in_line=in_line):
            if "result" in reply:
                return reply["result"]
        raise ModelError("the language model's process ended a call without a result")

    def _replies(
        self,
        name: str,
        arguments: dict[str, Any],
        cancel: threading.Event | None,
        *,
        in_line: bool = True,
    ) -> Iterator[dict]:
        """The child's messages about a call, the last one a result. Raises what it reports."""
        call = _Call(next(self._numbers), name, arguments)
        if in_line:
            self._line.wait(call, cancel)
        try:
            child = self._ready_child(cancel)
        except BaseException:
            self._line.leave(call)
            raise
        child.begin(call)
        try:
            while True:
                reply = _next_reply(call, cancel)
                if "error" in reply:
                    closed = "the language model was closed"
                    raise ModelError(closed if self._closed else reply["error"])
                if "cancelled" in reply:
                    raise Cancelled
                yield reply
                if "result" in reply:
                    return
        finally:
            child.cancel(call)  # of a call that has ended, this is nothing

    def _ready_child(self, cancel: threading.Event | None) -> _Child:
        with self._starting:
            if self._closed:
                raise ModelError("the language model was closed")
            if self._child is None or not self._child.alive:
                self._child = _Child(self._factory, self._options, self._line)
                weakref.finalize(self, self._child.kill)
            child = self._child
        while not child.settled.wait(_POLL_S):
            if cancel is not None and cancel.is_set():
                raise Cancelled
        if child.ready is None:
            raise ModelError(child.failure)
        self.context_tokens = child.ready["context_tokens"]
        return child


def _next_reply(call: _Call, cancel: threading.Event | None) -> dict:
    while True:
        if cancel is not None and cancel.is_set():
            raise Cancelled
        try:
            return call.replies.get(timeout=_POLL_S if cancel is not None else None)
        except queue.Empty:
            continue


def _pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in messages]


def _environment() -> dict[str, str]:
    """The child imports what this process could import, this package first.

    Its threads sleep while they wait for each other: where they spin, which is the default, any
    other busy program on the machine (an ingest, say) slows generation to a tenth.
    """
    root = str(Path(__file__).resolve().parent.parent)
    places = [root, *(place for place in sys.path if place)]
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(places))
    return environment
