"""Which language a text is in: by its letters first, by a detector only for longer Latin text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SHORT = 300  # letters; up to here the common words of a text in two scripts decide
LATIN_SURE = 40  # letters from which a detector is asked; shorter Latin text counts as English

_ARABIC, _LATIN_LETTERS = re.compile("[\u0621-\u064a\u0671-\u06d3]"), re.compile("[A-Za-z]")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SCRIPT_LANGUAGE = {
    "CYRILLIC": "ru",
    "HEBREW": "he",
    "GREEK": "el",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "THAI": "th",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "ETHIOPIC": "am",
}
# Letters that Arabic does not have, by the language they speak for.
_LETTERS = {"ckb": "ەێۆڕڵ", "ps": "ټډړښڼېځڅږۍ", "ug": "ۇۈۋ", "ur": "ٹڈڑںےہھۓ"}
_OWN_SHARE = 0.02  # of the letters; below it they are in names and quoted words
_PERSIAN = "پچژگیک"
_PERSIAN_SHARE = 0.05
_LATIN = "az cs da de en es fi fr hr hu id it ku ms nb nl nn no pl pt ro sq sv sw tr vi".split()
# What a question is built of, whatever the names in it.
_ARABIC_WORDS = frozenset(
    "من ما ماذا متى أين اين كم كيف لماذا لمن بكم هل أي أية اي وما ومن ومتى وأين وكم وكيف ولماذا "
    "ماهو ماهي هو هي في عن على إلى الى مع التي الذي".split()
)
_ENGLISH_WORDS = frozenset(
    "who whom whose what when where which why how is are was were did does do has have the of in "
    "on to and about with".split()
)


def detect_language(text: str) -> str:
    """ISO 639-1 code (639-3 for Sorani, "ckb") of the language that most letters are in.

    A text without letters, and a short one in Latin letters, counts as English.
    """
    scripts = _scripts(text)
    if not scripts:
        return "en"
    script = max(sorted(scripts), key=scripts.__getitem__)
    if scripts["ARABIC"] and scripts["LATIN"] and scripts.total() < SHORT:
        # A question may have more letters in its foreign names than in its own words.
        script = {"ar": "ARABIC", "en": "LATIN"}.get(_by_common_words(text), script)
    if script == "ARABIC":
        return _arabic_script_language(text, scripts[script])
    if script == "CJK" and scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * scripts["CJK"]:
        return "ja"
    if script == "LATIN":
        return _latin_language(text) if scripts[script] >= LATIN_SURE else "en"
    return _SCRIPT_LANGUAGE.get(script, "en")


def answer_language(question: str, requested: str = "auto") -> str:
    """The language to answer in, "ar" or "en": the one requested, else the question's.

    Names in the other script do not count: question words and particles decide, and only where
    these say nothing the script of most letters. What is not Arabic counts as English. Raises
    ValueError for any other request than "auto", "ar" or "en".
    """
    if requested in ("ar", "en"):
        return requested
    if requested != "auto":
        raise ValueError(f"answer language {requested!r}; expected auto, ar or en")
    if language := _by_common_words(question):
        return language
    scripts = _scripts(question)
    # A tie speaks for Arabic: a Latin name in an Arabic question is usual, the reverse is not.
    return "ar" if scripts["ARABIC"] and 2 * scripts["ARABIC"] >= scripts.total() else "en"


def _by_common_words(text: str) -> str | None:
    """The language, Arabic or English, with more question words and particles in ``text``."""
    words = re.findall(r"\w+", text.lower())
    arabic = sum(word in _ARABIC_WORDS for word in words)
    english = sum(word in _ENGLISH_WORDS for word in words)
    return None if arabic == english else "ar" if arabic > english else "en"


def _scripts(text: str) -> Counter[str]:
    """How many letters of a text are in each script."""
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            scripts[_script(character)] += count
    return scripts


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "UNKNOWN").split(" ", 1)[0].removesuffix("-COMPATIBILITY")


def _arabic_script_language(text: str, letters: int) -> str:
    counts = Counter(text)
    shares = {k: sum(counts[c] for c in own) / letters for k, own in _LETTERS.items()}
    likeliest = max(shares, key=shares.__getitem__)
    if shares[likeliest] > _OWN_SHARE:
        return likeliest
    # Some keyboards give Arabic text the Farsi ya and keheh, and Arabic spells names with پ or گ:
    # only text that has many of these and hardly the letters they replace is Persian.
    persian = sum(counts[c] for c in _PERSIAN)
    arabic = sum(counts[c] for c in "ةىيك")
    return "fa" if persian > _PERSIAN_SHARE * letters and persian > 4 * arabic else "ar"


@cache
def _detector() -> LanguageIdentifier:
    # Imported on first use: the detector's model takes a moment to load.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE)
    detector.set_languages(sorted(set(_LATIN) & set(detector.labels)))
    return detector


def _latin_language(text: str) -> str:
    return _detector().classify(text[:2000])[0]


def in_script_of(text: str, language: str) -> bool:
    """Whether a text can stand in an answer in "ar" or "en"; figures alone can in either.

    Arabic may hold Latin names; English holds no Arabic, which would be a word left untranslated,
    and neither holds Chinese, into which a small model slips at times.
    """
    arabic, latin = len(_ARABIC.findall(text)), len(_LATIN_LETTERS.findall(text))
    if _HAN.search(text):
        return False
    return arabic >= latin if language == "ar" else not arabic
