"""Rules on the words of one answer: what counts as said, quoted, too long, refused, asserted.

All are pure functions of strings. Texts are compared folded (``vectorstore.arabic.fold``): case,
hamza and alef forms, ya, ta marbuta, diacritics, tatweel; Arabic-Indic digits are ASCII digits.
"""

from __future__ import annotations

import itertools
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import snowballstemmer

from rag.language import detect_language
from rag.sentences import split_sentences
from vectorstore.arabic import fold

MAX_WORDS, MAX_QUOTED = 80, 2
MAX_WORDS_LONG, MAX_QUOTED_LONG = 150, 4  # for questions that ask for several things
LONG_TYPES = frozenset({"list", "multi"})
QUOTED_MIN_WORDS = 5  # shorter pieces are names and phrases, not quoted sentences

_MARKER = re.compile(r"\s*\[\d+(?:\s*[,،]\s*\d+)*\]")
_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"]*\"")
_EDGE_DIGITS_START = re.compile(r"\d")
_SHORT_LATIN_START = re.compile(r"[a-z]{1,3}(?![a-z])")
_SHORT_LATIN_END = re.compile(r"(?<![a-z])[a-z]{1,3}$")
_PUNCTUATION = {ord(c): " " for c in string.punctuation + "«»“”…–—"}


def squeeze(text: str) -> str:
    """Folded, with runs of white space as one space."""
    return " ".join(fold(text).split())


def without_markers(text: str) -> str:
    """The text without its citation markers ([1], [2, 3])."""
    return _MARKER.sub("", text)


@cache
def _pattern(alternative: str) -> re.Pattern[str]:
    """What an alternative matches in folded text.

    A substring; but where it begins or ends with a digit, the number must begin or end there too
    (17 is not in 170, 1,170 or 17.5), and where it begins or ends with a Latin word of up to three
    letters, that word must (Xi is not in Mexico). Arabic letters may touch a number: و54, الـ20.
    """
    folded = re.sub(r"\s+", " ", fold(alternative))
    before = after = ""
    if _EDGE_DIGITS_START.match(folded):
        before = r"(?<![0-9a-z])(?<![0-9][.,])"
    elif _SHORT_LATIN_START.match(folded):
        before = r"(?<![0-9a-z])"
    if folded[-1:].isdigit():
        after = r"(?![.,]?[0-9])(?![a-z])"
    elif _SHORT_LATIN_END.search(folded):
        after = r"(?![0-9a-z])"
    return re.compile(before + re.escape(folded) + after)


def says(text: str, alternative: str) -> bool:
    """Whether the text holds the alternative, after folding."""
    # Spaces at both ends let an alternative such as " ports" match at the beginning of the text.
    return _pattern(alternative).search(f" {squeeze(text)} ") is not None


def unmet_groups(text: str, groups: Sequence[Sequence[str]]) -> list[int]:
    """Positions (from 0) of the ``must_include`` groups of which the text holds no alternative."""
    return [i for i, group in enumerate(groups) if not any(says(text, one) for one in group)]


def count_words(text: str) -> int:
    """Words of an answer: runs of non-spaces with a letter or digit, markers left out."""
    return sum(any(c.isalnum() for c in word) for word in without_markers(text).split())


