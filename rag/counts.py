"""The figure that a question asks for: of several in a sentence, the one that counts its noun.

A small model asked «كم جهاز تنفس» of a sentence with six figures takes whichever comes first. The
noun that follows the question word tells which is meant, where the sentence counts it in the same
words.
"""

from __future__ import annotations

import os.path
import re

from rag.figures import find_figures
from vectorstore.analysis import analyse
from vectorstore.arabic import fold, fold_aligned

BEGINNING = 3  # letters
ALIKE = 0.7  # of the letters of the shorter of two words, from its beginning
NEAR = 3  # words after a figure among which its noun stands
# «كم بلغت الأرباح» asks how much, and counts nothing.
_MEASURES = frozenset(
    fold(word)
    for word in "بلغ بلغت يبلغ تبلغ كان كانت يكون تكون وصل وصلت يصل تصل كلف كلفت يكلف تكلف "
    "استغرق استغرقت يستغرق تستغرق دام دامت يدوم تدوم زاد زادت يزيد تزيد نما نمت ارتفع ارتفعت "
    "انخفض انخفضت تراجع تراجعت يبعد تبعد يزن تزن ربح ربحت خسر خسرت دفع دفعت يدفع تدفع أنفق أنفقت "
    "حقق حققت يحقق تحقق جمع جمعت يجمع تجمع قدم قدمت سجل سجلت يسجل تسجل تبقى يبقى مضى تقدر يقدر "
    "تساوي يساوي تلبي يلبي تغطي يغطي ستبلغ سيبلغ سيكلف ستكلف ستوفر سيوفر".split()
)
# «كم مليارا تجاوزت التجارة» asks how much in thousand millions, of whatever.
_MAGNITUDES = frozenset(
    fold(word)
    for word in "ألفا مليون مليونا مليار مليارا بليون بليونا تريليون تريليونا thousand million "
    "millions billion billions trillion".split()
)
_BREAK = re.compile(r"[،,؛;:.()«»\"]")
_ASKS = re.compile(r"\bhow many\b|(?<!\w)[وفبل]?كم(?: عدد)?(?!\w)", re.IGNORECASE)
_COUNTED = re.compile("[\u0621-\u064a]{3}ا$")  # the accusative of what is counted
_CLITICS = re.compile("^(?:[وفبك]?ال|لل)(?=..)")
_VOWELS = re.compile("[اوي]")
# What measures and is not what is counted: of "how many workshops" nothing is told by "30 hours".
# Without those of dates: «38 يوم الأحد» is of thirty-eight people.
_UNITS = frozenset(
    stem
    for word in "ثانية دقيقة ساعة أسبوع عقد قرن متر كيلومتر سنتيمتر ميل هكتار فدان غرام كيلوغرام "
    "طن لتر برميل درجة دولار ريال دينار درهم جنيه يورو ليرة second minute hour week decade "
    "century metre meter kilometre kilometer mile hectare acre gram kilogram tonne ton litre liter "
    "barrel degree percent dollar riyal dinar dirham pound euro lira".split()
    for stem in analyse(word)
)
_COUNTS = re.compile(r"\bhow many\b|(?<!\w)[وفبل]?كم عدد(?!\w)", re.IGNORECASE)
_OF = re.compile(r"\s+(?:من|of)\s+(\w+)")
_WORD = re.compile(r"\w[\w'’-]*")


