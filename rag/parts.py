"""The parts of a question that asks several things: «كم دولة…، وكم مدينة…», "who…, and when?".

And whether it asks what several articles say: "both reports", «ذكر مقال آخر».
"""

from __future__ import annotations

import re

from rag.conversation import is_follow_up

# Words of a first part and of a later one that can be searched for by themselves.
SHORTEST, SHORTEST_LATER = 3, 5

_JOINTS = re.compile(
    r"[،,;؛]?\s+و(?=(?:كم|من|ما|ماذا|متى|أين|كيف|لماذا|أي|أية|بماذا|علام|إلام)\s)"
    r"|[,;]?\s+and\s+(?=(?:(?:for|by|with|in|on|to|from|of)\s+)?"
    r"(?:how|what|who|whom|whose|when|where|why|which)\b)",
    re.IGNORECASE,
)

_TOLD = "articles?|reports?|accounts?|stories|figures?|numbers?|sources?|outlets?|newspapers?"
_SIDES = "sides|countries|nations|parties|leaders|presidents|ministers|peoples|teams"
_SEVERAL_ARTICLES = re.compile(
    rf"\bboth\b(?! (?:the )?(?:two )?(?:{_SIDES})\b)"
    rf"|\b(?:another|other|two|different) (?:{_TOLD})\b"
    r"|(?<!\w)[وفب]?(?:كلا|كلتا|كلاهما|كلتاهما) (?:ال)?(?:مقال|خبر|تقرير|رواي|مصدر|صحيف)"
    r"|(?<!\w)(?:ال)?(?:مقال|خبر|تقرير|مصدر|صحيفة|رواية) (?:ال)?(?:آخر|أخرى)(?!\w)"
    r"|(?<!\w)[وفبل]?(?:ال|لل)(?:مقال|خبر|تقرير|مصدر|صحيفت|روايت)(?:ين|ان)(?!\w)",
    re.IGNORECASE,
)


def asks_of_several_articles(question: str) -> bool:
    """Whether the answer stands in more than one article, as the question itself says."""
    return _SEVERAL_ARTICLES.search(question) is not None


def parts(question: str) -> list[str]:
    """The parts in order, or nothing for a question that asks one thing.

    A cut is made before a second question word alone. A question with a part that cannot be
    searched by itself ("and when?", "and who reported that?") is left whole.
    """
    pieces = [question[a:b].strip() for a, b in _spans(question)]
    first, later = pieces[0], pieces[1:]
    leans = any(is_follow_up(p) or len(p.split()) < SHORTEST_LATER for p in later)
    return pieces if later and len(first.split()) >= SHORTEST and not leans else []


def _spans(question: str) -> list[tuple[int, int]]:
    cuts = [(m.start(), m.end()) for m in _JOINTS.finditer(question)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(question)]
    return list(zip(starts, ends, strict=True))
