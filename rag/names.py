"""The bilingual glossary: Arabic names and terms with their English, for questions that cross.

Where they come from: ``rag.terms``. The user's own names, from the settings, win over all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rag.inflections import base_forms, nationality_forms, plural
from rag.terms import ARABIC_WORD, Term, cldr_names, lexicon, outlet_names, readings
from rag.transliteration import arabic_skeleton, find_transliterated, latin_skeleton
from vectorstore.analysis import analyse
from vectorstore.arabic import fold

_LATIN_NAME = re.compile(r"[A-Z][\w'’-]*[A-Za-z]|[A-Z]{2,}")
_LATIN_WORD = re.compile(r"[A-Za-z][\w'’-]*")
_CROSSING = re.compile(r"\d+(?:[.,]\d+)*%?|[A-Za-z][A-Za-z0-9'-]*")
_ENGLISH_CROSSING = re.compile(r"\d[\d.,]*%?|\b[A-Z]{2,}\d*\b")  # English words do not cross
_LONGEST = 6  # words of a term
_MARKS = re.compile("[\u0640\u064b-\u065f\u0670]")  # tatweel, vowels


@dataclass(frozen=True)
class Match:
    """A term found in a text, ``text[start:end]``, clitics in front included."""

    term: Term
    start: int
    end: int


class Glossary:
    """Looks terms up in texts of either language. Safe to use from several threads.

    A run of Arabic words is looked up as it is written, clitics taken off, then folded («اثر» may
    be «أثر», "effect", or «إثر», "following"). A single word is then looked up without its endings,
    two and more by their stems. Stems of single words bring strangers together (see
    ``rag.inflections``): of the 12,000 most frequent words of a news archive 637 had a meaning by
    their stem alone, of which, read by eye, a third were right; of those found by their endings
    alone four in five were. Names have no endings, but for nationalities. For translation, what
    forms and runs mean in the news (``rag.terms.readings``) is looked up before.
    """

    def __init__(self, own_names: Mapping[str, str] | None = None) -> None:
        self._own = tuple(
            Term(arabic, english, True) for english, arabic in (own_names or {}).items()
        )

    # The tables are made at the first look-up: stemming some ten thousand terms takes a second,
    # which a command that asks nothing need not wait for.

    def load(self) -> None:
        """Make the tables now, so that the first look-up does not wait for them."""
        _ = self._readings, self._spelt, self._folded, self._stems, self._english

    @cached_property
    def _spelt(self) -> dict[tuple[str, ...], Term]:
        table = _first_by(lambda t: tuple(_words(t.arabic)), self._terms())
        bare = _first_by(lambda t: tuple(map(_without_article, _words(t.arabic))), self._terms())
        return {**bare, **table}

    @cached_property
    def _readings(self) -> dict[tuple[str, ...], Term]:
        """Readings of forms and runs, but those with one of the user's own names in them."""
        own = [f" {term.arabic} " for term in self._own]
        kept = (t for t in readings() if not any(name in f" {t.arabic} " for name in own))
        return _first_by(lambda t: tuple(_words(t.arabic)), kept)

    @cached_property
    def _folded(self) -> dict[tuple[str, ...], Term]:
        def key(term: Term) -> tuple[str, ...]:
            # Folded last: «ألوان» is no «وان» with an article.
            return tuple(fold(_without_article(word)) for word in _words(term.arabic))

        return _first_by(key, self._terms())

    @cached_property
    def _stems(self) -> dict[tuple[str, ...], Term]:
        def key(term: Term) -> tuple[str, ...]:
            stems = tuple(analyse(term.arabic))
            return stems if len(stems) > 1 else ()

        terms = (*self._own, *lexicon(), *cldr_names())
        return _first_by(key, (t for t in terms if not t.phrase))

    def _terms(self) -> tuple[Term, ...]:
        return (*self._own, *lexicon(), *cldr_names(), *outlet_names())

    @cached_property
    def _english(self) -> dict[tuple[str, ...], list[Term]]:
        table: dict[tuple[str, ...], list[Term]] = {}
        for term in self._terms():
            if not term.phrase and (key := tuple(analyse(term.english))):
                table.setdefault(key, []).append(term)
        return table

    def find_arabic(self, text: str) -> list[Match]:
        """Terms in an Arabic text, longest first at each place, in order, not overlapping."""
        return _longest_matches(_placed(text), self._term)

    def _reading(self, words: Sequence[str]) -> Term | None:
        """What a run of words means in running text; a term without English says nothing of it."""
        plain = [_MARKS.sub("", word) for word in words]
        for first in _without_clitics(plain[0], alone=len(words) == 1):
            if term := self._readings.get((first, *plain[1:])):
                return term
        return self._term(words)

    def _term(self, words: Sequence[str]) -> Term | None:
        plain = [_MARKS.sub("", word) for word in words]
        rest = tuple(plain[1:])
        bare = tuple(map(_without_article, rest))
        firsts = _without_clitics(plain[0], alone=not rest)
        for first in firsts:
            if term := self._spelt.get((first, *rest)) or self._spelt.get((first, *bare)):
                return term
        # Folded, «فيه», "in it", would be «فئة», "group".
        if not rest and not analyse(plain[0]):
            return None
        folded = tuple(map(fold, bare))
        for first in firsts:
            if term := self._folded.get((fold(first), *folded)):
                return term
        if not rest:
            return self._inflected(plain[0])
        # A word without a stem ("in") can end or begin no run of stems.
        if analyse(plain[0]) and analyse(plain[-1]):
            return self._stems.get(tuple(stem for w in plain for stem in analyse(w)))
        return None

    def _inflected(self, word: str) -> Term | None:
        """The term of a single word of which the tables have another form."""
        for form in map(fold, _without_clitics(word, alone=True)):
            for base in nationality_forms(form):
                if (term := self._folded.get((base,))) and (
                    term.name or term.english[:1].isupper()
                ):
                    return term
            for base, many in base_forms(word, form):
                if (term := self._folded.get((base,))) and not term.name:
                    return replace(term, english=plural(term.english)) if many else term
        return None

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
            found = self.find_arabic(question)
            translated = [m.term.english for m in found if not m.term.phrase]
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
        starts: dict[str, int] = {}
        for latin in dict.fromkeys(_LATIN_NAME.findall(question)):
            name = re.sub("['’]s$", "", latin)
            if word := find_transliterated(name, arabic):
                found[word], starts[word] = name, arabic.find(word)
        for match in _longest_matches(_placed(arabic), self._reading):
            spelling = arabic[match.start : match.end]
            if match.term.english and not _among(spelling, found):
                found[spelling], starts[spelling] = match.term.english, match.start
        parts = self._parts_of_names(article)
        for match in ARABIC_WORD.finditer(arabic) if parts else ():
            word = match.group()
            for form in map(fold, _without_clitics(word, alone=True)):
                if form in parts and not _among(word, found):
                    found[word], starts[word] = parts[form], match.start()
        return dict(sorted(found.items(), key=lambda item: starts[item[0]]))

    def person(self, arabic: str, article: str = "") -> str | None:
        """The English of the name that an Arabic title and name end in, where it is known."""
        for spelling, english in self.meanings(arabic, article=article).items():
            if arabic.rstrip().endswith(spelling) and english[0].isupper():
                return english
        return None

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


