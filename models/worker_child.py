"""A worker process as its parent sees it: starting it, talking to it, noticing its end."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

from models.protocols import Cancelled

POLL_S = 0.05  # how often a waiting caller looks at its cancel event
CANCEL_GRACE_S = 5.0  # a child that has not reacted by then is killed


class Call:
    """A call on its way; ``replies`` are the child's messages about it."""

    def __init__(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        self.number = number
        self.name = name
        self.arguments = arguments
        self.replies: queue.SimpleQueue[dict] = queue.SimpleQueue()
        self.begun = False  # the child has said that it took it up
        self.abandoned = False  # nobody waits for its replies any more


class Line:
    """First come, first served: one call at a time has the turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: deque[Call] = deque()

    def __len__(self) -> int:
        return len(self._calls)

    def wait(self, call: Call, cancel: threading.Event | None) -> None:
        """Return when it is the call's turn. Raises Cancelled, having left the line."""
        with self._changed:
            self._calls.append(call)
            while self._calls[0] is not call:
                if cancel is not None and cancel.is_set():
                    self._calls.remove(call)
                    raise Cancelled
                self._changed.wait(POLL_S)

    def leave(self, call: Call) -> None:
        """Give the turn to the next."""
        with self._changed:
            if call in self._calls:
                self._calls.remove(call)
                self._changed.notify_all()


class Child:
    """A running worker process, and the threads that read what it says."""

    def __init__(self, factory: str, options: dict[str, Any], line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}
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

    def begin(self, call: Call) -> None:
        """Send a call; all that happens to it from now on arrives in its replies.

        The last of them is a result, an error or, where the process ended before it took the call
        up, ``{"lost": why}``: another child can still do it.
        """
        with self._lock:
            if self.failure is None:
                self._calls[call.number] = call
                self._send({"id": call.number, "call": call.name, "arguments": call.arguments})
                return
        call.replies.put({"lost": self.failure})

    def cancel(self, call: Call) -> None:
        """Ask the child to stop a call, and see to it that it does."""
        with self._lock:
            call.abandoned = True
            if call.number not in self._calls:
                self._line.leave(call)
                return
            self._send({"cancel": call.number})
        timer = threading.Timer(CANCEL_GRACE_S, self._kill_if_under_way, [call])
        timer.daemon = True
        timer.start()

    def _kill_if_under_way(self, call: Call) -> None:
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
            if call.begun or call.abandoned:
                self._line.leave(call)
            call.replies.put({"error" if call.begun else "lost": self.failure})
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass  # what was still to be written has no reader

    def _route(self, message: dict) -> None:
        with self._lock:
            call = self._calls.get(message["id"])
            if call is not None and "begun" in message:
                call.begun = True
                return
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