def _sentences(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


def _bare(text: str) -> str:
    return " ".join(fold(text).translate(_PUNCTUATION).split())


def count_quoted(text: str, sources: Iterable[str]) -> int:
    """How many distinct sentences of ``sources`` the answer repeats word for word.

    The answer is cut at quotation marks and into sentences; a piece of at least five words that
    stands in a sentence of the sources (or holds one whole) repeats that sentence.
    """
    pieces = [
        bare
        for part in re.split(r"[«»“”\"\n]", without_markers(text))
        for sentence in _sentences(part)
        if len((bare := _bare(sentence)).split()) >= QUOTED_MIN_WORDS
    ]
    repeated: set[str] = set()
    known = sorted({_bare(s) for source in sources for s in _sentences(source)})
    for piece in pieces:
        around = next((s for s in known if _holds(s, piece)), None)
        inside = [s for s in known if len(s.split()) >= QUOTED_MIN_WORDS and _holds(piece, s)]
        # Sources that overlap bring beginnings and ends of sentences too: only whole ones count.
        whole = {s for s in inside if not any(s != o and _holds(o, s) for o in inside)}
        repeated |= {around} if around else whole
    return len(repeated)


def _holds(text: str, part: str) -> bool:
    return f" {part} " in f" {text} "


def too_long(text: str, sources: Iterable[str], question_type: str) -> list[str]:
    """What is too long about an answer, in words; empty for one of proper length."""
    long = question_type in LONG_TYPES
    words, quoted = count_words(text), count_quoted(text, sources)
    most_words = MAX_WORDS_LONG if long else MAX_WORDS
    most_quoted = MAX_QUOTED_LONG if long else MAX_QUOTED
    problems = []
    if words > most_words:
        problems.append(f"{words} words, at most {most_words}")
    if quoted > most_quoted:
        problems.append(f"{quoted} quoted sentences, at most {most_quoted}")
    return problems


_REFUSALS = tuple(
    squeeze(phrase)
    for phrase in (
        "I don't know",
        "I do not know",
        "I cannot find",
        "I can't find",
        "I could not find",
        "لا أعرف",
        "لا أعلم",
        "لم أجد",
        "لا أجد",
    )
)


def is_refusal(text: str) -> bool:
    """Whether an answer opens by saying, in its own words, that it does not know."""
    first = next(iter(_sentences(_QUOTED.sub(" ", text))), "")
    return any(phrase in squeeze(first) for phrase in _REFUSALS)


def own_words(text: str) -> str:
    """The answer without markers and quoted words; all of it where nothing else is left."""
    own = _QUOTED.sub(" ", without_markers(text))
    return own if any(c.isalpha() for c in own) else without_markers(text)


def in_language(text: str, language: str) -> bool:
    """Whether the answer's own words (quotations aside) are in ``language``."""
    own = own_words(text)
    if language in ("ar", "en"):
        arabic = sum("\u0600" <= c <= "\u06ff" and c.isalpha() for c in own)
        latin = sum(c.isascii() and c.isalpha() for c in own)
        return arabic > latin if language == "ar" else latin > arabic
    return detect_language(own) == language


def _f1_tokens(text: str) -> list[str]:
    words = (w for w in _bare(text).split() if w not in ("a", "an", "the"))
    return [w[2:] if w.startswith("ال") and len(w) > 3 else w for w in words]


def token_f1(short: str | None, answers: Sequence[str]) -> float:
    """Best token F1 of ``short`` against the gold answers, 0..1.

    SQuAD's (Rajpurkar et al. 2016): punctuation and articles dropped, here after folding and with
    the Arabic article ال dropped too. 0.0 where there is no short answer.
    """
    got = _f1_tokens(without_markers(short or ""))
    best = 0.0
    for answer in answers:
        wanted = _f1_tokens(answer)
        common = (Counter(got) & Counter(wanted)).total()
        if common:
            best = max(best, 2 * common / (len(got) + len(wanted)))
    return best


# Function words and what questions are made of, in both languages, folded.
_FUNCTION_WORDS = frozenset(
    squeeze(
        """a an the of in on at to for from by with as and or that this these those it its he she
        they them his her their is are was were be been being do does did has have had will would
        can could may who whom whose what which when where why how many much there
        ما ماذا من متى اين كيف لماذا كم هل اي الذي التي الذين في على عن الى ان انه انها او ثم هو هي
        هم قد كان كانت هذا هذه ذلك تلك مع بين بشان وفق بحسب حسب حين عند كل بعد قبل"""
    ).split()
)
_NEGATIONS = frozenset(
    squeeze(
        """not no none never neither nor nobody nothing without cannot isn aren wasn weren don
        doesn didn hasn haven hadn won wouldn couldn can't
        لا لم لن ليس ليست ليسوا غير بدون دون ما عدم"""
    ).split()
)
_REJECTIONS = re.compile(
    r"(?<!\w)(?:incorrect|inaccurate|untrue|not true|is false|no such|not mention|contrary|premise"
    r"|غير صحيح|ليس صحيح|غير دقيق|لم يرد|لا يذكر|علي العكس|علي خلاف|بخلاف|خلافا ل|بل )"
)


@cache
def _stemmers() -> tuple[snowballstemmer.stemmer, snowballstemmer.stemmer]:
    return snowballstemmer.stemmer("arabic"), snowballstemmer.stemmer("english")


def _stems(text: str) -> list[str]:
    arabic, english = _stemmers()
    return [
        (english if word.isascii() else arabic).stemWord(word)
        for word in re.findall(r"\w+", fold(text).replace("'", " "))
        if word not in _FUNCTION_WORDS or word in _NEGATIONS
    ]


def asserts_premise(text: str, question: str, truth: Iterable[str]) -> bool:
    """Whether an answer repeats the false premise of its question as if it were so.

    A heuristic without a model. The premise's words are the stems of the question that none of
    ``truth`` (gold answers, gold quotes, alternatives) has. A sentence of the answer's own words
    asserts the premise if at least half of them stand in it before any negation, and no phrase of
    rejection ("contrary", غير صحيح) is in it. It errs towards "not asserted" when the answer
    paraphrases the premise, and when the question shares all its words with the truth.
    """
    known = {stem for part in truth for stem in _stems(part)}
    negations = {_stems(word)[0] for word in _NEGATIONS if _stems(word)}
    premise = {s for s in _stems(question) if len(s) > 1} - known - negations
    if not premise:
        return False
    for sentence in _sentences(_QUOTED.sub(" ", without_markers(text))):
        if _REJECTIONS.search(squeeze(sentence) + " "):
            continue
        affirmed = itertools.takewhile(lambda stem: stem not in negations, _stems(sentence))
        if 2 * len(premise.intersection(affirmed)) >= len(premise):
            return True
    return False
