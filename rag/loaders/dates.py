"""Dates as news writes them. No date is better than a wrong one: what is ambiguous is None."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import cache

from babel import Locale

from vectorstore.arabic import fold

EARLIEST, LATEST = 1800, 2100  # years; a Hijri year lies below
_MONTH_LOCALES = ("en", "fr", "ar", "ar_SY", "ar_DZ", "ar_MA", "ar_TN", "ar_MR")
_OTHER_MONTHS = {"sept": 9, "ابريل": 4, "نيسان": 4, "اذار": 3, "ايلول": 9, "حزيران": 6, "تموز": 7}
_HIJRI_MONTHS = (
    "محرم صفر ربيع الاول الثاني الاخر جمادي الاولي الاخره رجب شعبان رمضان شوال القعده الحجه ذو ذي"
)
_LABELS = (
    "published on at date posted time الساعه نشر نشرت في تاريخ النشر الموافق يوم اخر am pm gmt utc "
    "مساء صباحا ص م هـ ه ق by بتوقيت غرينتش مكه المكرمه"
)
_UPDATED = re.compile(r"updated|modified|تحديث|تعديل")
_DIGIT = re.compile(r"\d")
_ISO = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)[/.](\d{1,2})[/.](\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})[/.-](\d{1,2})[/.-]((?:19|20)\d\d)(?!\d)")
_CLOCK = re.compile(r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\.\d+)?(?:z|[+-]\d\d:?\d\d)?")


def parse_date(value: object) -> str | None:
    """ISO 8601 of a metadata value: a date, a date and time, seconds since 1970, or words.

    A time is kept where the value is ISO 8601, RFC 2822 or a timestamp. None if the value is no
    date, or could be two different ones (03/04/2020).
    """
    if isinstance(value, datetime):
        return _in_range(value.isoformat())
    if isinstance(value, date):
        return _in_range(value.isoformat())
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_timestamp(float(value))
    if not isinstance(value, str) or len(value) > 200:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{10}|\d{13}", text):
        return _from_timestamp(float(text))
    try:
        moment = datetime.fromisoformat(text)
        bare = re.fullmatch(r"\d{4}-?\d\d-?\d\d", text)
        return _in_range((moment.date() if bare else moment).isoformat())
    except ValueError:
        pass
    try:
        return _in_range(parsedate_to_datetime(text).isoformat())
    except (ValueError, IndexError, TypeError):
        pass
    found = find_dates(text)
    return found[0][0] if len({iso for iso, _, _ in found}) == 1 else None


def find_dates(text: str) -> list[tuple[str, int, int]]:
    """Complete Gregorian dates in a short text: (ISO date, start, end) in ``fold(text)``."""
    folded = fold(text)
    # Day before month is how Arabic writes; in other text only a day above 12 tells them apart.
    arabic = bool(re.search(r"[\u0621-\u064a]", folded)) or bool(re.search(r"[٠-٩]", text))
    found: list[tuple[str, int, int]] = []
    for pattern in (_ISO, _YEAR_FIRST):
        for m in pattern.finditer(folded):
            _add(found, m, m[1], m[2], m[3])
    for m in _YEAR_LAST.finditer(folded):
        first, second = int(m[1]), int(m[2])
        if second <= 12 and (arabic or first > 12 or first == second):
            _add(found, m, m[3], second, first)
        elif first <= 12 < second and not arabic:
            _add(found, m, m[3], first, second)
    for m in _worded().finditer(folded):
        _add(found, m, m["y1"] or m["y2"], month_names()[m["m1"] or m["m2"]], m["d1"] or m["d2"])
    return sorted(found, key=lambda item: item[1])


def date_line(line: str) -> str | None:
    """The date of a line that says nothing else (weekday, time, "published" and Hijri allowed)."""
    if len(line) > 100 or not _DIGIT.search(line):
        return None
    found = find_dates(line)
    folded = fold(line)
    if not found or _UPDATED.search(folded[: found[0][1]]):
        return None
    if len({iso for iso, _, _ in found}) > 1 and not _UPDATED.search(folded):
        return None
    rest = folded
    for _, start, end in reversed(found):
        rest = rest[:start] + " " + rest[end:]
    rest = _CLOCK.sub(" ", rest)
    # What is left of a Hijri date: a day, a month's name and a year.
    words = [w for w in re.findall(r"\w+", rest) if not (w.isdigit() and len(w) <= 4)]
    return found[0][0] if all(w in _harmless() or _UPDATED.match(w) for w in words) else None


def _from_timestamp(seconds: float) -> str | None:
    if seconds > 1e11:  # milliseconds
        seconds /= 1000
    if not 0 < seconds < 4e9:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _in_range(iso: str) -> str | None:
    return iso if EARLIEST <= int(iso[:4]) <= LATEST else None


def _add(found: list[tuple[str, int, int]], match: re.Match[str], year, month, day) -> None:
    try:
        iso = date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return
    if _in_range(iso):
        found.append((iso, match.start(), match.end()))


@cache
def month_names() -> dict[str, int]:
    """Folded month names of English, French and Arabic as written in all its countries."""
    months = dict(_OTHER_MONTHS)
    for code in _MONTH_LOCALES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in Locale.parse(code).months[context][width].items():
                    folded = fold(name).rstrip(".")
                    if len(folded) > 2:
                        months.setdefault(folded, number)
    return months


@cache
def _harmless() -> frozenset[str]:
    """Folded words that may stand in a date line beside the date."""
    words = set(fold(f"{_HIJRI_MONTHS} {_LABELS}").split())
    for code in ("en", "fr", "ar"):
        for width in ("wide", "abbreviated"):
            for name in Locale.parse(code).days["format"][width].values():
                words.update(re.findall(r"\w+", fold(name)))
    words |= {word.removeprefix("ال") for word in words if len(word) > 4}
    return frozenset(words | {"الاثنين", "الاحد", "الثلاثاء", "الاربعاء"})


@cache
def _worded() -> re.Pattern[str]:
    names = "|".join(re.escape(n) for n in sorted(month_names(), key=len, reverse=True))
    year = r"(?:18|19|20|21)\d\d(?!\d)"
    # Levantine and other names are often given together: "17 ايلول/سبتمبر 2020".
    pair = rf"(?:\s*[/(]\s*(?:{names})\)?)?"
    return re.compile(
        rf"(?<!\d)(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s*[-/]?\s*(?:of\s+)?(?P<m1>{names})\.?{pair}"
        rf"\s*[-/,]?\s*(?P<y1>{year})"
        rf"|(?<!\w)(?P<m2>{names})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s*,\s*(?P<y2>{year})"
    )
