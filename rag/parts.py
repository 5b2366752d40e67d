"""The parts of a question that asks several things: «كم دولة…، وكم مدينة…», "who…, and when…?".

And whether it asks what several articles say: "both reports", «ذكر مقال آخر».
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.conversation import is_follow_up, points_back
from vectorstore.analysis import analyse

# Words of a first part and of a later one that can be asked for by themselves.
SHORTEST, SHORTEST_LATER = 3, 5
MOST = 4  # parts; each is answered by itself, which takes seconds
CONTENT = 3  # stems from which a part says enough of what it is about, without those that ask

_ENGLISH = "how|what|who|whom|whose|when|where|why|which"
_JOINTS = re.compile(
    r"[،,;؛]?\s+و(?=(?:كم|من|ما|ماذا|متى|أين|كيف|لماذا|أي|أية|بماذا|علام|إلام)\s)"
    rf"|[,;]?\s+and\s+(?=(?:(?:for|by|with|in|on|to|from|of)\s+)?(?:{_ENGLISH})\b)",
    re.IGNORECASE,
)
# «من» and «ما» ask at the beginning alone; inside a question they are mostly "from" and "not".
_ASKS = re.compile(
    rf"\b(?:{_ENGLISH})\b|(?<!\w)[وفبل]?(?:كم|ماذا|متى|أين|كيف|لماذا|أي|أية|علام|إلام)(?!\w)"
    r"|^\W*(?:(?:إلى|على|عن|في|مع)\s+)?ل?(?:من|ما)(?!\w)",
    re.IGNORECASE,
)
_ENDS_ASKING = re.compile(rf"\b(?:{_ENGLISH})\W*$|(?<!\w)(?:كم|متى|أين|كيف|لماذا|أي)\W*$", re.I)

_ASKING = frozenset(analyse("how many much far long old according كم عدد وفق حسب"))
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


@dataclass(frozen=True)
class Part:
    """One of the things that a question asks. ``context``: the rest of the question and what was
    asked before it, where the part leans on that; else ""."""

    question: str
    context: str = ""


def asks_of_several_articles(question: str) -> bool:
    """Whether the answer stands in more than one article, as the question itself says."""
    return _SEVERAL_ARTICLES.search(question) is not None


def parts(question: str, before: str = "") -> list[Part]:
    """The parts in order, or nothing for a question that asks one thing.

    ``before``: what was asked before a follow-up. A cut is made before a second question word
    alone. A question with a later part that is hardly one ("and when?", "and who reported that?"),
    and one of more than MOST, is left whole.
    """
    pieces = [question[a:b].strip() for a, b in _spans(question)]
    first, later = pieces[0], pieces[1:]
    if not 2 <= len(pieces) <= MOST or len(first.split()) < SHORTEST:
        return []
    if any(is_follow_up(p) or len(p.split()) < SHORTEST_LATER for p in later):
        return []
    if not _ASKS.search(first) or any(map(_ENDS_ASKING.search, pieces[:-1])):
        return []
    found = []
    for piece in pieces:
        rest = (before, *(p for p in pieces if p is not piece))
        found.append(Part(piece, " ".join(filter(None, rest)) if _leans(piece) else ""))
    return found


def _leans(piece: str) -> bool:
    """Whether a part does not say by itself what it is about."""
    told = set(analyse(piece)) - _ASKING
    return is_follow_up(piece) or points_back(piece) or len(told) < CONTENT


def _spans(question: str) -> list[tuple[int, int]]:
    cuts = [(m.start(), m.end()) for m in _JOINTS.finditer(question)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(question)]
    return list(zip(starts, ends, strict=True))
