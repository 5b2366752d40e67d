"""Which countries a question names, and whether an article names them at all.

What China trades with Russia reads almost like an answer to what it trades with Mongolia. An
article in which a country of the question does not occur, neither by its name nor by that of its
people, does not answer the question. Of 1,188 questions of XQuAD three name a country that is not
in the paragraph that answers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from babel import Locale

from rag.language import in_script_of
from rag.names import Glossary
from vectorstore.arabic import fold

BEGINNING = 4  # letters that a country and its people share: «قازاقستان» and «قازاقي»
# Other beginnings by which a text may mean a country, folded.
_ALSO = {
    "AE": "امارات دبي ابوظبي uae emirat dubai",
    "CI": "ساحل ivor",
    "CZ": "تشيك czech",
    "DK": "دنمارك danish danes",
    "FR": "فرنس باريس french",
    "GB": "بريطان انجل لندن england english brit london uk",
    "KP": "بيونغ pyong",
    "MM": "بورما burm",
    "NL": "هولند dutch",
    "SA": "سعود مملكه رياض saudi kingdom riyadh",
    "TR": "ترك انقره turk ankara",
    "US": "امريك اميرك واشنطن america washington us u.s usa",
}
_WORD = re.compile(r"[\w.]+")
_CLITICS = re.compile(r"^[وفبلك]{0,2}(?:ال)?(?=..)")


@cache
def _codes() -> dict[str, str]:
    """CLDR's codes of countries by their English names."""
    names = Locale("en").territories
    return {name: code for code, name in names.items() if len(code) == 2 and code.isalpha()}


def countries(question: str, glossary: Glossary) -> dict[str, list[str]]:
    """The countries that a question names: their codes, with their names in both languages."""
    if in_script_of(question, "ar"):
        terms = [match.term for match in glossary.find_arabic(question)]
    else:
        terms = glossary.find_english(question)
    found = {code: t.english for t in terms if t.name and (code := _codes().get(t.english))}
    return {
        code: [english, *(t.arabic for t in glossary.find_english(english))]
        for code, english in found.items()
    }


def names_all(text: str, named: dict[str, list[str]]) -> bool:
    """Whether a text of either language names countries, each at least by the beginning of a word.

    ``named``: as ``countries`` gives them.
    """
    words = {form for word in _WORD.findall(fold(text)) for form in (word, _CLITICS.sub("", word))}
    return all(_held(code, names, words) for code, names in named.items())


def _held(code: str, names: Iterable[str], words: set[str]) -> bool:
    bare = (_CLITICS.sub("", fold(name)) if not name.isascii() else fold(name) for name in names)
    beginnings = {name.split()[0][:BEGINNING] for name in bare} | set(_ALSO.get(code, "").split())
    return any(word.startswith(tuple(beginnings)) for word in words)
