"""One child process owns the language model; calls from all threads wait in line for it.

A crash of native code then costs one answer and not the program, and a model that does not react
can be killed. ``models.worker_process`` is the other end.
"""

from __future__ import annotations

import base64
import queue
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from models.protocols import Cancelled, Capabilities, Message, ModelError, TokenStates
from models.worker_child import POLL_S, Call, Child, Line


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
        self._line = Line()
        self._child: Child | None = None
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

    def token_states(
        self,
        text: str,
        *,
        opening: str,
        before: str,
        layer: int,
        cancel: threading.Event | None = None,
    ) -> TokenStates:
        """See ``LanguageModel.token_states``."""
        arguments = {"text": text, "opening": opening, "before": before, "layer": layer}
        found = self._one("token_states", arguments, cancel)
        states = np.frombuffer(base64.b64decode(found["states"]), dtype=np.float32)
        return TokenStates(states.reshape(found["shape"]), tuple(found["ends"]))

    def prepare(
        self, messages: Sequence[Message], *, cancel: threading.Event | None = None
    ) -> None:
        """See ``LanguageModel.prepare``."""
        self._one("prepare", {"messages": _pairs(messages)}, cancel)

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
        call = Call(next(self._numbers), name, arguments)
        if in_line:
            self._line.wait(call, cancel)
        child = self._begin(call, cancel)
        try:
            while True:
                reply = _next_reply(call, cancel)
                if "lost" in reply:
                    child = self._begin(call, cancel)
                    continue
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

    def _begin(self, call: Call, cancel: threading.Event | None) -> Child:
        """Give a call to a child that can take it; where there is none, it leaves the line."""
        try:
            child = self._ready_child(cancel)
        except BaseException:
            self._line.leave(call)
            raise
        child.begin(call)
        return child

    def _ready_child(self, cancel: threading.Event | None) -> Child:
        with self._starting:
            if self._closed:
                raise ModelError("the language model was closed")
            if self._child is None or not self._child.alive:
                self._child = Child(self._factory, self._options, self._line)
                weakref.finalize(self, self._child.kill)
            child = self._child
        while not child.settled.wait(POLL_S):
            if cancel is not None and cancel.is_set():
                raise Cancelled
        if child.ready is None:
            raise ModelError(child.failure)
        self.context_tokens = child.ready["context_tokens"]
        return child


def _next_reply(call: Call, cancel: threading.Event | None) -> dict:
    while True:
        if cancel is not None and cancel.is_set():
            raise Cancelled
        try:
            return call.replies.get(timeout=POLL_S if cancel is not None else None)
        except queue.Empty:
            continue


def _pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in messages]
