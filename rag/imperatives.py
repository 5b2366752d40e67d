"""Requests put as questions: «عدّد الدول التي …» asks «ما الدول التي …؟».

The language model and the heads on its states were shown questions; told to list or to name, they
find an answer less likely and point to other words.
"""

from __future__ import annotations

import re

_MARKS = "[\u064b-\u0652]*"
_ARABIC = re.compile(
    # «عدد» without its shadda is "the number of".
    rf"\s*(?:من فضلك،?\s+)?(?:ع{_MARKS}د(?={_MARKS}\u0651){_MARKS}دي?{_MARKS}|[اأ]ذكري?{_MARKS}"
    rf"|سم{_MARKS}ي?(?=\s+(?:ال|لي\s))|اسردي?{_MARKS})\s+(?:لي\s+)?(?=\w{{2}})"
)
_ENGLISH = re.compile(
    r"\s*(?:please,?\s+)?(?:list|name|enumerate)\s+(?P<all>all\s+)?(?=(?:the|those|these)\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\W*\b(?:that|who|whom|which|whose|where|in|on|at|of|to|from|for|by)\b")


def as_question(text: str) -> str:
    """A request to list or to name as a question; any other text as it is."""
    if found := _ARABIC.match(text):
        return f"ما {_asking(text[found.end() :], '؟')}"
    if found := _ENGLISH.match(text):
        rest = text[found.end() :]
        noun = _NAMED.split(rest)[0].rstrip(" .?!")
        verb = "are" if found["all"] or noun.endswith("s") else "is"
        return f"What {verb} {_asking(rest, '?')}"
    return text


def _asking(text: str, mark: str) -> str:
    return text.rstrip(" .!؟?") + mark