def _placed(arabic: str) -> list[tuple[int, int, str]]:
    """The Arabic words of a text with where they begin and end."""
    return [(m.start(), m.end(), m.group()) for m in ARABIC_WORD.finditer(arabic)]


def _longest_matches(
    words: Sequence[tuple[int, int, str]], look_up: Callable[[Sequence[str]], Term | None]
) -> list[Match]:
    """Matches of runs of (start, end, word), the longest at each place."""
    matches = []
    i = 0
    while i < len(words):
        for length in range(min(_LONGEST, len(words) - i), 0, -1):
            run = words[i : i + length]
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


def _words(arabic: str) -> list[str]:
    return ARABIC_WORD.findall(_MARKS.sub("", arabic))


def _without_article(word: str) -> str:
    return word[2:] if word.startswith("ال") and len(word) > 4 else word


def _without_clitics(word: str, *, alone: bool) -> list[str]:
    """A word as it is, then without its conjunction, preposition and article.

    ``alone``: a single word, of which more than two letters must remain; the first of several may
    be «وفي». None for the empty word, which is what is left of a tatweel that stands alone as a
    dash.
    """
    if not word:
        return []
    forms = [word]
    if word[0] in "وف" and len(word) > (3 if alone else 2):
        forms.append(word[1:])
    for form in tuple(forms):
        if form.startswith("لل") and len(form) > 4:
            forms += [form[2:], form[1:]]  # «للاعبين» is of «لاعبين»
        elif form[0] in "بلك" and len(form) > 3:
            forms.append(form[1:])
    bare = [_without_article(form) for form in forms]
    # «الحق» is of «حق», and «الالتزام» is in the tables as «تزام» too.
    rest = [form[2:] for form in bare if form.startswith("ال") and len(form) >= 4]
    return list(dict.fromkeys((*forms, *bare, *rest)))