def counted_figure(question: str, text: str) -> tuple[int, int] | None:
    """(start, end) of the figure with its noun in ``text``; None without exactly one that fits."""
    nouns, asked_to = _asked(question)
    if not nouns:
        return None
    _, origin = fold_aligned(text)
    found: dict[float, tuple[int, int, int]] = {}
    for figure in find_figures(text):
        start, end = origin[figure.start], origin[figure.end - 1] + 1
        held, reach, counts = 0, end, False
        pause = _BREAK.search(text, end)  # what it counts stands before the next mark
        stop = pause.start() if pause else len(text)
        for word in list(_WORD.finditer(text, end, stop))[:NEAR]:
            same = [noun for noun in nouns if _same(word.group(), noun)]
            if same:
                held, reach, counts = held + 1, word.end(), counts or nouns[0] in same
            elif held:
                break
        # The noun itself has to follow; what describes it (جهاز تنفس) tells two of a kind apart.
        if counts and not _of_another(question, asked_to, text, reach):
            best = found.get(figure.value)
            found[figure.value] = max((held, start, reach), best or (0, 0, 0))
    most = max((held for held, _, _ in found.values()), default=0)
    fitting = [(start, reach) for held, start, reach in found.values() if held == most]
    return fitting[0] if len(fitting) == 1 else None


def counts_another(question: str, text: str) -> bool:
    """Whether every new figure of ``text`` counts something else than the question asks for.

    Of "how many drivers run the 18 buses?" nothing is told by "18 buses" or "220 kilometres", and
    of tons of fish nothing by tons of olives. False where the text has no new figure, or one of
    which it is unclear what it counts.
    """
    nouns, end = _asked(question)
    if not nouns:
        return False
    counts = _COUNTS.search(question) or _COUNTED.search(fold(nouns[0]))
    things = bool(counts) and not any(_measures(noun) for noun in nouns)
    others = [word for word in _WORD.findall(question[end:]) if analyse(word)]
    known = {f.value for f in find_figures(question)}
    _, origin = fold_aligned(text)
    figures = [f for f in find_figures(text) if f.value not in known]
    for figure in figures:
        word = _WORD.search(text, origin[figure.end - 1] + 1)
        if word is None:
            return False
        if any(_same(word.group(), noun) for noun in nouns):
            if not _of_another(question, end, text, word.end()):
                return False
        elif not any(_same(word.group(), other) for other in others):
            if not (things and _measures(word.group())):
                return False
    return bool(figures)


def _asked(question: str) -> tuple[list[str], int]:
    """What a question asks the number of, one word or two, and the offset after it; none where it
    asks for no number."""
    asks = _ASKS.search(question)
    if asks is None:
        return [], 0
    nouns = [m for m in list(_WORD.finditer(question, asks.end()))[:2] if analyse(m.group())]
    if nouns and fold(nouns[0].group()) in _MEASURES | _MAGNITUDES:
        return [], 0
    if nouns and _COUNTED.search(fold(nouns[0].group())):
        del nouns[1:]  # «كم قاربا تضرر»: what follows is no part of the noun
    return [m.group() for m in nouns], nouns[-1].end() if nouns else 0


def _of_another(question: str, asked_to: int, text: str, end: int) -> bool:
    """Whether what is counted up to ``end`` is of something else than what is asked for, up to
    ``asked_to``: tons of olives, tons of fish."""
    asked, told = _OF.match(question, asked_to), _OF.match(text, end)
    return bool(asked and told) and not _akin(asked.group(1), told.group(1))


def _measures(word: str) -> bool:
    return not _UNITS.isdisjoint(analyse(word))


def _akin(word: str, other: str) -> bool:
    """Whether two words may be one noun, broken plurals (سمك, أسماك) included."""
    one, two = (_VOWELS.sub("", _bare(w)) for w in (word, other))
    return _same(word, other) or one == two


def _bare(word: str) -> str:
    return _CLITICS.sub("", fold(word))


def _same(word: str, noun: str) -> bool:
    """Whether two words are one noun: of one stem, or alike from the beginning (وحدة, وحدات)."""
    if set(analyse(word)) & set(analyse(noun)):
        return True
    bare = [_bare(w) for w in (word, noun)]
    if bare[0].removesuffix("ا") == bare[1].removesuffix("ا"):  # «طنا», «طن»
        return True
    alike = len(os.path.commonprefix(bare))
    return alike >= max(BEGINNING, ALIKE * min(map(len, bare)))
