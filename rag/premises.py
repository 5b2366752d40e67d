"""Whether what was found speaks against what a question takes for granted.

"Why did X refuse to send help?" has no answer where the article says that X sent help; to quote it
alone would leave that to the reader to notice. A list of opposite words (``data/opposites.tsv``)
finds the plain cases: the question uses one side, what was found the other, neither denied. Of the
sentences that answer XQuAD's 1,188 dev questions, whose premises are true, it takes 4 for opposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from vectorstore.analysis import analyse
from vectorstore.arabic import fold

DENYING = 3  # words before a word in which a negation denies it
# "the writer who praises …" tells who is meant; "Who praises …?" and «من الذي يمدح …» ask.
_CLAUSE = re.compile(
    r"(?<=\w )(?:who|whom|whose|which)(?: \w+){1,2}"
    r"|(?<=\w )(?<!\bمن )(?<!\bما )(?:الذي|التي|الذين)(?: \w+){1,2}"
)
_WORD = re.compile(r"[\w'’]+")
_LEFT_OUT = re.compile(r"\bleft out\b(?! of (?:fear|anger|frustration|boredom))")  # two words
_NOT = re.compile(r"لا|لم|لن|ليس|ليست|دون|بدون|عدم|غير|not|no|never|without|\w+n['’]t|cannot")


def denies_premise(question: str, found: str) -> bool:
    """Whether ``found`` speaks against what a question takes for granted."""
    asked = _LEFT_OUT.sub("excluded", _CLAUSE.sub(" ", fold(question)))
    return speaks_against(asked, found)


def speaks_against(said: str, found: str) -> bool:
    """Whether ``found`` says the opposite of a word of ``said``, and not that word."""
    asked, told = _asserted(said), _asserted(found)
    return any(
        asked & one and told & other and not (told & one or asked & other)
        for pair in _opposites()
        for one, other in (pair, pair[::-1])
    )


def denies(word: str) -> bool:
    """Whether a word is a negation: "not", «غير»."""
    return _NOT.fullmatch(fold(word)) is not None


def _asserted(text: str) -> frozenset[str]:
    """Stems of the words of a text that no negation stands before."""
    words = _WORD.findall(fold(text))
    return frozenset(
        stem
        for i, word in enumerate(words)
        if not any(map(denies, words[max(0, i - DENYING) : i]))
        for stem in analyse(word)
    )


@cache
def _opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    lines = files("rag").joinpath("data", "opposites.tsv").read_text("utf-8").splitlines()
    sides = [line.split("\t") for line in lines if not line.startswith("#")]
    return tuple((_stems(one.split()), _stems(other.split())) for one, other in sides)


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stem for word in words for stem in analyse(word))
