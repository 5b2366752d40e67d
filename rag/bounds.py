"""Words that bound a figure: «ما يقرب من 150», "more than 2,000"."""

from __future__ import annotations

import re

from rag.figures import find_figures
from vectorstore.arabic import fold_aligned

# What is said of a figure, in Arabic and in English; the first English words are written.
# «لا يقل عن» stands before «يقل عن», which it holds.
_BOUNDS = (
    ("(?:ما )?لا يقل عن", "at least|no less than|not less than"),
    ("(?:أكثر|أزيد|أكبر) من|(?:ما )?يزيد (?:على|عن)|يتجاوز|يفوق", "more than|over"),
    ("أقل من|(?:ما )?يقل عن", "less than|fewer than|under"),
    ("ما يصل إلى", "up to|at most"),
    (
        "(?:ما )?يقرب من|(?:ما )?يقارب|نحو|حوالي|قرابة|زهاء",
        "nearly|almost|about|around|approximately|roughly|close to",
    ),
)
_ARABIC = [re.compile(rf"(?<!\w)[وفبل]{{0,2}}(?P<words>{ar})\s+$") for ar, _ in _BOUNDS]
_ENGLISH = [re.compile(rf"\b(?P<words>{en})\s+$", re.IGNORECASE) for _, en in _BOUNDS]


def with_bounds(start: int, text: str) -> int:
    """Where a figure that stands at ``start`` begins with the words before it that bound it."""
    _, found = _bound(_ARABIC, text[:start])
    if found is None:
        _, found = _bound(_ENGLISH, text[:start])
    figure = found and any(f.start == 0 for f in find_figures(text[start:]))
    return found.start("words") if figure else start


def with_bounds_of(translation: str, source: str) -> str:
    """An English translation in which figures are bounded as in the Arabic ``source``.

    A small model translates «ما يقرب من 150» as "more than 150". Figures in digits that both texts
    have once are looked at.
    """
    told, held = find_figures(translation), find_figures(source)
    _, at = fold_aligned(translation)
    _, source_at = fold_aligned(source)
    for figure in reversed(told):
        same = [f for f in held if f.value == figure.value]
        once = sum(f.value == figure.value for f in told) == len(same) == 1
        if not (once and figure.digits):
            continue
        before, after = translation[: at[figure.start]], translation[at[figure.start] :]
        meant, _ = _bound(_ARABIC, source[: source_at[same[0].start]])
        said, words = _bound(_ENGLISH, before)
        if meant != said:
            kept = before[: words.start("words")] if words else before
            bound = "" if meant is None else _BOUNDS[meant][1].split("|")[0] + " "
            translation = kept + bound + after
    return translation


def _bound(
    patterns: list[re.Pattern[str]], before: str
) -> tuple[int, re.Match[str]] | tuple[None, None]:
    """Which of ``_BOUNDS`` ends the words before a figure, and the match."""
    for i, pattern in enumerate(patterns):
        if found := pattern.search(before):
            return i, found
    return None, None
