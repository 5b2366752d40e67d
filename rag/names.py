"""The bilingual glossary: Arabic names and terms with their English, for questions that cross.

Countries, languages, cities, months and currencies come from CLDR (through Babel), outlets from
the archive's table, names and terms of the news from ``data/lexicon.tsv``, which win over both, and
the user's own names from the settings, which win over all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from babel import Locale

from rag.transliteration import arabic_skeleton, find_transliterated, latin_skeleton
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.outlets import outlets

_ARABIC_WORD = re.compile(r"[\u0621-\u065f\u0670-\u06d3]+")
_LATIN_NAME = re.compile(r"[A-Z][\w'’-]*[A-Za-z]|[A-Z]{2,}")
_LATIN_WORD = re.compile(r"[A-Za-z][\w'’-]*")
_CROSSING = re.compile(r"\d+(?:[.,]\d+)*%?|[A-Za-z][A-Za-z0-9'-]*")
_ENGLISH_CROSSING = re.compile(r"\d[\d.,]*%?|\b[A-Z]{2,}\d*\b")  # English words do not cross
_COMMON_NOUN = re.compile(r"ال\w+")  # an outlet called "the event" is a noun in running text
_LONGEST = 6  # words of a term


@dataclass(frozen=True)
class Term:
    """An Arabic name or term and its English; ``name`` tells proper names from common words."""

    arabic: str
    english: str
    name: bool


@dataclass(frozen=True)
class Match:
    """A term found in a text, ``text[start:end]``, clitics in front included."""

    term: Term
    start: int
    end: int


class Glossary:
    """Looks terms up in texts of either language. Safe to use from several threads.

    A run of Arabic words is looked up as it is written, clitics taken off, and only then by its
    stems, which bring inflected forms but also strangers together (لندن, "London", and بولندا,
    "Poland"). Single words of CLDR and outlets are never looked up by stem.
    """

    def __init__(self, own_names: Mapping[str, str] | None = None) -> None:
        self._own = tuple(
            Term(arabic, english, True) for english, arabic in (own_names or {}).items()
        )

    # The tables are made at the first look-up: stemming some ten thousand terms takes a second,
    # which a command that asks nothing need not wait for.

    def load(self) -> None:
        """Make the tables now, so that the first look-up does not wait for them."""
        _ = self._written, self._stems, self._english

    @cached_property
    def _written(self) -> dict[tuple[str, ...], Term]:
        def key(term: Term) -> tuple[str, ...]:
            return tuple(_without_article(fold(w)) for w in _ARABIC_WORD.findall(term.arabic))

        return _first_by(key, (*self._own, *_lexicon(), *_cldr_names(), *_outlets()))

    @cached_property
    def _stems(self) -> dict[tuple[str, ...], Term]:
        phrases = (t for t in _cldr_names() if " " in t.arabic)
        return _first_by(lambda t: tuple(analyse(t.arabic)), (*self._own, *_lexicon(), *phrases))

    @cached_property
    def _english(self) -> dict[tuple[str, ...], list[Term]]:
        table: dict[tuple[str, ...], list[Term]] = {}
        for term in (*self._own, *_lexicon(), *_cldr_names(), *_outlets()):
            if key := tuple(analyse(term.english)):
                table.setdefault(key, []).append(term)
        return table

    def find_arabic(self, text: str) -> list[Match]:
        """Terms in an Arabic text, longest first at each place, in order, not overlapping."""
        words = [(m.start(), m.end(), m.group()) for m in _ARABIC_WORD.finditer(text)]
        return _longest_matches(words, self._term)

    def _term(self, words: Sequence[str]) -> Term | None:
        rest = tuple(_without_article(fold(w)) for w in words[1:])
        for first in _without_clitics(fold(words[0])):
            if term := self._written.get((first, *rest)):
                return term
        return self._stems.get(tuple(stem for w in words for stem in analyse(w)))

    def find_english(self, text: str) -> list[Term]:
        """Terms in an English text; one English term may have several Arabic spellings."""
        words = [(m.start(), m.end(), m.group()) for m in _LATIN_WORD.finditer(text)]

        def term(run: Sequence[str]) -> Term | None:
            found = self._english.get(tuple(stem for w in run for stem in analyse(w)))
            return found[0] if found else None

        return [
            spelling
            for match in _longest_matches(words, term)
            for spelling in self._english[tuple(analyse(match.term.english))]
        ]

    def crossing_terms(self, question: str, language: str) -> str:
        """What of a question can be searched in text of the other language, as one string.

        Figures and Latin strings stay as they are; names and terms are given in the other
        language.
        """
        if language == "ar":
            kept = _CROSSING.findall(question)
            translated = [m.term.english for m in self.find_arabic(question)]
        else:
            kept = _ENGLISH_CROSSING.findall(question)
            translated = [t.arabic for t in self.find_english(question)]
        return " ".join(dict.fromkeys([*kept, *translated]))

    def share_of_names(self, question: str, text: str) -> float:
        """Share of a question's names that a text holds, in either language; 1 without names.

        Names are those that the glossary knows, Latin words written large after the first, and
        figures.
        """
        present = set(analyse(text))
        held = [
            bool(present.intersection(analyse(m.term.arabic)))
            or bool(present.intersection(analyse(m.term.english)))
            for m in self.find_arabic(question)
            if m.term.name
        ]
        first = re.match(r"\W*\w+", question)
        for match in _LATIN_NAME.finditer(question, first.end() if first else 0):
            name = re.sub("['’]s$", "", match.group())
            known = [t.arabic for t in self.find_english(name)]
            held.append(
                bool(present.intersection(analyse(name)))
                or any(present.intersection(analyse(arabic)) for arabic in known)
                or find_transliterated(name, text) is not None
            )
        held += [figure in present for figure in analyse(question) if figure[0].isdigit()]
        return sum(held) / len(held) if held else 1.0

    def meanings(self, arabic: str, question: str = "", article: str = "") -> dict[str, str]:
        """Names and terms of an Arabic text with their English, in the text's order.

        The question's own spellings win («توكاييف» is "Toqaev" if it says so); a part of a longer
        name in ``article`` stands for its part («شي» for "Xi" after «شي جين بينغ»).
        """
        found: dict[str, str] = {}
        for latin in dict.fromkeys(_LATIN_NAME.findall(question)):
            name = re.sub("['’]s$", "", latin)
            if word := find_transliterated(name, arabic):
                found[word] = name
        for match in self.find_arabic(arabic):
            spelling = arabic[match.start : match.end]
            if not _among(spelling, found):
                found[spelling] = match.term.english
        for part, english in self._parts_of_names(article).items():
            for word in _ARABIC_WORD.findall(arabic):
                if part in _without_clitics(fold(word)) and not _among(word, found):
                    found[word] = english
        return dict(sorted(found.items(), key=lambda item: arabic.find(item[0])))

    def _parts_of_names(self, article: str) -> dict[str, str]:
        """First and last words of the names in an article, where their sounds agree."""
        parts: dict[str, str] = {}
        for term in {m.term for m in self.find_arabic(article) if m.term.name}:
            arabic, english = term.arabic.split(), term.english.split()
            if len(arabic) > 1 and len(english) > 1:
                for i in (0, -1):
                    if arabic_skeleton(arabic[i]) == latin_skeleton(english[i]):
                        parts.setdefault(fold(arabic[i]), english[i])
        return parts


def _first_by(
    key: Callable[[Term], tuple[str, ...]], terms: Iterable[Term]
) -> dict[tuple[str, ...], Term]:
    """Terms by their keys, the first of each key; those with an empty one left out."""
    table: dict[tuple[str, ...], Term] = {}
    for term in terms:
        if words := key(term):
            table.setdefault(words, term)
    return table


def _longest_matches(
    words: Sequence[tuple[int, int, str]], look_up: Callable[[Sequence[str]], Term | None]
) -> list[Match]:
    """Matches of runs of (start, end, word); a word without a stem can end or begin none."""
    matches = []
    i = 0
    while i < len(words):
        for length in range(min(_LONGEST, len(words) - i), 0, -1):
            run = words[i : i + length]
            if not (analyse(run[0][2]) and analyse(run[-1][2])):
                continue
            term = look_up([word for _, _, word in run])
            if term is not None:
                matches.append(Match(term, run[0][0], run[-1][1]))
                i += length
                break
        else:
            i += 1
    return matches


def _among(words: str, terms: Iterable[str]) -> bool:
    """Whether one of the terms is or holds these words: whole ones, «شي» is not in «شينخوا»."""
    return any(f" {words} " in f" {term} " for term in terms)


def _without_article(word: str) -> str:
    return word[2:] if word.startswith("ال") and len(word) > 4 else word


def _without_clitics(word: str) -> list[str]:
    """A folded word as it is, then without its conjunction, preposition and article.

    None for the empty word, which is what folding leaves of a tatweel that stands alone as a dash.
    """
    if not word:
        return []
    forms = [word]
    if word[0] in "وف" and len(word) > 3:
        forms.append(word[1:])
    for form in tuple(forms):
        if form.startswith("لل") and len(form) > 4:
            forms.append(form[2:])
        elif form[0] in "بلك" and len(form) > 3:
            forms.append(form[1:])
    return list(dict.fromkeys(_without_article(form) for form in forms))


@cache
def _cldr_names() -> tuple[Term, ...]:
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
def _outlets() -> tuple[Term, ...]:
    return tuple(
        Term(name, outlet.name, True)
        for outlet in outlets().values()
        for name in (outlet.arabic, *outlet.aliases)
        if _ARABIC_WORD.search(name) and not _COMMON_NOUN.fullmatch(name)
    )


@cache
def _lexicon() -> tuple[Term, ...]:
    terms = []
    text = files("rag").joinpath("data", "lexicon.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            arabic, english, kind = line.split("\t")
            terms.append(Term(arabic, english, kind == "name"))
    return tuple(terms)
