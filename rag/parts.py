"""The parts of a question that asks several things: «كم دولة…، وكم مدينة…», "who…, and when?"."""

from __future__ import annotations

import re

from rag.conversation import is_follow_up

SHORTEST = 3  # words of a first part that can be searched for by itself

_JOINTS = re.compile(
    r"[،,;؛]?\s+و(?=(?:كم|من|ما|ماذا|متى|أين|كيف|لماذا|أي|أية|بماذا|علام|إلام)\s)"
    r"|[,;]?\s+and\s+(?=(?:(?:for|by|with|in|on|to|from|of)\s+)?"
    r"(?:how|what|who|whom|whose|when|where|why|which)\b)",
    re.IGNORECASE,
)


def parts(question: str) -> list[str]:
    """The parts in order, or nothing for a question that asks one thing.

    A cut is made before a second question word alone. A question with a part that cannot be
    searched by itself ("and when?", "and who reported that?") is left whole.
    """
    pieces = [question[a:b].strip() for a, b in _spans(question)]
    if len(pieces) < 2 or len(pieces[0].split()) < SHORTEST or any(map(is_follow_up, pieces[1:])):
        return []
    return pieces


def _spans(question: str) -> list[tuple[int, int]]:
    cuts = [(m.start(), m.end()) for m in _JOINTS.finditer(question)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(question)]
    return list(zip(starts, ends, strict=True))
