"""The days, months and years that a question names: «في سبتمبر 2020», "on 3 May", "in 2019"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from rag.loaders.dates import month_names
from vectorstore.arabic import fold

_YEAR = r"(?:1[89]|20)\d\d"
_YEAR_ALONE = re.compile(rf"(?<![\w.,/-]){_YEAR}(?![.,/-]?\d)(?!\w)")
# The day first, as Arabic and most other languages write it.
_NUMERIC = re.compile(
    rf"(?<!\d)(?P<y1>{_YEAR})[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)(?!\d)"
    rf"|(?<!\d)(?P<d2>\d\d?)[-/.](?P<m2>\d\d?)[-/.](?P<y2>{_YEAR})(?!\d)"
)
_DAY_BEFORE = re.compile(r"(?<![\w.,])(\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+|من\s+)?(?:شهر\s+)?$")
_DAY_AFTER = re.compile(r"\s+(\d\d?)(?:st|nd|rd|th)?(?![\d.,]*\d)(?!\w)")
_YEAR_AFTER = re.compile(
    rf"[\s,]+(?:\d\d?(?:st|nd|rd|th)?,?\s+)?(?:of\s+|(?:من\s+)?(?:عام|سنه)\s+)?({_YEAR})(?!\d)"
)
# What tells a month from a word that is spelled like it ("may", "march", «مارس» "he practised")
# where neither a day nor a year stands beside it.
_SAYS_MONTH = re.compile(
    r"(?:\b(?:in|of|during|since|until|last|this|early|late|mid)[\s-]+"
    r"|(?<!\w)[وف]?[بل]?(?:في|خلال|منذ|حتي|شهر|مطلع|اوائل|اواخر|منتصف|بدايه|نهايه)\s+)$"
)


@dataclass(frozen=True)
class Period:
    """A day, a month or a year. What is None may be any: "in May" is the May of every year."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def covers(self, published: str | None) -> bool:
        """Whether an article of that date (ISO 8601) may tell what happened then.

        News of a day is often dated the day after.
        """
        if published is None:
            return False
        try:
            day = date.fromisoformat(published[:10])
        except ValueError:
            return False
        return self._holds(day) or (self.day is not None and self._holds(day - timedelta(days=1)))

    def range(self) -> tuple[str, str] | None:
        """First and last day that ``covers`` is true of, ISO 8601; None where any year will do."""
        if self.year is None:
            return None
        if self.month is not None and self.day is not None:
            first = date(self.year, self.month, self.day)
            return first.isoformat(), (first + timedelta(days=1)).isoformat()
        first, last = self.month or 1, self.month or 12
        end = calendar.monthrange(self.year, last)[1]
        return date(self.year, first, 1).isoformat(), date(self.year, last, end).isoformat()

    def _holds(self, day: date) -> bool:
        pairs = ((self.year, day.year), (self.month, day.month), (self.day, day.day))
        return all(wanted in (None, found) for wanted, found in pairs)


def find_periods(question: str) -> list[Period]:
    """The periods that a question names, each once: in figures, by a month's name, a year alone."""
    text = fold(question)
    found: list[Period] = []
    for m in _NUMERIC.finditer(text):
        if (period := _period(*(m[f"{f}1"] or m[f"{f}2"] for f in "ymd"))) is not None:
            found.append(period)
    text = _NUMERIC.sub(" ", text)
    for m in _month().finditer(text):
        before, after = text[: m.start()], text[m.end() :]
        year = _YEAR_AFTER.match(after)
        day = _DAY_BEFORE.search(before) or _DAY_AFTER.match(after)
        if year or day or _SAYS_MONTH.search(before):
            period = _period(year and year[1], month_names()[m["name"]], day and day[1])
            found += [period] if period is not None else []
    dated = {period.year for period in found}
    alone = [Period(int(m[0])) for m in _YEAR_ALONE.finditer(text)]
    return list(dict.fromkeys([*found, *(p for p in alone if p.year not in dated)]))


def _period(year: str | None, month: str | int, day: str | None) -> Period | None:
    """None for a day that no calendar has."""
    y, m, d = (int(part) if part else None for part in (year, month, day))
    try:
        date(y or 2000, m, d or 1)  # a leap year, so that 29 February passes
    except ValueError:
        return None
    return Period(y, m, d)


@cache
def _month() -> re.Pattern[str]:
    """A month's name, perhaps with a particle written onto it; «أيلول/سبتمبر» is one month."""
    names = sorted(map(re.escape, month_names()), key=len, reverse=True)
    either = "|".join(names)
    return re.compile(rf"(?<!\w)[وفبل]?(?P<name>{either})\.?(?:\s*[/(]\s*(?:{either})\)?)?(?!\w)")
