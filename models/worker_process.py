"""The child process that runs a language model: JSON lines in, JSON lines out.

Started by ``models.worker`` as ``python -m models.worker_process FACTORY OPTIONS`` where FACTORY
is "module:function", OPTIONS the JSON of its keyword arguments, and its result has the methods of
``LanguageModel``.

In:  ``{"id", "call", "arguments"}`` and ``{"cancel": id}``.
Out: ``{"ready": {…}}`` or ``{"failed": reason}`` once, then for each call any number of
``{"id", "piece"}`` and one of ``{"id", "result"}``, ``{"id", "error"}``, ``{"id", "cancelled"}``.
The process ends when its input does, so it cannot outlive its parent.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, TextIO

import numpy as np

from models.protocols import Cancelled, Message, ModelError


class _Channel:
    """Messages to the parent, whole lines, from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, **message: Any) -> None:
        line = json.dumps(message)
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except BrokenPipeError:
            os._exit(0)


class _Worker:
    def __init__(self, model: Any, channel: _Channel) -> None:
        self._model = model
        self._channel = channel
        self._calls: queue.SimpleQueue[tuple[dict, threading.Event]] = queue.SimpleQueue()
        self._cancels: dict[int, threading.Event] = {}

    def read(self) -> None:
        """Take in messages until the input ends, then end the process whatever it is doing."""
        for line in sys.stdin:
            message = json.loads(line)
            if "cancel" in message:
                event = self._cancels.get(message["cancel"])
                if event is not None:
                    event.set()
            elif message["call"] == "count_tokens":
                # Needs no turn: it only reads the vocabulary.
                self._answer(message, threading.Event())
            else:
                event = self._cancels[message["id"]] = threading.Event()
                self._calls.put((message, event))
        os._exit(0)

    def run(self) -> None:
        """Answer calls, one after the other, for ever."""
        while True:
            message, cancel = self._calls.get()
            self._answer(message, cancel)
            del self._cancels[message["id"]]

    def _answer(self, message: dict, cancel: threading.Event) -> None:
        call_id = message["id"]
        self._channel.send(id=call_id, begun=True)
        try:
            self._channel.send(id=call_id, result=self._result(message, cancel))
        except Cancelled:
            self._channel.send(id=call_id, cancelled=True)
        except ModelError as error:
            self._channel.send(id=call_id, error=str(error))
        except Exception as error:  # the edge of a process: the parent must hear of any failure
            traceback.print_exc()
            self._channel.send(id=call_id, error=f"the language model failed: {error!r}")

    def _result(self, message: dict, cancel: threading.Event) -> Any:
        call, arguments = message["call"], message["arguments"]
        if "messages" in arguments:
            arguments["messages"] = [Message(*pair) for pair in arguments["messages"]]
        if call == "load":
            return None
        if call == "count_tokens":
            return self._model.count_tokens(**arguments)
        if call == "generate":
            for piece in self._model.generate(**arguments, cancel=cancel):
                self._channel.send(id=message["id"], piece=piece)
            return None
        if call == "token_states":
            found = self._model.token_states(**arguments, cancel=cancel)
            states = np.ascontiguousarray(found.states, dtype=np.float32)
            encoded = base64.b64encode(states.tobytes()).decode()
            return {"states": encoded, "shape": states.shape, "ends": found.ends}
        if call in ("prepare", "next_token_probabilities"):
            return getattr(self._model, call)(**arguments, cancel=cancel)
        raise ModelError(f"the worker does not know the call {call!r}")


def main(factory: str, options: str) -> None:
    """Make the model, say so, and serve."""
    # Ctrl-C reaches the whole foreground group; when to end is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever native code prints must not get between the messages.
    channel = _Channel(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    try:
        module, function = factory.split(":")
        model = getattr(importlib.import_module(module), function)(**json.loads(options))
    except ModelError as error:
        channel.send(failed=str(error))
        return
    worker = _Worker(model, channel)
    channel.send(ready={"context_tokens": model.context_tokens})
    threading.Thread(target=worker.read, daemon=True).start()
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
