"""Outlets under their several names: شينخوا, Xinhua and وكالة أنباء الصين الجديدة are one.

The names are in ``outlets.toml``. An article's ``source`` may name several outlets, the publisher
first and the one it took the story from after it, joined by " / ".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from vectorstore.arabic import fold, fold_aligned

SEPARATOR = " / "

# Words that go before or after an outlet's name without being part of it, folded. Only the first
# ones make an ambiguous name an outlet: موقع المدينة is where a city lies.
_SURE_KINDS = "وكاله صحيفه جريده قناه newspaper agency daily channel website".split()
_KINDS = [*_SURE_KINDS, *"شبكه موقع مجله اذاعه بوابه تلفزيون magazine network".split()]
# After these, a word that is the name of a known outlet is meant as one; folded.
_SAYS = (
    r"(?:[وف]?ب?حسب|[وف]?وفقا?(?: ?ل)?|نقلا عن|[وف]?(?:ذكر|افاد|نقل|نشر|كتب|قال|اورد)ت?"
    r"|according to|reported by|published by|written in)"
)
_LEADING_KINDS = re.compile(rf"^(?:the |(?:{'|'.join(_KINDS)}) )+")
_TRAILING_KINDS = re.compile(rf"(?: (?:news|{'|'.join(_KINDS)}))+$")


@dataclass(frozen=True)
class Outlet:
    """An outlet of the table; ``name`` is its English name and identifies it."""

    name: str
    arabic: str
    aliases: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the English and the Arabic one first."""
        return tuple(dict.fromkeys((self.name, self.arabic, *self.aliases, *self.ambiguous)))


@cache
def outlets() -> dict[str, Outlet]:
    """The table, by English name."""
    data = tomllib.loads(files("vectorstore").joinpath("outlets.toml").read_text("utf-8"))
    table = (
        Outlet(**{k: v if isinstance(v, str) else tuple(v) for k, v in row.items()})
        for row in data["outlet"]
    )
    return {outlet.name: outlet for outlet in table}


def parts(source: str) -> tuple[str, ...]:
    """The outlets that a ``source`` names, as written."""
    return tuple(p for p in map(str.strip, source.split(SEPARATOR)) if p)


def canonical(name: str) -> str:
    """The English name of an outlet of the table; of another, its own name folded."""
    found = _lookup(name)
    return found[0] if found else _key(name)


def is_outlet(name: str, *, ambiguous: bool = False) -> bool:
    """Whether a name is one of the table's; ``ambiguous`` ones (الرياض) count only if asked."""
    key = _key(name)
    return any(
        ambiguous or _says_it_alone(key, outlets()[outlet], name.strip("()/ "))
        for outlet in _lookup(name)
    )


def same_outlet(wanted: str, source: str | None) -> bool:
    """Whether one of the outlets that ``source`` names is the ``wanted`` one.

    Names are compared folded and with aliases; of an outlet that is not in the table a run of
    whole words is enough ("Gazette" finds "The Harbour Gazette").
    """
    return any(_same_name(w, p) for w in parts(wanted) for p in parts(source or ""))


def display_name(source: str, language: str) -> str:
    """``source`` with the outlets of the table under their name in ``language`` ("ar" or "en")."""
    shown = []
    for part in parts(source):
        found = _lookup(part)
        if found:
            outlet = outlets()[found[0]]
            part = outlet.arabic if language == "ar" else outlet.name
        shown.append(part)
    return SEPARATOR.join(dict.fromkeys(shown))


def outlet_of_url(url: str) -> str | None:
    """The English name of the outlet that an address belongs to, None if it is not known."""
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:  # not an address, e.g. an unclosed IPv6 bracket
        return None
    labels = host.lower().split(".")
    domains = _domains()
    return next(
        (domains[d] for i in range(len(labels)) if (d := ".".join(labels[i:])) in domains), None
    )


def find_outlets(text: str, known: Iterable[str] = ()) -> list[str]:
    """Canonical names of the outlets that ``text`` (a question) names, in order of appearance.

    ``known``: sources of the archive, so that outlets outside the table are found too. A name of
    one word may be anything, so it counts only beside a word such as صحيفة or "newspaper" or
    after one such as وفق or "according to".
    """
    folded, origin = fold_aligned(text)
    found: list[tuple[int, str]] = []
    for match in _pattern().finditer(folded):
        start, end = match.span("name")
        first, last = origin[start], origin[end - 1] + 1
        helped = match.group("before") or match.group("after") or _quoted(text, first, last)
        # صحيفة الجزيرة is a name of its own: the word before it belongs to it.
        whole = (match.group("before") or "") + match.group("name")
        key = _without_prefix(whole) or _without_prefix(match.group("name"))
        found += [
            (start, name)
            for name in _index()[key][:1]
            if helped or _says_it_alone(key, outlets()[name], text[first:last])
        ]
    for part in {p for source in known for p in parts(source)}:
        key = _key(part)
        if key and not _lookup(part) and key.split()[-1].removeprefix("ال") in folded:
            match = re.search(_known_pattern(key), folded)
            found += [(match.start(), canonical(part))] if match else []
    return list(dict.fromkeys(name for _, name in sorted(found)))


