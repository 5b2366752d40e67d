"""Folding of Arabic (and Latin) text: what differs only in spelling habit becomes equal.

Folding is for matching only; what is shown is always the original. ``fold_aligned`` tells where
each folded character came from, so that a match can be shown in the original text.
"""

from __future__ import annotations

import unicodedata

_LETTERS = {
    **dict.fromkeys("أإآٱٲٳ", "ا"),
    "ى": "ي",
    "ی": "ي",
    "ئ": "ي",
    "ؤ": "و",
    "ة": "ه",
    "ک": "ك",
    "گ": "ك",
    "ہ": "ه",
    "ە": "ه",
    "ـ": "",  # tatweel
    "٪": "%",
    "٫": ".",
    "٬": ",",
    "،": ",",
    "؛": ";",
    "؟": "?",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
}


def _fold_character(character: str) -> str:
    folded = []
    # NFKD takes presentation forms (ﻻ), full-width digits and accented Latin letters apart.
    for part in unicodedata.normalize("NFKD", _LETTERS.get(character, character)):
        category = unicodedata.category(part)
        if category in ("Mn", "Cf"):  # diacritics; bidi marks and zero-width characters
            continue
        if category == "Nd":
            part = str(unicodedata.decimal(part))
        folded.append(_LETTERS.get(part, part).casefold())
    return "".join(folded)


_CACHE: dict[str, str] = {}


def _folded(character: str) -> str:
    folded = _CACHE.get(character)
    if folded is None:
        folded = _CACHE[character] = _fold_character(character)
    return folded


def fold(text: str) -> str:
    """Case, hamza and alef forms, ya, ta marbuta, diacritics, tatweel, digits and marks folded."""
    return "".join(map(_folded, text))


def fold_aligned(text: str) -> tuple[str, list[int]]:
    """``fold(text)`` and, for each folded character, the offset of its original in ``text``."""
    pieces: list[str] = []
    origin: list[int] = []
    for offset, character in enumerate(text):
        folded = _folded(character)
        pieces.append(folded)
        origin.extend([offset] * len(folded))
    return "".join(pieces), origin
