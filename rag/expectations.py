"""What a question asks for, from its question words: a figure, a time, or anything.

An answer to "how many" without a figure is no answer, however well supported. The check is coarse
on purpose: where the question's words leave doubt, anything goes.
"""

from __future__ import annotations

import re
from enum import Enum

from rag.figures import find_figures
from vectorstore.analysis import analyse
from vectorstore.arabic import fold


class Expected(Enum):
    """The kind of words that an answer must hold."""

    FIGURE = "figure"
    DATE = "date"  # «في أي عام», "on what date": a day, month or year
    TIME = "time"  # «متى»: that, or "after the war"
    ANYTHING = "anything"


# Words stand alone: «متى؟», «(مارس)»; Arabic ones may carry a conjunction or preposition.
_FIGURE = re.compile(
    # Not "with how high relations now stand".
    r"\bhow (?:many|much)\b|(?<!\bwith )\bhow (?:old|long|far|large|big|high|tall)\b"
    r"|\bwhat (?:percentage|percent|share|proportion|number|sum)\b"
    r"|\b(?:what|which) (?:(?:total|average|yearly|annual|monthly|weekly|daily) )?"
    r"(?:price|salary|wage|fee)(?=\W*$| (?:did|does|do|will|would|is|was|has|for|of)\b)"
    r"|\bwhat (?:is|was|were|are)\b[^?]* worth(?=\W*$| (?:in|per)\b)"
    r"|\bwhat (?:is|was) the (?:(?:total|average|annual|monthly|exact) )?"
    r"(?:price|salary|population|age|number|percentage|share|sum|amount) of\b"
    r"|(?<!\w)(?:و|ف|ب|ل)?كم(?!\w)"
    r"|(?<!\w)و?ما (?:عدد|نسبه|حجم|قيمه|مبلغ|تكلفه|كلفه|مقدار|سعر|ثمن|راتب|مساحه)(?!\w)"
    r"|(?<!\w)[وف]?باي (?:سعر|ثمن|نسبه|كلفه|تكلفه)(?!\w)"
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
    "الاثنين الثلاثاء الاربعاء الخميس الجمعه امس اليوم"
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
    r"\b(?:one|no|none|once|half|third|quarter|dozens|hundreds|thousands|millions|several|most"
    r"|majority)\b"
    r"|(?<!\w)[وفبل]{0,2}(?:ال)?(?:واحد|واحده|نصف|ثلث|ثلثي|ثلثا|ربع|عشرات|ميات|الاف|ملايين|غالبيه|معظم"
    r"|عده|بضع|بضعه|الف|مليون|مليار"
    r"|(?:يوم|اسبوع|شهر|عام|سنت|موسم|عقد|قرن|ساعت|دقيقت|مرت|ليلت)(?:ين|ان))(?!\w)"
)
_LASTS = re.compile(
    r"\bhow long\b|(?<!\w)(?:كم من الوقت|كم (?:س?[يت]غيب|س?[يت]ستمر|س?[يت]دوم))(?!\w)"
)
_UNTIL = re.compile(r"\buntil\b|(?<!\w)[وف]?حتي(?!\w)")
# Of what is asked for by its date: a day and a month, a number after the word for a year or a day
# or before that of an era, a year or a decade.
_DATED = re.compile(
    r"(?<!\d)\d{1,2}/\d{1,2}(?!\d)"
    r"|(?<!\w)[وفبل]?(?:ال)?(?:عام|سنه|يوم|year|day)\s+\d{1,3}(?!\d)"
    r"|(?<!\d)\d{1,3}\s*(?:st|nd|rd|th|ad|bc|ce|bce|م|ق\.?\s?م|هـ?)(?!\w)"
    r"|(?<!\w)يوم (?:سبت|احد|اثنين|ثلاثاء|اربعاء|خميس|جمعه)(?!\w)"
    r"|(?<!\w)[وفبل]?(?:ال)?(?:عشر|ثلاث|اربع|خمس|ست|سبع|ثمان|تسع)ين(?:ي)?ات(?!\w)"
)
_WORD = re.compile(r"\w[\w'’-]*")
_YEARS = range(1000, 2200)  # those of fewer digits have a word with them (``_DATED``)
_HOW_MANY = re.compile(r"(?<!\w)[وفبل]?كم (?:عدد )?(\w+)")
_PERSON = (
    r"(?:(?:وزير|رييس|مدير|سفير|قايد|لاعب|مدرب|طبيب|ممثل|مخرج|كاتب|مولف|شاعر|محافظ|نايب|متحدث|ناطق"
    r"|شيخ|امير|ملك|زوج|ابن|والد|شقيق|طفل|مواطن|شاب|رجل|قاضي|محامي|خبير|مهندس|باحث|مالك|صاحب"
    r"|صديق|خطيب|اخ|اخت|عم|خال|جار|ضحي|قتيل|شهيد|متهم|مشتبه به|جاني|سجين|طالب|معلم|سايق|حارس"
    r"|فتا|امرا|مرا|سيد|جندي|ضابط|موظف|سايح|مشجع|امين عام|الامين)(?:ه|ت)?(?:ها|هم|ه)?"
    r"|موسس|ام|وزراء|روساء|سفراء|قاده|خبراء)"
)
_PERSON_EN = (
    "(?:minister|president|director|chief|secretary|ambassador|commander|player|coach|doctor|actor"
    "|actress|author|writer|governor|mayor|spokesman|spokeswoman|king|queen|prince|princess|wife"
    "|husband|son|daughter|founder|owner|judge|lawyer|engineer|chairman|captain|manager|professor"
    "|friend|boyfriend|girlfriend|fiancee?|brother|sister|father|mother|uncle|aunt|neighbou?r|victim"
    "|suspect|killer|prisoner|student|pupil|teacher|driver|guard|man|woman|boy|girl|child"
    "|teenager|soldier|officer|employee|worker|tourist|fan)"
)
_NAME_OF = re.compile(
    rf"(?<!\w)[وف]?ما (?:هو )?اسم (?:ال)?{_PERSON}(?!\w)"
    r"|\bname of (?:the |an? |its |his |her |their )?"
    r"(?:(?!(?:about|of|for|with|where|who|that|which|in|on)\b)[\w'’-]+ ){0,3}?"
    rf"{_PERSON_EN}(?=\W*$|,| (?:who|that|whom|of|in|at|from|for|during|with)\b)"
)
_TITLE = re.compile(rf"(?:ال)?{_PERSON}|{_PERSON_EN}s?|his|her|my|our")
_ROLE = re.compile(rf"(?:ال)?{_PERSON}(?!\w)|(?:the|those|these) (?:[\w-]+ )?{_PERSON_EN}s?\b")
# «من» asks who at the beginning; inside a question it is mostly "from" or "of".
_WHO = re.compile(r"\bwho(?:m|se)?\b|\bspeaker\b|(?:^|[?.,:])\W*[وف]?ل?من(?=\s)")
# Who said it, and not who did it.
_SAYS = re.compile(
    r"\bwho (?:was it that |was quoted as )?(?:said|says|saying|stated|claimed|announced|stressed"
    r"|told|warned|denied|complained|argued|explained|pointed out)\b"
    r"|(?<!\w)[وف]?من (?:هو )?(?:الذي |التي )?(?:قال|قالت|صرح|اكد|اكدت|ذكر|ذكرت|اعلن|اعلنت|اوضح|حذر"
    r"|شدد|افاد)(?!\w)"
    r"|(?<!\w)علي لسان من(?!\w)|(?<!\w)من القايل(?!\w)"
)
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
    kinds = ((_FIGURE, Expected.FIGURE), (_DATE, Expected.DATE), (_TIME, Expected.TIME))
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
    folded, asks = fold(text), fold(question)
    if kind is Expected.FIGURE:
        lasts = _LASTS.search(asks) and _UNTIL.search(folded)
        return bool(new or _VAGUE.search(folded) or lasts) or _holds_dual(asks, folded)
    if kind is Expected.TIME:
        return bool(_TIME_WORDS.search(folded)) or any(f.digits for f in new)
    years = any(f.digits and f.value in _YEARS for f in new)
    return years or bool(_DATE_WORDS.search(folded) or _DATED.search(folded))


def asks_who(question: str) -> bool:
    """Whether a question asks for somebody."""
    return _WHO.search(fold(question)) is not None or asks_who_said(question)


def asks_who_said(question: str) -> bool:
    """Whether a question asks for the speaker of what it repeats."""
    return _SAYS.search(fold(question)) is not None


def asks_name(question: str) -> bool:
    """Whether a question asks for somebody's name: «ما اسم وزير الخارجية», not that of a thing."""
    return _NAME_OF.search(fold(question)) is not None


def names_role(words: str) -> bool:
    """Whether some words begin with a person's role: «الوزير الذي», "the minister who"."""
    return _ROLE.match(fold(words)) is not None


def names_somebody(words: str, question: str) -> bool:
    """Whether some words hold more than titles («وزراء») and what the question says itself."""
    asked = set(analyse(question))
    return any(
        not _TITLE.fullmatch(fold(word)) and set(analyse(word)) - asked
        for word in _WORD.findall(words)
    )


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


def insisted(question: str) -> str:
    """The few words of a question that it insists on ("to Mali alone", «العراق تحديدا»), or ""."""
    found = _INSISTS.search(question)
    return found.group(1) if found else ""


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((m.start() for m in pattern.finditer(text)), default=-1)
