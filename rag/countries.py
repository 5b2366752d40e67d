"""Which countries a question names, and whether an article names them at all.

What China trades with Russia reads almost like an answer to what it trades with Mongolia. An
article in which a country of the question does not occur, neither by its name nor by that of its
people, does not answer the question. Of 1,188 questions of XQuAD three name a country that is not
in the paragraph that answers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from babel import Locale

from rag.excerpts import offers_answers
from rag.language import in_script_of
from rag.names import Glossary
from vectorstore.arabic import fold

BEGINNING = 4  # letters that a country and its people share: «قازاقستان» and «قازاقي»
SHORT = 3  # letters
# Other words by which a text may mean a country, folded: beginnings of four letters and more, whole
# words of fewer.
_ALSO = {
    "AE": "امارات دبي ابوظبي uae emirat dubai",
    "CH": "سويسر swiss",
    "CI": "ساحل ivor",
    "CN": "صيني تشاينا بكين beijing chin",
    "CZ": "تشيك czech",
    "DK": "دنمارك danish danes",
    "DZ": "جزاير",
    "ES": "اسبان مدريد spanish spain",
    "FR": "فرنس باريس french paris",
    "GB": "بريطان انجل لندن england english brit london uk",
    "IE": "ايرلند irish dublin",
    "IN": "هندي هنود",
    "IR": "طهران tehran",
    "JO": "اردن",
    "KP": "بيونغ pyong",
    "MA": "مغرب مغارب",
    "MM": "بورما burm",
    "NL": "هولند dutch",
    "PL": "بولند polish poles",
    "PS": "فلسطين غزه رام gaza palest",
    "RS": "صرب serb",
    "RU": "روس موسكو moscow",
    "SA": "سعود مملكه رياض saudi kingdom riyadh",
    "SY": "سوري دمشق damascus",
    "TR": "تركي اتراك انقره turk ankara",
    "US": "امريك اميرك واشنطن america washington us usa",
}
_WORD = re.compile(r"\w+")
_CLITICS = re.compile(r"[وف]?[بلك]?(?:ال)?")
_COMPARES = re.compile(r"\b(?:compare\w*|than|versus|both)\b|(?<!\w)(?:مقارنة|كلا|كل من)(?!\w)")


@cache
def _codes() -> dict[str, str]:
    """CLDR's codes of countries by their English names."""
    names = Locale("en").territories
    return {name: code for code, name in names.items() if len(code) == 2 and code.isalpha()}


def countries(question: str, glossary: Glossary) -> dict[str, list[str]]:
    """The countries that a question is about: their codes, with their names in both languages.

    None of one that compares, which articles about a country each may answer together.
    """
    if offers_answers(question) or _COMPARES.search(question):
        return {}
    return countries_in(question, glossary)


def countries_in(text: str, glossary: Glossary) -> dict[str, list[str]]:
    """The countries that a text names: their codes, with their names in both languages.

    None of an English name that is part of a longer one («Chad Kroeger»).
    """
    if in_script_of(text, "ar"):
        terms = [match.term for match in glossary.find_arabic(text)]
    else:
        terms = glossary.find_english(text)
    found = {code: t.english for t in terms if t.name and (code := _codes().get(t.english))}
    return {
        code: [english, *(t.arabic for t in glossary.find_english(english))]
        for code, english in found.items()
        if not re.search(rf"\b{re.escape(english)}\s+[A-Z]", text)
    }


def is_country(name: str, glossary: Glossary) -> bool:
    """Whether a name is a country's in either language, and not one that holds it."""
    called = name.removeprefix("The ").casefold()
    found = countries_in(name, glossary).values()
    return any(called == known.casefold() for names in found for known in names)


def names_all(text: str, named: dict[str, list[str]]) -> bool:
    """Whether a text of either language names countries, each at least by the beginning of a word.

    ``named``: as ``countries`` gives them.
    """
    words = {form for word in _WORD.findall(fold(text)) for form in _forms(word)}
    return all(_held(code, names, words) for code, names in named.items())


def _forms(word: str) -> Iterator[str]:
    """A folded word, and what is left of it without any of the particles that it may begin with."""
    most = _CLITICS.match(word).end()
    yield from (word[i:] for i in range(min(most, len(word) - 2) + 1))
    if word.startswith("لل"):
        yield word[2:]


def _held(code: str, names: Iterable[str], words: set[str]) -> bool:
    also = _ALSO.get(code, "").split()
    beginnings = tuple(beginning for name in names if (beginning := _beginning(name)))
    long = (*beginnings, *(word for word in also if len(word) > SHORT))
    short = {word for word in also if len(word) <= SHORT}
    return bool(short & words) or any(word.startswith(long) for word in words)


def _beginning(name: str) -> str:
    """What the words for a country and its people begin with, of a name's longest word."""
    longest = max((re.sub("^ال(?=..)", "", word) for word in name.split("(")[0].split()), key=len)
    folded = fold(longest)
    return folded[: min(BEGINNING, max(3, len(folded) - 1))]
