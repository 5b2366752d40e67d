"""The figure that a question asks for: of several in a sentence, the one that counts its noun.

A small model asked «كم جهاز تنفس» of a sentence with six figures takes whichever comes first. The
noun that follows the question word tells which is meant, where the sentence counts it in the same
words.
"""

from __future__ import annotations

import os.path
import re

from rag.figures import find_figures
from vectorstore.analysis import analyse
from vectorstore.arabic import fold, fold_aligned

BEGINNING = 3  # letters
ALIKE = 0.7  # of the letters of the shorter of two words, from its beginning
NEAR = 3  # words after a figure among which its noun stands
_ASKS = re.compile(r"\bhow many\b|(?<!\w)[وفبل]?كم(?: عدد)?(?!\w)", re.IGNORECASE)
_COUNTED = re.compile("[\u0621-\u064a]{3}ا$")  # the accusative of what is counted
_WORD = re.compile(r"\w[\w'’-]*")


def counted_figure(question: str, text: str) -> tuple[int, int] | None:
    """(start, end) of the figure with its noun in ``text``; None without exactly one that fits."""
    asks = _ASKS.search(question)
    if asks is None:
        return None
    nouns = [w for w in _WORD.findall(question[asks.end() :])[:2] if analyse(w)]
    if not nouns:
        return None
    if _COUNTED.search(fold(nouns[0])):
        del nouns[1:]  # «كم قاربا تضرر»: what follows is no part of the noun
    _, origin = fold_aligned(text)
    found: dict[float, tuple[int, int, int]] = {}
    for figure in find_figures(text):
        start, end = origin[figure.start], origin[figure.end - 1] + 1
        held, reach, counts = 0, end, False
        for word in list(_WORD.finditer(text, end))[:NEAR]:
            same = [noun for noun in nouns if _same(word.group(), noun)]
            if same:
                held, reach, counts = held + 1, word.end(), counts or nouns[0] in same
            elif held:
                break
        # The noun itself has to follow; what describes it (جهاز تنفس) tells two of a kind apart.
        if counts:
            best = found.get(figure.value)
            found[figure.value] = max((held, start, reach), best or (0, 0, 0))
    most = max((held for held, _, _ in found.values()), default=0)
    fitting = [(start, reach) for held, start, reach in found.values() if held == most]
    return fitting[0] if len(fitting) == 1 else None


def _same(word: str, noun: str) -> bool:
    """Whether two words are one noun: of one stem, or alike from the beginning (وحدة, وحدات)."""
    if set(analyse(word)) & set(analyse(noun)):
        return True
    bare = [fold(w).removeprefix("ال") for w in (word, noun)]
    alike = len(os.path.commonprefix(bare))
    return alike >= max(BEGINNING, ALIKE * min(map(len, bare)))
