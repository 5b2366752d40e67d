"""What is taken out of a model's stream before anyone sees it: thoughts, and all after a stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from models.protocols import ModelError

OPEN, CLOSE = "<think>", "</think>"


def _held_back(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of ``text`` that could still grow into one of ``marks``."""
    longest = max((len(mark) for mark in marks), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """The stream without ``<think>…</think>`` and the blank space that follows a thought.

    A thought that is never closed swallows the rest. Raises ModelError on a closing mark whose
    opening was never seen: what went before it was a thought and has been passed on already.
    """
    buffer, thinking, after_thought = "", False, False
    for piece in pieces:
        buffer += piece
        while True:
            if after_thought:
                buffer = buffer.lstrip()
                after_thought = not buffer
            mark = CLOSE if thinking else OPEN
            before, found, rest = buffer.partition(mark)
            if not thinking and CLOSE in before:
                raise ModelError(
                    "the model thinks aloud in a way that cannot be told from its answer; "
                    "switch thinking off on the server or choose another model"
                )
            if not found:
                break
            if not thinking and before:
                yield before
            buffer, thinking = rest, not thinking
            after_thought = not thinking
        keep = _held_back(buffer, [CLOSE] if thinking else [OPEN, CLOSE])
        ready, buffer = buffer[: len(buffer) - keep], buffer[len(buffer) - keep :]
        if ready and not thinking:
            yield ready
    if buffer and not thinking:
        yield buffer


def until_stop(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """The stream up to, and without, the first occurrence of any stop string."""
    stops = [stop for stop in stops if stop]
    buffer = ""
    for piece in pieces:
        buffer += piece
        cut, held = _first(buffer, stops), len(buffer) - _held_back(buffer, stops)
        if cut is not None and cut <= held:  # else a stop that is still coming begins before it
            if cut:
                yield buffer[:cut]
            return
        ready, buffer = buffer[:held], buffer[held:]
        if ready:
            yield ready
    if buffer := buffer[: _first(buffer, stops)]:
        yield buffer


def _first(text: str, stops: Sequence[str]) -> int | None:
    """Where the first of some stop strings begins in a text."""
    return min((at for at in (text.find(stop) for stop in stops) if at >= 0), default=None)
