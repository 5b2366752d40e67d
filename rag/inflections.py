"""Dictionary forms that an Arabic word in running text can stand for, by endings and prefixes.

A stemmer serves a search, where a stranger among the hits does little harm; a dictionary that goes
by stems gives readers «علاوة» ("in addition") as the town of Al-Ula and «المالية» ("financial") as
money. Here an ending is taken off only where the same letters, as a rule, leave the word itself:
pronouns, the feminine and the accusative of adjectives, regular plurals, persons of verbs.
"""

from __future__ import annotations

from collections.abc import Iterator

_PRONOUNS = ("هما", "ها", "هم", "نا", "ه")
_REGULAR = ("ان", "ين", "ون", "وا")  # duals, plurals, "they" of the perfect
_SHORTEST_REGULAR = 4  # براون is not برا; short duals («يومين», "two days") are in the lexicon
_SHORTEST = 3  # letters that must remain
_SHORTEST_ADJECTIVE = 4  # وقفة "vigil" is no feminine of وقف, جديدة is of جديد


def base_forms(word: str, folded: str) -> Iterator[tuple[str, bool]]:
    """(folded form, whether its English is to be put in the plural), likeliest first.

    ``word``: as written, which tells «بلدة» "town" from «بلده» "his country"; ``folded``: the same
    folded, without conjunctions, prepositions and article.
    """
    seen: set[str] = {folded}
    imperfects = () if word.endswith("ة") else _imperfects(folded)
    for form, plural in (*imperfects, *_without_endings(word, folded)):
        if len(form) >= _SHORTEST and form not in seen:
            seen.add(form)
            yield form, plural


def nationality_forms(folded: str) -> Iterator[str]:
    """Forms without the feminine, accusative or plural of an adjective in -ي: «صينية», «مصريون».

    But «مالية» is hardly ever Malian.
    """
    for ending in ("ه", "ا", "ين", "ون", "تين", "تان"):
        base = folded.removesuffix(ending)
        if base != folded and base.endswith("ي") and len(base) > _SHORTEST and base != "مالي":
            yield base


def _imperfects(folded: str) -> Iterator[tuple[str, bool]]:
    """Other persons of a verb that the dictionary has as «يؤكد»: «تؤكد», «سيؤكد», «يؤكدون»."""
    for prefix in ("سي", "ست", "سن", "ت", "ن", "ي"):
        if folded.startswith(prefix):
            form = "ي" + folded[len(prefix) :]
            yield form, False
            for ending in ("ون", "ان", *_PRONOUNS):
                if form.endswith(ending):
                    yield form.removesuffix(ending), False
            return


def _without_endings(word: str, folded: str) -> Iterator[tuple[str, bool]]:
    if word.endswith("ة"):
        if len(folded) > _SHORTEST_ADJECTIVE:
            yield folded[:-1], False
        return
    for pronoun in _PRONOUNS:
        if folded.endswith(pronoun):
            owned = folded.removesuffix(pronoun)
            if owned.endswith("ت"):  # «زيارته» of «زيارة», «قدمتها» of «قدم»
                yield owned[:-1] + "ه", False
                yield owned, False
                yield owned[:-1], False
            if owned.endswith("ا"):  # «أجراها» of «أجرى»
                yield owned[:-1] + "ي", False
            if pronoun != "نا" or len(owned) > _SHORTEST:  # «رحنا»
                yield owned, False
    if folded.endswith("ا"):
        yield folded[:-1], False
    if folded.endswith("ات"):
        yield folded[:-2] + "ه", True
        yield folded[:-2], True
    if folded.endswith(("تين", "تان")):
        yield folded[:-3] + "ه", False
    if folded.endswith("ت"):
        yield folded[:-1], False
        if len(folded) > _SHORTEST:
            yield folded[:-1] + "ي", False  # «انتهت» of «انتهى»
    for ending in _REGULAR:
        base = folded.removesuffix(ending)
        # «طبيين» is of «طبي» for sure, short as it is.
        short = ending == "وا" or base.endswith("ي")
        if base != folded and len(base) >= (_SHORTEST if short else _SHORTEST_REGULAR):
            yield base, False
    if folded.endswith("ي") and len(folded) > _SHORTEST_ADJECTIVE:  # «لاعبي الفريق» of «لاعبين»
        yield folded[:-1] + "ين", False
        yield folded[:-1] + "ون", False


def plural(english: str) -> str:
    """A lower-case English noun in the plural; what is no plain noun stays as it is."""
    last = english.rsplit(" ", 1)[-1]
    if not last.islower() or not last.isalpha() or last.endswith(("s", "ed", "ing", "ic", "al")):
        return english
    if last.endswith("y") and last[-2] not in "aeiou":
        return english[:-1] + "ies"
    return english + ("es" if last.endswith(("x", "ch", "sh", "z")) else "s")
