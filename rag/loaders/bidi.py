"""From the order in which a line is drawn to the order in which it is read.

A PDF gives glyphs with positions. Read from left to right, Arabic comes out backwards; this is
the inverse of the Unicode bidirectional algorithm (UAX #9) for one line, as far as printed news
needs it: Latin runs and numbers inside Arabic, Arabic runs inside Latin.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_JOINS_DIGITS = frozenset(".,:/-٫٬،")  # between two digits: 3.5, 17:45, 2020-09-17
_WITH_NUMBER = frozenset("%٪$€£¥°#+")  # beside a digit


def is_rtl(text: str) -> bool:
    """Whether a text has more right-to-left than left-to-right letters."""
    kinds = [_kind(character) for character in text]
    return kinds.count("R") > kinds.count("L")


def logical_order(units: Sequence[str], rtl: bool) -> str:
    """The text of a line whose ``units`` are given from left to right.

    A unit is what was drawn as one: a letter with its diacritics, or a ligature, itself in
    reading order. ``rtl`` is the direction of the paragraph.
    """
    kinds = [_unit_kind(unit) for unit in units]
    if not rtl:
        return "".join(
            "".join(run) if outside else logical_order(run, rtl=True)
            for run, outside in _runs(units, _outside_rtl_runs(kinds))
        )
    forward = _left_to_right_runs(units, kinds)
    return "".join("".join(_read(*run)) for run in reversed(_runs(units, forward)))


def _kind(character: str) -> str:
    """L, R, a digit (D) or neutral (N)."""
    kind = unicodedata.bidirectional(character)
    if kind in ("R", "AL"):
        return "R"
    if kind in ("EN", "AN"):
        return "D"
    return "L" if kind == "L" else "N"


def _unit_kind(unit: str) -> str:
    kinds = {_kind(character) for character in unit}
    return next((kind for kind in "RLD" if kind in kinds), "N")


def _left_to_right_runs(units: Sequence[str], kinds: Sequence[str]) -> list[bool]:
    """Which units of a right-to-left line are read left to right: Latin words and numbers."""
    ltr = [kind in "LD" for kind in kinds]
    last = None  # the last letter or digit that was passed
    for i, kind in enumerate(kinds):
        if kind == "N":
            continue
        if last is not None and i - last > 1 and kind != "R" and kinds[last] != "R":
            between = units[last + 1 : i]
            # What stands between Latin words belongs to them, and a number after Latin does too
            # ("World Cup 2022"); two numbers are one only if a single sign joins them.
            single = len(between) == 1 and between[0] in _JOINS_DIGITS
            if kinds[last] == "L" or (kind == "D" and single) or (kind == "L" and single):
                ltr[last + 1 : i] = [True] * len(between)
        last = i
    for i, unit in enumerate(units):
        beside = (i > 0 and kinds[i - 1] == "D") or (i + 1 < len(units) and kinds[i + 1] == "D")
        if unit in _WITH_NUMBER and beside:
            ltr[i] = True
    return ltr


def _outside_rtl_runs(kinds: Sequence[str]) -> list[bool]:
    """Which units of a left-to-right line lie outside its right-to-left runs."""
    ltr = [True] * len(kinds)
    last = None  # the last right-to-left letter with nothing Latin after it
    for i, kind in enumerate(kinds):
        if kind == "R":
            start = i if last is None else last
            ltr[start : i + 1] = [False] * (i + 1 - start)
            last = i
        elif kind == "L":
            last = None
    return ltr


def _runs(units: Sequence[str], ltr: Sequence[bool]) -> list[tuple[list[str], bool]]:
    runs: list[tuple[list[str], bool]] = []
    for unit, forward in zip(units, ltr, strict=True):
        if not runs or runs[-1][1] != forward:
            runs.append(([], forward))
        runs[-1][0].append(unit)
    return runs


def _read(run: list[str], forward: bool) -> list[str]:
    return run if forward else [unit.translate(_MIRRORED) for unit in reversed(run)]
