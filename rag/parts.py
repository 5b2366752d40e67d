"""The parts of a question that asks several things: «كم دولة…، وكم مدينة…», "who…, and when?"."""

from __future__ import annotations

import re

SHORTEST = 3  # words of a part that can be searched for by itself

_JOINTS = re.compile(
    r"[،,;؛]?\s+و(?=(?:كم|من|ما|ماذا|متى|أين|كيف|لماذا|أي|أية|بماذا|علام|إلام)\s)"
    r"|[,;]?\s+and\s+(?=(?:(?:for|by|with|in|on|to|from|of)\s+)?"
    r"(?:how|what|who|whom|whose|when|where|why|which)\b)",
    re.IGNORECASE,
)


def parts(question: str) -> list[str]:
    """The parts in order, or nothing for a question that asks one thing.

    A cut is made before a second question word alone; a part of fewer than three words ("and
    when?") stays with the one before it.
    """
    pieces = [question[a:b].strip() for a, b in _spans(question)]
    if len(pieces) < 2 or any(len(piece.split()) < SHORTEST for piece in pieces):
        return []
    return pieces


def _spans(question: str) -> list[tuple[int, int]]:
    cuts = [(m.start(), m.end()) for m in _JOINTS.finditer(question)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(question)]
    return list(zip(starts, ends, strict=True))
