"""What the first and last lines of a news text say about it: outlet, headline, date.

Nothing is taken out of the text: the lines are read where they stand and stay there. Every rule
wants a known form and, for outlets, a known name or a word that only outlets have in theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.loaders.dates import date_line, find_dates
from vectorstore.arabic import fold
from vectorstore.outlets import SEPARATOR, canonical, is_outlet

HEAD_LINES = 6  # lines with text that are looked at from the top, and below: from the bottom
TAIL_LINES = 2
LONGEST_TITLE = 200  # characters
LONGEST_OUTLET = 60
LONGEST_DATELINE = 100
LONGEST_PLACE = 3  # words

_MEDIA_WORD = re.compile(
    r"(?<!\w)(?:وكاله|شبكه|صحيفه|جريده|قناه|موقع|مجله|اذاعه|الاخباريه|الانباء|للانباء|نيوز|برس|"
    r"news|press|agency|times|gazette|herald|tribune|online|newspaper|tv)(?!\w)"
)
_LABELLED = re.compile(r"^\W*(?:المصدر|source)\s*[:：]\s*(?P<name>.{2,60}?)\W*$", re.IGNORECASE)
# "بكين 17 سبتمبر 2020 (شينخوا) --", "LONDON, Sept 17 (Reuters) -", "(أ ف ب) -"
_DATELINE = re.compile(r"^(?P<place>[^().\n]{0,60}?)\s*\({1,2}(?P<names>[^()\n]{2,40})\){1,2}")
# "القاهرة - رويترز:", "جدة ـ واس", "عين اليوم - الرياض"
_BYLINE = re.compile(
    r"^(?P<left>[\w\s«»\"]{2,30}?)\s*[-–—ـ]\s*(?P<right>[^-–—ـ:\n]{2,30}?)\s*(?::|$)"
)
# "الرياض 25 شوال 1436 هـ الموافق 10 أغسطس 2015 م واس"
_DATE_AND_AGENCY = re.compile(r"^(?P<place>.*\d.*?)\s(?P<name>\w+)$")
_PERSON_LINE = re.compile(r"^[\w\s]{2,20}\s*[-–—ـ]\s*[\w\s.]{2,30}:?$")  # "جدة ـ" and a name
_SIGNATURE = re.compile(r"\({1,2}(?P<names>[^()\n]{2,40})\){1,2}\W*$")
_FINAL_MARK = tuple(".…:؛;،,۔")
_HEADING = re.compile(r"^ {0,3}#{1,2}[ \t]+(?P<title>.*?)[ \t#]*$")


@dataclass(frozen=True)
class Head:
    """What a text says about itself; None where it says nothing.

    ``source`` names the publisher first and the agency of the story after it, each as written.
    """

    title: str | None = None
    source: str | None = None
    date: str | None = None


def read_head(text: str) -> Head:
    """Outlet lines, headline, date line and dateline of a news text."""
    lines = _lines(text)
    if not lines:
        return Head()
    sources: list[str] = []
    title = date = None
    body = 0  # lines that belong to the head
    for number, (line, blank_after) in enumerate(lines[:HEAD_LINES]):
        outlet = _outlet_line(line)
        found_date = date_line(line)
        if outlet:
            sources.append(outlet)
        elif found_date:
            date = date or found_date
        elif title is None and number == body and _is_title(lines, number, blank_after):
            title = _plain(line)
        else:
            agencies, line_date = _dateline(line)
            sources += agencies
            date = date or line_date
            if agencies or number > body + 2:
                break
            continue
        body = number + 1
    for line, _ in lines[-TAIL_LINES:] if len(lines) > body + 1 else ():
        date = date or date_line(line)
        outlet = _outlet_line(line)
        sources += [outlet] if outlet else []
        if not sources and (match := _SIGNATURE.search(line)):
            sources += _known_names(match["names"])
    return Head(title, _joined(sources), date)


def _lines(text: str) -> list[tuple[str, bool]]:
    """(stripped line, whether an empty line or the end follows) for the lines with text.

    Only the first and last 20,000 characters are looked at.
    """
    if len(text) > 40_000:
        text = text[:20_000] + "\n" + text[-20_000:]
    raw = [line.strip(" \t\xa0\u200e\u200f\ufeff") for line in text.splitlines()]
    return [
        (line, i + 1 == len(raw) or not raw[i + 1].strip()) for i, line in enumerate(raw) if line
    ]


def _outlet_line(line: str) -> str | None:
    """The outlet that a line names and says nothing more, with or without a slash at its end."""
    if match := _LABELLED.match(line):
        return match["name"].strip()
    name = line.rstrip("/ \t\xa0").strip("()[] \t")
    if not name or len(name) > LONGEST_OUTLET or name.endswith(_FINAL_MARK):
        return None
    if is_outlet(name):
        return name
    slash = line.endswith("/")
    return name if slash and is_outlet(name, ambiguous=True) or slash and _media(name) else None


def _media(name: str) -> bool:
    return len(name.split()) <= 8 and bool(_MEDIA_WORD.search(fold(name)))


def _is_title(lines: list[tuple[str, bool]], number: int, blank_after: bool) -> bool:
    """A short line that is no sentence, set apart from a longer text that follows."""
    line, _ = lines[number]
    if number + 1 == len(lines) or len(line) > LONGEST_TITLE:
        return False
    if _HEADING.match(line):
        return True
    following = lines[number + 1][0]
    apart = blank_after or bool(
        _outlet_line(following) or date_line(following) or _dateline(following)[0]
    )
    rest = sum(len(other) for other, _ in lines[number + 1 :])
    return (
        apart
        and not line.endswith(_FINAL_MARK)
        and any(map(str.isalpha, line))
        and rest > len(line)
        and not _dateline(line)[0]
        and not (_PERSON_LINE.match(line) and len(line.split()) <= 6)
    )


def _plain(line: str) -> str:
    """A headline without the marks of a Markdown heading."""
    match = _HEADING.match(line)
    return match["title"] if match else line


def _dateline(line: str) -> tuple[list[str], str | None]:
    """The agencies that the beginning of a report names, and its date if that has a year."""
    if match := _DATELINE.match(line):
        # "جدة (المدينة)" names a newspaper, a city in brackets further into a sentence does not.
        short = len(match["place"].split()) <= LONGEST_PLACE
        if agencies := _known_names(match["names"], ambiguous=short):
            dates = find_dates(match["place"])
            return agencies, dates[0][0] if dates else None
    if match := _BYLINE.match(line):
        for names in (match["right"], match["left"]):
            if agencies := _known_names(names, ambiguous=names.strip().startswith(("«", '"'))):
                return agencies, None
    if len(line) <= LONGEST_DATELINE and (match := _DATE_AND_AGENCY.match(line)):
        dates = find_dates(match["place"])
        if dates and is_outlet(match["name"], ambiguous=True):
            return [match["name"]], dates[0][0]
    return [], None


def _known_names(names: str, ambiguous: bool = False) -> list[str]:
    """The outlets of "رويترز، أ ف ب"; empty unless each of the names is one."""
    names = names.strip(' \t\xa0«»"“”')
    if is_outlet(names, ambiguous=ambiguous):
        return [names]
    split = [n.strip() for n in re.split(r"[،,/]| و(?=\w)| - ", names)]
    known = all(is_outlet(n, ambiguous=ambiguous) for n in split)
    return split if len(split) > 1 and known else []


def _joined(sources: list[str]) -> str | None:
    """Names joined, an outlet that comes under two names only once."""
    unique = {canonical(source): source for source in reversed(sources)}
    ordered = [s for s in dict.fromkeys(sources) if unique.get(canonical(s)) == s]
    return SEPARATOR.join(ordered) or None
