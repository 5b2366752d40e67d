"""What a question asks for, from its question words: a figure, a time, a person, or anything.

An answer to "how many" without a figure is no answer, however well supported. The check is coarse
on purpose: where the question's words leave doubt, anything goes.
"""

from __future__ import annotations

import re
from enum import Enum

from rag.figures import find_figures
from vectorstore.arabic import fold


class Expected(Enum):
    """The kind of words that an answer must hold."""

    FIGURE = "figure"
    TIME = "time"
    ANYTHING = "anything"


# Words stand alone: «متى؟», «(مارس)»; Arabic ones may carry a conjunction or preposition.
_FIGURE = re.compile(
    r"\bhow (?:many|much|old|long|far|large|big|high|tall)\b"
    r"|\bwhat (?:percentage|share|proportion|number|sum)\b"
    r"|(?<!\w)(?:و|ف|ب|ل)?كم(?!\w)"
    r"|(?<!\w)(?:ما|وما) (?:عدد|نسبه|حجم|قيمه|مبلغ|تكلفه|مقدار|سعر)\b"
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:year|date|month|day)\b|\bon what date\b"
    r"|(?<!\w)(?:و|ف)?متي(?!\w)"
    r"|(?<!\w)(?:في|ب)?\s?(?:اي|ايه) (?:عام|سنه|شهر|يوم|تاريخ)\b|\bتاريخ\b"
)
_TIME_WORDS = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday|century|decade"
    r"|morning|evening|night|ago|last|next|during|after|before|since|until)\b"
    r"|(?<!\w)(?:و|ف|ب|ل)?(?:ال)?(?:يناير|فبراير|مارس|ابريل|مايو|يونيو|يوليو|اغسطس|سبتمبر|اكتوبر"
    r"|نوفمبر|ديسمبر|كانون|شباط|اذار|نيسان|ايار|حزيران|تموز|اب|ايلول|تشرين|رمضان|شوال|محرم|سبت|احد"
    r"|اثنين|ثلاثاء|اربعاء|خميس|جمعه|امس|اليوم|غدا|قرن|عقد|صباح|مساء|عام|سنه|شهر|اسبوع|الماضي"
    r"|الماضيه|المقبل|الجاري|منذ|قبل|بعد|خلال|عندما)(?!\w)"
)


def expected(question: str) -> Expected:
    """What an answer must hold; the last question word decides where there are several."""
    folded = fold(question)
    time, figure = _last(_TIME, folded), _last(_FIGURE, folded)
    if time < 0 and figure < 0:
        return Expected.ANYTHING
    return Expected.TIME if time > figure else Expected.FIGURE


def meets(text: str, question: str) -> bool:
    """Whether ``text`` holds words of the kind that ``question`` asks for.

    A figure of the question itself is none: what happened "in 2020" is not told by 2020.
    """
    kind = expected(question)
    if kind is Expected.FIGURE:
        asked = {f.value for f in find_figures(question)}
        told = any(f.value not in asked for f in find_figures(text))
        return told or bool(re.search(r"\b(?:one|no|none)\b", fold(text)))
    if kind is Expected.TIME:
        return bool(_TIME_WORDS.search(fold(text))) or any(f.digits for f in find_figures(text))
    return True


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((m.start() for m in pattern.finditer(text)), default=-1)
