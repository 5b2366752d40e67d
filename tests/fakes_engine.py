"""A model for the worker's child process that does what the last message tells it to."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from models.protocols import Cancelled, ModelError, TokenStates


class ObedientModel:
    context_tokens = 123

    def generate(self, messages, *, cancel, max_tokens, **options):
        order, _, argument = messages[-1].content.partition(" ")
        if order == "say":
            yield from argument.split("|")
        elif order == "options":
            yield repr(options)
        elif order == "count":
            for number in range(max_tokens):
                time.sleep(0.05)
                if cancel.is_set():
                    raise Cancelled
                yield str(number)
        elif order == "hang":
            yield "hanging"
            time.sleep(600)
        elif order == "noise":
            os.write(1, b"not a message\n")
            print("nor is this", flush=True)
            yield "heard"
        elif order == "crash":
            yield "going"
            sys.stderr.write("GGML_ASSERT(false) failed\n")
            sys.stderr.flush()
            os.abort()
        elif order == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif order == "refuse":
            raise ModelError("too long: 9 of 5 tokens")
        elif order == "bug":
            raise KeyError("missing")

    def next_token_probabilities(self, messages, options, *, cancel, **_):
        return {option: 1 / (1 + i) for i, option in enumerate(options)}

    def token_states(self, text, *, opening, before, layer, cancel):
        words = text.split()
        states = np.array([[layer, len(opening), len(before), len(w)] for w in words], np.float32)
        return TokenStates(states, tuple(range(1, len(words) + 1)))

    def prepare(self, messages, *, cancel):
        """Has no state to prepare."""

    def count_tokens(self, text):
        return len(text.split())


def make(starts: str = "", fails: str = "", slow: float = 0.0) -> ObedientModel:
    """``starts``: a file that gets a line a start; ``fails``: why there is no model."""
    if starts:
        with Path(starts).open("a") as file:
            file.write(f"{os.getpid()}\n")
    time.sleep(slow)
    if fails:
        raise ModelError(fails)
    return ObedientModel()
