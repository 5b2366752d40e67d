"""Saved states of prompt beginnings: the most recent in memory, the constant ones on disk too.

A state holds numbers computed from the tokens of a constant prompt; no question and no article is
ever written to disk here.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAGIC = b"MUSTANAD-STATE-1\n"


@dataclass(frozen=True)
class State:
    """``data``: the engine's state after some tokens; ``logits``: (vocabulary,) float32 there."""

    data: bytes
    logits: np.ndarray


class PrefixStates:
    """States by the segments of tokens that led to them.

    ``conditions`` names all else that a state depends on (weights, versions, parameters). The
    segments and not only the tokens make the key: where a prompt is cut into batches changes the
    last bits of the numbers, and an answer must not depend on what was asked before.
    """

    def __init__(
        self, conditions: str, folder: Path | None, *, in_memory: int = 6, on_disk: int = 12
    ) -> None:
        self._conditions = conditions
        self._folder = folder
        self._in_memory = in_memory
        self._on_disk = on_disk
        self._states: OrderedDict[str, State] = OrderedDict()

    def key(self, segments: Sequence[Sequence[int]]) -> str:
        """A digest of the conditions and the segments."""
        joined = json.dumps([self._conditions, [list(s) for s in segments]])
        return hashlib.sha256(joined.encode()).hexdigest()

    def get(self, key: str) -> State | None:
        """The state under ``key``, from memory or disk; None where there is none that is sound."""
        state = self._states.get(key) or self._read(key)
        if state is not None:
            self._keep(key, state)
        return state

    def put(self, key: str, state: State, *, to_disk: bool) -> None:
        """Keep a state in memory, dropping the one unused for longest, and perhaps on disk."""
        self._keep(key, state)
        if to_disk and self._folder is not None:
            self._write(self._folder / f"{key}.state", state)

    def _keep(self, key: str, state: State) -> None:
        self._states[key] = state
        self._states.move_to_end(key)
        while len(self._states) > self._in_memory:
            self._states.popitem(last=False)

    def _read(self, key: str) -> State | None:
        if self._folder is None:
            return None
        path = self._folder / f"{key}.state"
        try:
            content = path.read_bytes()
            os.utime(path)  # the files used last are the ones to keep
        except OSError:
            return None
        head = len(MAGIC) + 32 + 8
        digest, body = content[len(MAGIC) : len(MAGIC) + 32], content[len(MAGIC) + 32 :]
        # The engine trusts the bytes it is given, so a damaged file must never reach it.
        if not content.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
            path.unlink(missing_ok=True)
            return None
        size = int.from_bytes(content[head - 8 : head], "little")
        return State(
            data=content[head + 4 * size :],
            logits=np.frombuffer(content, np.float32, count=size, offset=head),
        )

    def _write(self, path: Path, state: State) -> None:
        """Write atomically. A full or read-only disk costs time at the next start, nothing else."""
        logits = np.ascontiguousarray(state.logits, np.float32)
        body = len(logits).to_bytes(8, "little") + logits.tobytes() + state.data
        temporary = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + hashlib.sha256(body).digest())
                file.write(body)
            os.replace(temporary, path)
            self._prune(path.parent)
        except OSError:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)

    def _prune(self, folder: Path) -> None:
        files = sorted(folder.glob("*.state"), key=lambda f: f.stat().st_mtime, reverse=True)
        for old in files[self._on_disk :]:
            old.unlink(missing_ok=True)