def _key(name: str) -> str:
    """Folded, words only, separated by single spaces."""
    return " ".join(re.findall(r"\w+", fold(name).replace("'", "")))


@cache
def _index() -> dict[str, list[str]]:
    """Folded name → English names of the outlets that go by it."""
    index: dict[str, list[str]] = {}
    for outlet in outlets().values():
        for name in outlet.names:
            index.setdefault(_key(name), []).append(outlet.name)
    return {key: list(dict.fromkeys(names)) for key, names in index.items()}


@cache
def _domains() -> dict[str, str]:
    return {domain: outlet.name for outlet in outlets().values() for domain in outlet.domains}


@cache
def _lookup(name: str) -> tuple[str, ...]:
    """English names of the outlets of the table that go by ``name``."""
    key = _key(name)
    bare = _TRAILING_KINDS.sub("", _LEADING_KINDS.sub("", key))
    return tuple(_index().get(key) or _index().get(bare) or ())


def _same_name(wanted: str, part: str) -> bool:
    known = _lookup(part)
    asked = _lookup(wanted)
    if asked and known:
        return bool(set(asked) & set(known))
    # One of them is not in the table: its own words decide ("CGTN" in "CGTN Español").
    names = {_key(wanted)}
    for outlet in map(outlets().__getitem__, asked):
        names.update(_key(n) for n in outlet.names if n not in outlet.ambiguous)
    return any(name and f" {name} " in f" {_key(part)} " for name in names)


def _flexible(key: str) -> str:
    """A pattern of a folded name, with what Arabic writes onto its first word."""
    words = key.split()
    prefix = ""
    if words[0].startswith("ال"):
        prefix = "[وف]?(?:[بك]?ال|لل)"
        words[0] = words[0][2:]
    elif "\u0621" <= words[0][0] <= "\u064a":
        prefix = "[وف]?[بلك]?"
    return prefix + r"[\W_]{1,3}".join(map(re.escape, words))


def _without_prefix(matched: str) -> str:
    """The key in the index of a name written with a particle before it, "" if there is none."""
    key = _key(matched)
    for prefix in ("", "و", "ف", "ب", "ل", "ك", "وب", "ول", "وك", "فب", "فل", "فك"):
        for article in ("", "ال"):
            # ل and ال are written لل.
            start = prefix + "ل" if article and prefix.endswith("ل") else prefix + article
            name = article + key.removeprefix(start)
            if key.startswith(start) and name in _index():
                return name
    return ""


@cache
def _pattern() -> re.Pattern[str]:
    # The longest name first, so that "Al Arabiya" is not sought inside a longer one.
    names = "|".join(map(_flexible, sorted(_index(), key=lambda key: (-len(key), key))))
    kind = rf"[وف]?(?:[بلك]?(?:ال)?|لل)(?:{'|'.join(_SURE_KINDS)})"
    return re.compile(
        rf"(?<!\w)(?P<before>{kind}\s+[\"'(]?)?(?P<name>{names})(?!\w)(?P<after>\s+{kind}(?!\w))?"
    )


def _known_pattern(key: str) -> str:
    """A pattern of the folded name of an outlet that is not in the table."""
    name = rf"(?<!\w){_flexible(key)}(?!\w)"
    if " " in key:
        return name
    kind = rf"[وف]?(?:[بلك]?(?:ال)?|لل)(?:{'|'.join(_KINDS)})"
    return rf"(?<!\w)(?:{kind}|{_SAYS})\s+[\"'(]?{name}|{name}[\"')]?\s+{kind}(?!\w)"


def _quoted(text: str, start: int, end: int) -> bool:
    marks = "«»\"“”„'"
    return start > 0 and text[start - 1] in marks and text[end : end + 1] in tuple(marks)


def _says_it_alone(key: str, outlet: Outlet, written: str) -> bool:
    """Whether a name means the outlet without help: it is unambiguous, or in Latin capitals."""
    ambiguous = key in map(_key, outlet.ambiguous)
    return not ambiguous or (written.isascii() and written.isupper())
