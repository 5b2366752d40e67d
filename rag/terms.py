"""Where the glossary's terms come from, in Arabic and English.

Names and terms of the news are in ``data/lexicon.tsv``, which wins over countries, cities, months
and currencies, which come from CLDR (through Babel), and outlets, from the archive's table.
``data/forms.tsv`` has what forms and runs of words mean in most sentences of the news: it serves
translation alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel import Locale

from vectorstore.outlets import outlets

ARABIC_WORD = re.compile(r"[\u0621-\u065f\u0670-\u06d3]+")
_LATIN = re.compile("[A-Za-z]")  # of "CGTN العربية" the Arabic word alone is no name
_COMMON_NOUN = re.compile(r"ال\w+")  # an outlet called "the event" is a noun in running text


@dataclass(frozen=True)
class Term:
    """An Arabic name or term and its English; ``name`` tells proper names from common words.

    ``phrase``: words that serve a sentence and tell nothing of its matter ("on the other hand"):
    of use in translating, not in searching. One without English («بشكل», the half of an adverb) is
    best left unsaid.
    """

    arabic: str
    english: str
    name: bool
    phrase: bool = False


@cache
def cldr_names() -> tuple[Term, ...]:
    arabic, english = Locale("ar"), Locale("en")
    terms = []
    for code, name in arabic.territories.items():
        if code in english.territories:
            terms.append(Term(name, english.territories[code], True))
    for zone, data in arabic.time_zones.items():
        city = english.time_zones.get(zone, {}).get("city") or zone.rsplit("/", 1)[-1].replace(
            "_", " "
        )
        if data.get("city"):
            terms.append(Term(data["city"], city, True))
    for locale in (arabic, Locale("ar", "SY"), Locale("ar", "DZ")):
        for month, name in locale.months["format"]["wide"].items():
            terms.append(Term(name, english.months["format"]["wide"][month], True))
    for code, name in arabic.currencies.items():
        if code in english.currencies:
            terms.append(Term(name, english.currencies[code], False))
    return tuple(terms)


@cache
def outlet_names() -> tuple[Term, ...]:
    return tuple(
        Term(name, outlet.name, True)
        for outlet in outlets().values()
        for name in (outlet.arabic, *outlet.aliases)
        if ARABIC_WORD.search(name) and not (_COMMON_NOUN.fullmatch(name) or _LATIN.search(name))
    )


@cache
def lexicon() -> tuple[Term, ...]:
    """Words and runs of words, most in their dictionary forms; the first of a word wins."""
    return _table("lexicon.tsv")


@cache
def readings() -> tuple[Term, ...]:
    """What forms and runs of words mean in most sentences of the news. They stand for no other
    forms than those with a conjunction, a preposition or an article before them."""
    return _table("forms.tsv")


def _table(name: str) -> tuple[Term, ...]:
    terms = []
    text = files("rag").joinpath("data", name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            arabic, english, kind = line.split("\t")
            terms.append(Term(arabic, english, kind == "name", kind == "phrase"))
    return tuple(terms)


@cache
def common_english() -> frozenset[str]:
    """Words that the lexicon's terms write small: at a sentence's beginning they name nothing."""
    words = (word for term in lexicon() if not term.name for word in term.english.split())
    return frozenset(word for word in words if word.islower())
