"""Figures in text, as values: «٤٠ مليار», "40 billion" and "40,000,000,000" are one.

Used to check that every figure of an answer stands in what it cites. Digits, separators, scale
words, percentages, number words of both languages and ordinals are read; "one" and «واحد» are not
figures, since they mostly serve as pronouns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from vectorstore.arabic import fold


@dataclass(frozen=True)
class Figure:
    """``value`` of the figure at ``[start:end]`` of the folded text; ``digits``: not in words."""

    value: float
    start: int
    end: int
    digits: bool


_SCALES = {
    **dict.fromkeys("thousand thousands الف الاف الفا الفي الفين الفان".split(), 1e3),
    **dict.fromkeys("million millions mn مليون ملايين مليونا مليوني".split(), 1e6),
    **dict.fromkeys("billion billions bn مليار مليارات مليارا ملياري بليون".split(), 1e9),
    **dict.fromkeys("trillion trillions tn تريليون تريليونات تريليونا ترليون".split(), 1e12),
}
_DUALS = {
    **dict.fromkeys("الفان الفين الفي".split(), 2e3),
    **dict.fromkeys("مليونان مليونين مليوني".split(), 2e6),
    **dict.fromkeys("ملياران مليارين ملياري".split(), 2e9),
    **dict.fromkeys("مايتان مايتين مايتي ميتان ميتين ميتي".split(), 200.0),
}
_ENGLISH = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ENGLISH_ORDINALS = (
    "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ARABIC_UNITS = "ثلاث اربع خمس ست سبع ثمان تسع عشر".split()
_ARABIC_TENS = "عشر ثلاث اربع خمس ست سبع ثمان تسع".split()
_ARABIC_HUNDREDS = "ثلاث اربع خمس ست سبع ثمان تسع".split()
_ARABIC_ORDINALS = "ثاني ثالث رابع خامس سادس سابع ثامن تاسع عاشر".split()


_PERCENT_AFTER = re.compile(
    r"[\s)(-]*(?:%|per ?cent\b|(?:من )?(?:بال|في ال|ال)?(?:ميه|مايه)(?!\w)|نقطه ميويه)"
)


_JOINT = re.compile(r"[\s%]*(?:و|الي|او|and|to|or|[-–—,])\s*")


def _word_values() -> dict[str, float]:
    values: dict[str, float] = {word: float(i) for i, word in enumerate(_ENGLISH, start=2)}
    values |= {word: 10.0 * i for i, word in enumerate(_ENGLISH_TENS, start=2)}
    values |= {word: float(i) for i, word in enumerate(_ENGLISH_ORDINALS, start=2)}
    values |= {"hundred": 100.0}
    for i, stem in enumerate(_ARABIC_UNITS, start=3):
        values |= {stem: float(i), stem + "ه": float(i)}
    values |= {
        "ثماني": 8.0,
        "ثمانيه": 8.0,
        "سته": 6.0,
        "اثنان": 2.0,
        "اثنين": 2.0,
        "اثنتان": 2.0,
        "اثنتين": 2.0,
    }
    for i, stem in enumerate(_ARABIC_TENS, start=2):
        values |= {stem + "ون": 10.0 * i, stem + "ين": 10.0 * i}
    values |= {"مايه": 100.0, "ميه": 100.0}
    for i, stem in enumerate(_ARABIC_HUNDREDS, start=3):
        values |= {stem + hundred: 100.0 * i for hundred in ("مايه", "ميه")}
    for i, stem in enumerate(_ARABIC_ORDINALS, start=2):
        values |= {
            stem: float(i),
            stem + "ه": float(i),
            "ال" + stem: float(i),
            "ال" + stem + "ه": float(i),
        }
    return values


_WORDS = _word_values()
# Figures only before a ten: «أحد عشر», «الحادي والعشرين»; alone «أحد» is someone, «واحد» a pronoun.
_BEFORE_TEN = {
    **dict.fromkeys("احد احدي حادي حاديه".split(), 1.0),
    **dict.fromkeys("اثنا اثني اثنتا اثنتي".split(), 2.0),
}
_BEFORE_TENS = dict.fromkeys("واحد واحدا واحده احدي حادي حاديه".split(), 1.0)
_TEN = ("عشر", "عشره")
_TEN_FOLLOWS = re.compile(rf"\s+(?:{'|'.join(_TEN)})(?!\w)")
_TENS_FOLLOW = re.compile(rf"\s+و(?:ال)?(?:{'|'.join(_ARABIC_TENS)})(?:ون|ين)(?!\w)")
_CLITICS = ("و", "ب", "ل", "ف", "ال", "وال")
# «مليون دينار» is one million; «نصف مليون» is not.
_ONE_SCALE = frozenset("million billion trillion مليون مليونا مليار مليارا بليون تريليون".split())
_PART = re.compile(r"(?:\bhalf(?: a)?|\bquarter(?: of)?(?: a)?|(?<!\w)[وبل]?(?:نصف|ربع|ثلث))\s+$")
_NUMBER = re.compile(
    r"(?<!\w)(?<!\d[.,])(?:ال|و|ب|ل|ف|ك|ول|وب|\$|€|£)*"
    r"(\d{1,3}(?:[,.]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:(?:st|nd|rd|th|k|m|bn)(?![a-z]))?(?!\d)"
)
# «ثلث» and "a third of"; "the third" and "a third meeting" are ordinals.
_FRACTION = re.compile(
    r"(?<!\w)(?P<count>one|two|three)[ -](?P<part>third|quarter)s?\b"
    r"|(?<!\w)a (?P<single>third|quarter)(?= of\b)"
    r"|(?<!\w)[وفبل]?(?:(?P<two>ثلثا|ثلثي|ثلثين|ثلثان)|(?P<one>ثلث|ربع))(?!\w)"
)
_GROUPED = re.compile(r"\d+(?:[,.]\d{3})+")
_WORD = re.compile(r"[^\W\d_]+")
_NEXT_WORD = re.compile(r"[\s-]*([^\W\d_]+)")
_SUFFIX = {"k": 1e3, "m": 1e6, "bn": 1e9}


def _value(number: str) -> float:
    """Of digits with separators: 1,234.5 and 1.234,5 alike; a single comma may be a point."""
    whole, fraction = number, ""
    if "," in number and "." in number:  # the last separator is the decimal point
        point = max(",.", key=number.rfind)
        whole, _, fraction = number.rpartition(point)
        if point in whole or not _GROUPED.fullmatch(whole):  # 1,234.567,890: thousands all along
            whole, fraction = number, ""
    elif number.count(",") == 1 and not _GROUPED.fullmatch(number):
        whole, _, fraction = number.partition(",")
    elif number.count(".") == 1:
        whole, _, fraction = number.partition(".")
    return float(f"{re.sub('[,.]', '', whole)}.{fraction or 0}")


def find_figures(text: str) -> list[Figure]:
    """All figures of a text, in order. Offsets are into ``fold(text)``."""
    folded = fold(text)
    found: list[Figure] = []
    for match in _NUMBER.finditer(folded):
        value, end = _value(match.group(1)), match.end()
        suffix = re.search(r"(k|m|bn)$", match.group())
        if suffix:
            value *= _SUFFIX[suffix.group()]
        value, end = _scaled(folded, value, end)
        found.append(Figure(value, match.start(1), end, True))
    for match in _FRACTION.finditer(folded):
        found.append(Figure(_fraction(match), match.start(), match.end(), False))
    taken = [(f.start, f.end) for f in found]
    position = 0
    for match in _WORD.finditer(folded):
        if match.start() < position or any(a <= match.start() < b for a, b in taken):
            continue
        run = _read_words(folded, match.start())
        if run is not None:
            value, end = run
            found.append(Figure(value, match.start(), end, False))
            position = end
    return sorted(found, key=lambda f: f.start)


def _fraction(match: re.Match[str]) -> float:
    """The value of what ``_FRACTION`` finds."""
    part = match["part"] or match["single"] or match["one"]
    count = {"two": 2, "three": 3}.get(match["count"], 2 if match["two"] else 1)
    return count / (4 if part in ("quarter", "ربع") else 3)


def _scaled(folded: str, value: float, end: int) -> tuple[float, int]:
    while match := re.match(r"[\s-]+([^\W\d_]+)", folded[end:]):
        scale = _SCALES.get(match.group(1))
        if scale is None:
            break
        value, end = value * scale, end + match.end()
    return value, end


def _read_words(folded: str, start: int) -> tuple[float, int] | None:
    """A number in words that starts here: its value and end."""
    total, current, end, position = 0.0, 0.0, start, start
    seen = False
    while match := _NEXT_WORD.match(folded, position):
        word = match.group(1)
        value = _word_value(word, folded, match.end())
        for clitic in _CLITICS:
            if value is None and word.startswith(clitic):
                value = _word_value(word[len(clitic) :], folded, match.end())
        scale = _SCALES.get(word) or (_SCALES.get(word[1:]) if word[:1] == "و" else None)
        dual = _DUALS.get(word) or _DUALS.get(re.sub("^[وفبل]", "", word))
        if dual is not None and not seen:
            total, seen = total + dual, True
        elif word in _TEN and 0 < current < 10:  # «خمسة عشر»
            current += 10
        elif scale is not None and (seen or _one(word, folded, match.start(1))):
            seen = True
            total, current = total + (current or 1.0) * scale, 0.0
        elif value == 100.0 and current:
            current *= 100
        elif value is not None and (not seen or current == 0.0 or _adds(current, value)):
            current, seen = current + value, True
        elif not (seen and word == "and"):
            break
        end = match.end()
        position = match.end()
    return (total + current, end) if seen else None


def _word_value(word: str, folded: str, end: int) -> float | None:
    """The value of a number word that ends at ``end``, of some only before a ten."""
    value = _WORDS.get(word)
    if value is None and _TEN_FOLLOWS.match(folded, end):
        value = _BEFORE_TEN.get(word)
    if value is None and _TENS_FOLLOW.match(folded, end):
        value = _BEFORE_TENS.get(word)
    return value


def _one(word: str, folded: str, start: int) -> bool:
    """Whether a scale word stands for one of it: «مليون دينار»."""
    bare = word[1:] if word[:1] in "وب" and word[1:] in _ONE_SCALE else word
    return bare in _ONE_SCALE and _PART.search(folded, 0, start) is None


def _adds(current: float, value: float) -> bool:
    """Whether a number word continues the one before: 20 + 4, 100 + 50; 3 + 20 as in Arabic."""
    return (
        (value < 10 and current % 10 == 0)
        or (value < 100 <= current)
        or (current < 10 and 20 <= value < 100)
    )


def missing_figures(claim: str, evidence: str) -> list[float]:
    """Values of the figures of ``claim`` that ``evidence`` does not hold, as a share in percent
    where the claim has them so.

    "Two" in words may stand for an Arabic dual (البلدان, "the two countries"), which no list of
    words can tell, so it is not asked for. A figure that the evidence gives rounded or in words
    counts as the same only if the values are equal.
    """
    told = find_figures(evidence)
    held = {f.value for f in told}
    # A range or product may leave the bare number beside its scale: keep both readings.
    held |= {_value(m.group(1)) for m in _NUMBER.finditer(fold(evidence))}
    shares = _shares(claim) - _shares_held(evidence)
    return [
        f.value
        for f in find_figures(claim)
        if (f.value not in held and not (f.value == 2 and not f.digits)) or f.value in shares
    ]


def _shares(text: str) -> set[float]:
    """Values of the figures that stand beside a word or sign for percent."""
    folded = fold(text)
    return {
        f.value
        for f in find_figures(text)
        if _PERCENT_AFTER.match(folded, f.end) or folded[: f.start].rstrip().endswith("%")
    }


def _shares_held(text: str) -> set[float]:
    """``_shares``, with figures of a range or a row that ends in one: «من 20 إلى 25 بالمئة»."""
    shares, figures, folded = _shares(text), find_figures(text), fold(text)
    for before, after in reversed(list(pairwise(figures))):
        if after.value in shares and _JOINT.fullmatch(folded, before.end, after.start):
            shares.add(before.value)
    return shares
