"""What a question asks for, from its question words: a figure, a sum, a time, or anything.

An answer to "how many" without a figure is no answer, however well supported. The check is coarse
on purpose: where the question's words leave doubt, anything goes.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

from babel import Locale

from rag.figures import find_figures
from vectorstore.arabic import fold


class Expected(Enum):
    """The kind of words that an answer must hold."""

    FIGURE = "figure"
    MONEY = "money"  # «كم راتب», "what price": a figure, and a currency or a percentage
    DATE = "date"  # «في أي عام», "on what date": a day, month or year
    TIME = "time"  # «متى»: that, or "after the war"
    ANYTHING = "anything"


# Words stand alone: «متى؟», «(مارس)»; Arabic ones may carry a conjunction or preposition.
_FIGURE = re.compile(
    r"\bhow (?:many|much|old|long|far|large|big|high|tall)\b"
    r"|\bwhat (?:percentage|percent|share|proportion|number|sum)\b"
    r"|\b(?:what|which) (?:(?:total|average|yearly|annual|monthly|weekly|daily|exact) )?"
    r"(?:price|salary|wage|fine|fee|population|budget|age)\b"
    r"|\bwhat (?:is|was|were|are|did)\b[^?]* (?:worth|cost)\b"
    r"|\bwhat (?:is|was) the (?:(?:total|average|annual|monthly|exact) )?"
    r"(?:price|cost|salary|population|budget|number|percentage|share|sum|amount) of\b"
    r"|(?<!\w)(?:و|ف|ب|ل)?كم(?!\w)"
    r"|(?<!\w)(?:ما|وما) (?:عدد|نسبه|حجم|قيمه|مبلغ|تكلفه|كلفه|مقدار|سعر|ثمن|"
    r"راتب|ميزانيه|موازنه|مساحه)(?!\w)"
    r"|(?<!\w)[وف]?(?:ب|ل)?اي (?:سعر|ثمن|مبلغ|راتب|نسبه|كلفه|تكلفه)(?!\w)"
)
_MONEY = re.compile(
    r"\b(?:what|which) (?:is the |was the )?(?:(?:total|average|yearly|annual|monthly|weekly) )?"
    r"(?:price|salary|wage|fine|fee|budget|cost)\b"
    r"|\bhow much (?:money\b|(?:did|does|do|will|would|was|were|is|are|has|have)\b[^?]* "
    r"(?:cost|worth|paid|pay|spent|spend|earn|earned)\b)"
    r"|\bwhat (?:is|was|were|are|did|does)\b[^?]* (?:worth|cost)\b"
    r"|(?<!\w)[وف]?ب?(?:كم|ما|اي) (?:(?:هو|هي|يبلغ|بلغ|بلغت|تبلغ|كان|كانت|اجمالي) )?"
    r"(?:ال)?(?:راتب|سعر|ثمن|تكلفه|كلفه|ميزانيه|موازنه|اجر|غرامه|قيمه)(?!\w)"
    r"|(?<!\w)[وف]?كم (?:كلف|كلفت|تكلف|يكلف|دفع|دفعت|انفق|انفقت)(?!\w)"
)
_DATE = re.compile(
    r"\b(?:what|which) (?:year|date|month|day)\b"
    r"|(?<!\w)(?:في|ب)?\s?(?:اي|ايه) (?:عام|سنه|شهر|يوم|تاريخ)\b"
    r"|(?<!\w)و?ما (?:هو )?(?:ال)?تاريخ(?! ال)\b"  # «ما تاريخ الصين» asks for its history
)
# "when" asks before a verb; elsewhere it joins: "What sea lay there when he died?"
_TIME = re.compile(
    r"\bwhen(?=(?: exactly)? (?:is|are|was|were|do|does|did|has|have|had|will|would|can|could"
    r"|should|must|may|might)\b|\W*$)"
    r"|(?<!\w)(?:و|ف)?متي(?!\w)"
)
_CALENDAR = (
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday today yesterday"
).split()
# Days of the week keep their article: «أحد» alone is "one of".
_ARABIC_CALENDAR = (
    "يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر كانون شباط اذار "
    "نيسان ايار حزيران تموز اب ايلول تشرين محرم صفر ربيع جمادي رجب شعبان رمضان شوال السبت الاحد "
    "الاثنين الثلاثاء الاربعاء الخميس الجمعه امس اليوم "
    "عشرينيات ثلاثينيات اربعينيات خمسينيات ستينيات سبعينيات ثمانينيات تسعينيات"
).split()
_TIMES = (
    "century decade morning evening night ago last next during after before since until"
).split()
_ARABIC_TIMES = (
    "غدا قرن عقد صباح مساء عام سنه شهر اسبوع الماضي الماضيه المقبل الجاري منذ قبل بعد خلال عندما "
    "حتي"
).split()


# What answers "how many" or "how long" without a figure.
_VAGUE = re.compile(
    r"\b(?:one|no|none|once|half|third|quarter|dozens|hundreds|thousands|millions|several|most|majority|until)\b"
    r"|(?<!\w)[وفبل]{0,2}(?:ال)?(?:واحد|واحده|نصف|ثلث|ثلثي|ثلثا|ربع|عشرات|ميات|الاف|ملايين|غالبيه|معظم|عده|بضع|بضعه|"
    r"الف|مليون|مليار|حتي|(?:يوم|اسبوع|شهر|عام|سنت|موسم|عقد|قرن|ساعت|دقيقت|مرت|ليلت)(?:ين|ان))"
    r"(?!\w)"
)
_NO_CURRENCY = frozenset(  # other words of CLDR's names
    "unit units value account rights gold silver platinum palladium won real وحده الوحده "
    "البلاتين".split()
)
_PER_CENT = re.compile(r"[%٪]|\bper ?cent\b|(?<!\w)(?:ب|في )ال(?:ميه|مايه)(?!\w)")
_DAY_AND_MONTH = re.compile(r"(?<!\d)\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?(?!\d)")
_EARLIEST_YEAR = 100  # of those that stand without a word that says so
_HOW_MANY = re.compile(r"(?<!\w)[وفبل]?كم (?:عدد )?(\w+)")
# Up to two words before what insists on them.
_INSISTS = re.compile(
    r"((?:\S+\s+){0,2})(?:(?:alone|exclusively|(?:specifically|in particular)(?=\W*$))\b"
    r"|(?:تحديدا|بالتحديد|وحده|وحدها|فقط|حصرا|بالذات)(?!\w))",
    re.IGNORECASE,
)


def _any_of(english: list[str], arabic: list[str]) -> re.Pattern[str]:
    """Any of some folded words, the Arabic ones with clitics."""
    prefixes = "(?:و|ف|ب|ل)?(?:ال)?"
    return re.compile(rf"\b(?:{'|'.join(english)})\b|(?<!\w){prefixes}(?:{'|'.join(arabic)})(?!\w)")


_DATE_WORDS = _any_of(_CALENDAR, _ARABIC_CALENDAR)
_TIME_WORDS = _any_of(_CALENDAR + _TIMES, _ARABIC_CALENDAR + _ARABIC_TIMES)


def expected(question: str) -> Expected:
    """What an answer must hold; the last question word decides where there are several."""
    folded = fold(question)
    kinds = (
        (_MONEY, Expected.MONEY),
        (_FIGURE, Expected.FIGURE),
        (_DATE, Expected.DATE),
        (_TIME, Expected.TIME),
    )
    found = [(_last(pattern, folded), kind) for pattern, kind in kinds]
    place, kind = max(found, key=lambda pair: pair[0])
    return kind if place >= 0 else Expected.ANYTHING


def meets(text: str, question: str) -> bool:
    """Whether ``text`` holds words of the kind that ``question`` asks for.

    A figure of the question itself is none: what happened "in 2020" is not told by 2020.
    """
    kind = expected(question)
    if kind is Expected.ANYTHING:
        return True
    asked = {f.value for f in find_figures(question)}
    new = [f for f in find_figures(text) if f.value not in asked]
    if kind in (Expected.FIGURE, Expected.MONEY):
        folded = fold(text)
        if kind is Expected.MONEY and not (_PER_CENT.search(folded) or _currency().search(folded)):
            return False
        return bool(new) or bool(_VAGUE.search(folded)) or _holds_dual(fold(question), folded)
    folded, digits = fold(text), [f.value for f in new if f.digits]
    if kind is Expected.TIME:
        return bool(_TIME_WORDS.search(folded)) or bool(digits)
    dated = _DATE_WORDS.search(folded) or _DAY_AND_MONTH.search(folded)
    return bool(dated) or any(value >= _EARLIEST_YEAR for value in digits)


def _holds_dual(question: str, text: str) -> bool:
    """Whether a text has two of what is counted in one word: «أسبوعين» of «كم أسبوعا». Both folded.

    A plural in «ين» passes too.
    """
    asks = _HOW_MANY.search(question)
    if asks is None:
        return False
    noun = asks.group(1).removesuffix("ا").removesuffix("ه")
    dual = rf"(?<!\w)[وفبلك]{{0,2}}(?:ال)?{re.escape(noun)}ت?(?:ين|ان|ي|ا)(?!\w)"
    return len(noun) > 1 and re.search(dual, text) is not None


@cache
def _currency() -> re.Pattern[str]:
    """The symbol or the name of a currency in a folded text, from CLDR."""
    english = {name.lower().split()[-1] for name in Locale("en").currencies.values()}
    arabic = {fold(name.split()[0]) for name in Locale("ar").currencies.values()}
    plurals = set(map(fold, "دولارات ريالات دنانير دراهم جنيهات ليرات روبيات فرنكات".split()))
    some = {name for name in english | arabic | plurals if name.isalpha() and len(name) > 2}
    names = "|".join(sorted(some - _NO_CURRENCY))
    return re.compile(rf"[$€£¥]|(?<!\w)[وفبلك]*(?:ال)?(?:{names})(?:s|es|ا|ين|ان|ات|ي)?(?!\w)")


def insisted(question: str) -> str:
    """The few words of a question that it insists on ("to Mali alone", «العراق تحديدا»), or ""."""
    found = _INSISTS.search(question)
    return found.group(1) if found else ""


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((m.start() for m in pattern.finditer(text)), default=-1)
