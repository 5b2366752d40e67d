"""Is this Latin name that Arabic one? Compared by their consonants, by rule.

Arabic spelling keeps consonants and drops or varies vowels, and newsrooms differ in the rest
(Tokayev, Toqayev: توكاييف, توقاييف). Both spellings are reduced to a skeleton of consonant classes
in which letters that stand for each other are one class.
"""

from __future__ import annotations

import re
from functools import lru_cache

from vectorstore.arabic import fold

_ARABIC = {
    **dict.fromkeys("ب", "b"), **dict.fromkeys("تط", "t"), **dict.fromkeys("ثسشصزظذ", "s"),
    **dict.fromkeys("جغ", "g"), **dict.fromkeys("حه", "h"), **dict.fromkeys("خكق", "k"),
    **dict.fromkeys("دض", "d"), "ر": "r", "ف": "f", "ڤ": "f", "پ": "b", "چ": "ts",
    "ل": "l", "م": "m", "ن": "n", "و": "w", "ي": "", "ا": "", "ع": "", "ء": "",
}  # fmt: skip
_LATIN_GROUPS = (
    ("tch", "ts"), ("sch", "s"), ("sh", "s"), ("ch", "ts"), ("kh", "k"), ("gh", "g"), ("th", "s"),
    ("ph", "f"), ("zh", "g"), ("ck", "k"), ("qu", "k"), ("ce", "s"), ("ci", "s"),
)  # fmt: skip
_LATIN = {
    **dict.fromkeys("bp", "b"), "t": "t", **dict.fromkeys("sz", "s"), **dict.fromkeys("gj", "g"),
    "h": "h", **dict.fromkeys("kqc", "k"), "d": "d", "r": "r", **dict.fromkeys("fv", "f"),
    "l": "l", "m": "m", "n": "n", "w": "w", "x": "ks",
}  # fmt: skip
_FEMININE = re.compile(r"[ae][ht]?$")  # how «ة» ends in Latin letters
_CLITICS = ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ب", "ل", "ف", "ك", "")


def _squeeze(skeleton: str) -> str:
    return re.sub(r"(.)\1+", r"\1", skeleton)


@lru_cache(maxsize=1 << 16)
def latin_skeleton(name: str) -> str:
    """Consonant classes of a Latin name: "Lavrov" is "lfrf"."""
    letters = re.sub("[^a-z]", "", fold(name))
    if letters.startswith("x"):
        letters = "s" + letters[1:]  # Xi, Xinhua
    for group, replacement in _LATIN_GROUPS:
        letters = letters.replace(group, replacement)
    skeleton = "".join(_LATIN.get(c, "") for c in letters)
    return _squeeze(_without_inner_w(skeleton.removesuffix("h")))


@lru_cache(maxsize=1 << 16)
def arabic_skeleton(word: str) -> str:
    """Consonant classes of an Arabic word: «لافروف» is "lfrf"."""
    skeleton = "".join(_ARABIC.get(c, "") for c in fold(word))
    return _squeeze(_without_inner_w(skeleton.removesuffix("h")))


def _without_inner_w(skeleton: str) -> str:
    # و is a consonant at the start of a name and mostly a vowel inside.
    return skeleton[:1] + skeleton[1:].replace("w", "")


def _arabic_skeletons(word: str) -> set[str]:
    folded = fold(word)
    return {
        arabic_skeleton(folded[len(c) :])
        for c in _CLITICS
        if folded.startswith(c) and len(folded) - len(c) >= 2
    }


def same_name(latin: str, arabic: str) -> bool:
    """Whether one Latin word can be the transliteration of one Arabic word.

    Skeletons of one class say nothing and never match; those of five and more may differ by one.
    What ends in «ة» ends in an open vowel, "Rami" is not «الرامية», "aimed": adjectives in «ية» are
    for a dictionary to know.
    """
    wanted = latin_skeleton(latin)
    if len(wanted) < 2 or (arabic.endswith("ة") and not _FEMININE.search(fold(latin))):
        return False
    return any(_close(wanted, candidate) for candidate in _arabic_skeletons(arabic))


def _close(a: str, b: str) -> bool:
    if a == b:
        return True
    if (
        min(len(a), len(b)) < 4
        or max(len(a), len(b)) < 5
        or abs(len(a) - len(b)) > 1
        or a[0] != b[0]
    ):
        return False
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def find_transliterated(latin: str, arabic_text: str) -> str | None:
    """The first word of ``arabic_text``, or two joined, that ``latin`` can stand for, else None."""
    words = re.findall(r"\w+", arabic_text)
    for word in words:
        if same_name(latin, word):
            return word
    for first, second in zip(words, words[1:], strict=False):
        if same_name(latin, first + second):
            return f"{first} {second}"
    return None
