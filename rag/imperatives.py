"""Requests put as questions: «عدّد الدول التي …» asks «ما الدول التي …؟».

The language model and the heads on its states were shown questions; told to list or to name, they
find an answer less likely and point to other words.
"""

from __future__ import annotations

import re

from rag.expectations import names_role
from vectorstore.arabic import fold

_MARKS = "[\u064b-\u0652]*"
_MENTION = f"[اأ]{_MARKS}ذ{_MARKS}ك{_MARKS}ري?{_MARKS}"
_SHADDA = f"(?={_MARKS}\u0651){_MARKS}"
# «عدد» without its shadda is "the number of", «سم» may be "poison", «سمي» "was named".
_ARABIC = re.compile(
    rf"\s*(?:من فضلك،?\s+)?(?:ع{_MARKS}د{_SHADDA}دي?{_MARKS}|{_MENTION}"
    rf"|س{_MARKS}م{_SHADDA}|سم(?=\s+لي\s))\s+(?:لي\s+)?(?=\w{{2}})"
)
_ASKS = re.compile(r"[وف]?(?:ما|ماذا|من|متي|اين|كم|كيف|لماذا|اي|هل)(?!\w)")
# What makes the rest a question of its own; «من» and «ما» are mostly "from" and "what" there.
_ASKS_LATER = re.compile(
    r"(?<=\s)(?:[وف]?(?:ماذا|متي|اين|كم|كيف|لماذا|هل)(?!\w)|[وف]ما(?!\w)|من\W*$)"
)
_ENGLISH = re.compile(
    r"\s*(?:please,?\s+)?(?:(?P<name>name)|list|enumerate)\s+(?P<all>all\s+)?"
    r"(?=(?:the|(?P<these>those|these))\b)",
    re.IGNORECASE,
)
_PLURAL = re.compile(
    r"the (?:[\w-]+ ){0,2}(?:people|men|women|children|[\w-]+(?<![su'])s)(?![\w'’])"
)


def as_question(text: str) -> str:
    """A request to list or to name as a question; any other text as it is."""
    if found := _ARABIC.match(text):
        return _arabic(text, text[found.end() :])
    if found := _ENGLISH.match(text):
        rest = text[found.end() :]
        many = not found["name"] or found["all"] or found["these"] or _PLURAL.match(rest)
        word = "Who" if names_role(rest) else "What"
        return f"{word} {'are' if many else 'is'} {_asking(rest, '?')}"
    return text


def _arabic(text: str, rest: str) -> str:
    folded = fold(rest)
    if _ASKS.match(folded):  # «اذكر متى افتتح الجسر»
        return _asking(rest, "؟")
    if _ASKS_LATER.search(folded):  # «عدّد الوزير الأسباب، فما أولها؟»
        return text
    return f"{'من' if names_role(rest) else 'ما'} {_asking(rest, '؟')}"


def _asking(text: str, mark: str) -> str:
    return text.rstrip(" .!؟?") + mark
