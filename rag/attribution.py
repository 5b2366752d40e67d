"""Who is speaking: the named subject of reported speech, carried over «وقال إن…», "He added…".

News names a speaker once and goes on with "he said". A sentence that begins with a report and names
nobody belongs to the last named speaker before it in the same article. A wrong speaker is worse
than none: where a subject may have swallowed the verb's object, or a verb may be a noun («طالب», a
student), nobody is named. Of 100 sentences of a news archive for which a speaker was named, read
by eye, 90 had the right one; of 72 that a plainer rule (verb, up to nine words, a link) named, 57.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vectorstore.types import Span

_BACK = 8  # sentences looked back for a name
_MARKS = re.compile("[\u0640\u064b-\u0650\u0652-\u065f\u0670]|(?<!بي)\u0651")
_LONGEST = 16  # words of a subject that «أن» or a colon ends
_LONGEST_WEAK = 5  # words of one that only «في» or the like ends
_LONGEST_COMMA = 12

# Verbs and the words that lead from the subject to what is said. Every verb may have a clause
# («أن», a colon, a quotation mark) instead.
_TO, _ON, _OF, _FROM, _BY = "إلى", "على", "عن", "من", "ب"
_VERBS = {
    **dict.fromkeys(
        "قال قالت قالا قالوا أضاف أضافت أضافا أوضح أوضحت صرح صرحت أفاد أفادت ذكر ذكرت أورد أوردت "
        "أبان أبانت زعم زعمت ادعى ادعت أقر أقرت اعترف اعترفت رجح رجحت توقع توقعت اعتبر اعتبرت رأى "
        "رأت أردف أردفت استطرد استطردت تابع تابعت مضى أجاب أجابت علق علقت اختتم تساءل تساءلت نفى "
        "نفت انتقد انتقدت استدرك بيّن بيّنت يقول تقول".split(),
        (),
    ),
    **dict.fromkeys(
        "أشار أشارت أشارا لفت لفتت نوه نوهت دعا دعت ألمح ألمحت نبه نبهت".split(), (_TO,)
    ),
    **dict.fromkeys("أكد أكدت أكدا أكدوا شدد شددت حث حثت".split(), (_ON,)),
    **dict.fromkeys("أعرب أعربت كشف كشفت أعلن أعلنت عبر عبرت".split(), (_OF,)),
    **dict.fromkeys("حذر حذرت".split(), (_FROM,)),
    **dict.fromkeys("طالب طالبت رحب رحبت تعهد تعهدت ندد نددت أشاد أشادت".split(), (_BY,)),
}
# Without a clause or their own preposition these may be nouns or take an object: «تابعت الصحف».
_AMBIGUOUS = frozenset(
    "طالب طالبت حث ذكر رأى رأت كشف كشفت لفت لفتت تابع تابعت علق علقت عبر عبرت اعتبر اعتبرت نفى نفت "
    "انتقد انتقدت دعا دعت أعلن أعلنت مضى اختتم توقع توقعت حذر حذرت رحب رحبت أقر أقرت "
    "أورد أوردت رجح رجحت".split()
)
_NEED_BEGINNING = frozenset(
    "طالب حث ذكر كشف عبر لفت رحب علق يقول تقول".split()
)  # need «و» or the beginning
_OBLIQUE = re.compile(r"ال\w{2,}ين")  # «دعا الجانبين», "called on the two sides"
# What may stand before the first verb and names nobody: «ومشيرا إلى السد، قال إن».
_NOBODY = re.compile(r"و?(?:م\w{2,5}ا|في\s(?:إشارت|حديث|تعليق|رد|معرض|كلمت|تصريح)\w*)\s[^،]*،\s*")
_RELATIVE = re.compile(r"(?:الذي|التي|التى|الذين|ما|من)\s$")  # «الذي أكد» qualifies a noun
_DATE = re.compile(r"\s(?:العام|الأسبوع|الشهر)\s(?:الماضي|الجاري|الحالي)$")
_OBJECT = re.compile(r"\w{3,}(?:هم|هما)\b")  # «كشف مخططاتهم», "uncovered their plots"
_CLAUSE = r"(?:ب?[أإا]ن(?:ه|ها|هم|هما|نا|ني|ي|هن)?|[أإا]لا|قائلا|قائلة|بالقول)"
_WEAK = (
    "في|خلال|عقب|بعد|قبل|عند|أثناء|عبر|ضمن|لدى|حول|بشأن|حيال|تعليقا|ردا|تعقيبا|حين|أمس|اليوم|"
    "مساء|صباح|يوم|الاثنين|الثلاثاء|الأربعاء|الخميس|الجمعة|السبت|الأحد|الجانبين|ل|ما|مما|التي|التى|الذي|الذين|والتي|والتى|والذي|والذين"
)
_PREPOSITIONS = "إلى|الى|على|عن|من"
_UNNAMED = frozenset(
    "هو هي هم لنا لي به بها أيضا كذلك قائلا قائلة فيه فيها له لها لهم إليه إليها عنه عنها خلاله "
    "خلالها بقوله أخيرا سابقا لاحقا مؤخرا حينذاك آنذاك صراحة كثيرا حينها مجددا مرارا ذلك هذا "
    "سعادته سموه معاليه سيادته فضيلته جلالته he she they it also".split()
)


def _spellings(word: str) -> str:
    """A verb as a pattern, its hamza and final ya also as careless writers leave them."""
    return word.replace("أ", "[أا]").replace("ى", "[ىي]")


_REPORT_AR = re.compile(
    r"(?:^|(?<=[\s،؛:\"«“(]))(?P<lead>و|ف)?(?P<perfect>(?:كما |قد |فيما ))*"
    rf"(?P<verb>{'|'.join(map(_spellings, sorted(_VERBS, key=len, reverse=True)))})"
    r"(?P<to>\s+ل?\s*[«\"“][^»\"”]{1,40}[»\"”])?(?=[\s:،«\"“]|$)"
)
# What begins the object of «أكد» and its like: «أكد الوزير حرصه على», «أعلنت الشرطة مقتل».
_OBJECT_WORD = re.compile(
    r"عدم|ضرورة|أهمية|وجود|مقتل|وفاة|حرص|التزام|استعداد|مواصلة|استمرار"
    r"|(?:حرص|استعداد|دعم|رغبت|تأييد|رفض|التزام|ثقت|تضامن|أسف|قلق|نيت)(?:ه|ها|هم|هما)"
)
_TWO_OBJECTS = frozenset("دعا دعت حث حثت طالب طالبت انتقد انتقدت".split())  # «دعا زيد عمرا إلى»
_WORD = re.compile(r"\s+(?:(?P<title>[دأم]\.)|(?P<word>[\w(][\w()/-]*))")
_SOURCES = (
    "وزير وزارة وزيرة وكالة صحيفة مجلة قناة إذاعة موقع شبكة مصدر مصادر متحدث ناطق مسؤول مسؤولين "
    "بيان تقرير دراسة مرصد منظمة هيئة رئيس رئيسة مدير مديرة أمين خبير خبراء محلل محللين شاهد شهود "
    "شرطة سلطات جيش مركز معهد سفير سفارة لجنة مكتب إحصاءات بيانات وسائل الأناضول رويترز شينخوا"
)
# «بحسب المرصد،»: the head must be a source, for «وفقا للقانون» is none.
_ACCORDING = re.compile(
    r"(?:^|(?<=[\s،(]))و?(?:(?:ب?حسب|وفق|نقلا عن|على لسان)\s+|وفقا\s+ل)"
    rf"(?P<article>(?:ال|ل)?)"
    rf"(?P<subject>(?:{'|'.join(map(_spellings, _SOURCES.split()))})(?:ها|ين|ه)?"
    rf"(?:\s+(?!(?:{_CLAUSE}|{_WEAK}|التي|الذي|فإن|ف[أإا]ن)(?:\s|$))[\w()-]+){{0,9}}?)"
    r"\s*(?=[،:؛.]|\sفإن|$)"
)
# «وفقا لما قال.», «على حد قولها،»: of somebody named before. Not «كما ذكر», which may be "as was
# mentioned".
_HIS_WORDS = re.compile(
    r"(?<!\w)و?(?:(?:وفقا ل|وفق |ب?حسب|كما )\s?(?:ما )?(?:قال|[أا]ضاف|[أا]وضح|صرح|[أا]شار)ت?"
    r"|(?:وفقا ل|وفق |ب?حسب |على حد )(?:قول|تعبير|كلام|رأي)(?:ه|ها))"
    r"\s*(?=[،.؛»”]|$)"
)
_QUOTED = re.compile(
    r"(?:^|\s)و?نقلت?\s(?:[^،.]{0,60}?\s)?عن\s(?P<article>)(?P<subject>(?:[\w()-]+\s){1,10}?)قول(?:ه|ها|هم)\b"
)
_SAID_EN = (
    "said|says|added|told|stressed|noted|announced|warned|denied|pledged|stated|argued|claimed"
    "|explained|confirmed|praised|thanked|credited(?! with)|commended|hailed(?! from)|lauded"
    "|congratulated|promised|vowed|urged|expressed|affirmed|emphasised|emphasized|pointed out"
)
_REPORTS_EN = re.compile(
    r"(?P<subject>(?:[A-Z][\w.'’-]*\s+)(?:(?:of|the|al|el|bin|[A-Z][\w.'’-]*)\s+){0,7}?)"
    rf"(?:{_SAID_EN})\b"
)
# Who is told by nation and office: "the Chinese foreign minister expressed".
_OFFICES_EN = re.compile(
    r"\b(?P<nation>[A-Z][a-z]+) (?:[a-z]+ )?(?P<office>president|minister|premier|chancellor|leader"
    r"|king|prince|ambassador)\s+"
    rf"(?:{_SAID_EN})\b"
)
_OFFICES = re.compile(
    r"(?<!\w)[وفبل]{0,2}(?:ال|لل)?(?:رئيس|وزير|مستشار|ملك|عاهل|[أا]مير|زعيم|قائد|سفير)(?!\w)"
)
# "added a goal", "claimed twenty lives": these report only with a clause.
_DEEDS = re.compile(r"\b(?:added|noted|announced|denied|claimed|confirmed)$")
_CLAUSE_EN = re.compile(r"\s*(?:that\b|[,:\"“])")
_BEFORE_SPEECH, _AFTER_SPEECH = 6, 11  # words within which a subject stands
_SPEECH = re.compile(
    r"(?:^|[^\w])[وف]?(?:س?[يتن])?"
    r"(?:ق[او]ل|[أا]?ضاف|ضيف|[أا]?وضح|صرح|[أا]?فاد|فيد(?!يو)|ذكر|ورد|زعم|دعي|[أا]قر|عترف|اعترف|رجح|توقع|عتبر|اعتبر"
    r"|ر[أا][ىي]|رى|[أا]ردف|تابع|[أا]جاب|جيب|علق|نف[ىي]|انتقد|نتقد|بيّن|[أا]?شار|شير|لفت|نوه|دعا|دعو|نبه"
    r"|[أؤا]?ك[دّ]|شدد|حث|[أا]?عرب|كشف|[أا]?علن|حذر|طالب|رحب|تعهد|ندد|[أا]?شاد|كتب|هدد|[أا]?بلغ|اتهم"
    r"|تهم|وعد|شكر|أثن[ىت]|ثناء|[أا]دان|هن[أئؤ]|امتدح|متدح|ناشد|[أا]بد[ىت]|بيان|تقرير|مقابل|حديث|كلم|تصريح|خطاب|تغريد|حسب|بحسب|وفق|نقل|لسان|رسال)"
    r"|^\W*(?:sa(?:id|ys|ying)|told|tells|add|accord|stat|not(?:ed|es)|announc|warn|den(?:y|ie)|pledg"
    r"|argu|claim|expla|confirm|insist|report|interview|wr(?:ote|itten)|threat|accus|call|ask|urg"
    r"|believ|think|describ|prais|critic|hop|express|point|stress|emphas|reveal|admit|promis|thank"
    r"|credit|commend|hail|laud|congratulat|vow|affirm)",
    re.IGNORECASE,
)
_NOT_SUBJECTS = re.compile(r"^(?:He|She|It|They|We|I|The|This|That|These|Those|But|And)\s*$")


@dataclass(frozen=True)
class Speaker:
    """``name`` as the article has it, and the sentence that names it."""

    name: str
    sentence: Span


@dataclass(frozen=True)
class _Report:
    """A verb of speech: where it is, whether it begins its sentence, and its subject or ""."""

    verb: str
    start: int
    end: int
    begins: bool
    subject: str


def speaker_of(text: str, sentences: Sequence[Span], index: int) -> Speaker | None:
    """The named speaker of ``sentences[index]``, or None if it reports no speech.

    Looks at the sentence itself first, and only if it reports words without naming anybody at the
    ones before it.
    """
    named, reports = _named(text[sentences[index].start : sentences[index].end])
    if named:
        return Speaker(named, sentences[index])
    if not reports:
        return None
    for earlier in range(index - 1, max(-1, index - 1 - _BACK), -1):
        span = sentences[earlier]
        named, _ = _named(text[span.start : span.end])
        if named:
            return Speaker(named, span)
    return None


def near_speech(text: str, *, subjects: bool = False) -> list[str]:
    """The words around every word of speech in a text, wide enough to hold who speaks;
    ``subjects``: of a verb with its subject and a clause after it, those up to the clause alone."""
    named = {report.start: report for report in _reports(text) if report.subject}
    words = list(re.finditer(r"\S+", text))
    near = []
    for i, word in enumerate(words):
        report = next((r for at, r in named.items() if word.start() <= at < word.end()), None)
        if not (report or _SPEECH.search(word.group()) or word.group().endswith(":")):
            continue
        nearest = words[max(0, i - _BEFORE_SPEECH) : i + _AFTER_SPEECH]
        if subjects and report and report.verb not in _AMBIGUOUS:
            following = words[i : i + 1 + _LONGEST]
            clause = next((k for k, w in enumerate(following) if _begins_clause(w.group())), None)
            nearest = nearest if clause is None else following[:clause]
        near.append(" ".join(w.group() for w in nearest))
    return near


def _begins_clause(word: str) -> bool:
    """Whether what is said begins with a word, or after it."""
    return re.fullmatch(_CLAUSE, word.strip('،,«"“')) is not None


def reporters(text: str) -> list[str]:
    """All who are surely named in a text as saying something, in either language."""
    subjects = [report.subject for report in _reports(text) if report.subject]
    plain = _MARKS.sub("", text)
    for pattern in (_QUOTED, _ACCORDING):
        subjects += [match["subject"].strip() for match in pattern.finditer(plain)]
    named = (
        match["subject"].strip()
        for match in _REPORTS_EN.finditer(text)
        if not _DEEDS.search(match.group()) or _CLAUSE_EN.match(text, match.end())
    )
    return subjects + [name for name in named if not _NOT_SUBJECTS.match(name)]


def offices(text: str) -> list[tuple[str, str]]:
    """Nation and office of all who are told by them alone as saying something, in English."""
    return [(match["nation"], match["office"]) for match in _OFFICES_EN.finditer(text)]


def names_office(text: str) -> bool:
    """Whether an Arabic text holds the word for an office: «الرئيس»."""
    return _OFFICES.search(text) is not None


def with_speaker(sentence: str, name: str) -> str:
    """A sentence that begins with a report and names nobody, with ``name`` after its verb."""
    for report in _reports(sentence):
        if report.begins and not report.subject:
            return f"{sentence[: report.end]} {name}{sentence[report.end :]}"
    return sentence


def _named(sentence: str) -> tuple[str | None, bool]:
    """The first named speaker of a sentence, and whether it reports words of one it leaves
    unnamed."""
    reports = list(_reports(sentence))
    for report in reports:
        if report.subject:
            return report.subject, True
    plain = _MARKS.sub("", sentence)
    for pattern in (_QUOTED, _ACCORDING):
        if match := pattern.search(plain):
            return ("ال" if match["article"] else "") + match["subject"].strip(), True
    name = None
    unnamed = any(report.begins for report in reports) or _HIS_WORDS.search(plain) is not None
    for match in _REPORTS_EN.finditer(sentence):
        unnamed = True
        if not _NOT_SUBJECTS.match(match["subject"]):
            name = re.sub(r"^(?:The|But|And)\s+", "", match["subject"].strip())
            break
    return name, unnamed


def _reports(sentence: str) -> Iterator[_Report]:
    """Verbs of speech of an Arabic sentence that surely report, in order."""
    kept = [i for i, character in enumerate(sentence) if not _MARKS.match(sentence, i)]
    plain = "".join(sentence[i] for i in kept)
    for match in _REPORT_AR.finditer(plain):
        verb = next(v for v in _VERBS if re.fullmatch(_spellings(v), match["verb"]))
        before = plain[: match.start()].strip(' "«“(')
        begins = not before or _NOBODY.fullmatch(before) is not None
        if verb in _NEED_BEGINNING and not (begins or match["lead"]):
            continue
        if _RELATIVE.search(plain, 0, match.start()):
            continue
        subject = _subject(plain, match.end(), verb)
        if subject is None or _OBJECT.match(subject):
            continue
        if not (verb in _TWO_OBJECTS and " " in subject):
            start, end = kept[match.start("verb")], kept[match.end() - 1] + 1
            yield _Report(verb, start, end, begins, subject)


def _subject(plain: str, start: int, verb: str) -> str | None:
    """The words between a verb and what leads to the speech; None if nothing does for sure."""
    words: list[str] = []
    at = start
    links = _VERBS[verb]
    while len(words) <= _LONGEST:
        match = _WORD.match(plain, at)
        if match is None:
            return _ended(plain, at, words, verb)
        word = match["title"] or match["word"]
        if re.fullmatch(_CLAUSE, word):
            return _name(words)
        if not words and verb in _TWO_OBJECTS and _OBLIQUE.fullmatch(word):
            return ""
        if word in links or (_TO in links and word == "الى"):
            return _name(words)
        if _BY in links and word.startswith(_BY) and len(word) > 3:
            return _name(words)
        if word == "صلى":  # «قال صلى الله عليه وسلم»
            return None
        if words and _OBJECT_WORD.fullmatch(word):
            return _name(words)
        if re.fullmatch(f"{_WEAK}|{_PREPOSITIONS}", word):
            weak = len(words) <= _LONGEST_WEAK and verb not in _AMBIGUOUS
            return _name(words) if weak or (words and _clause_follows(plain, at)) else None
        if not words and (word == "كل" or word[0].isdigit()):  # «قال كل من», «توقع 3»
            return None
        if word not in _UNNAMED:
            words.append(word)
        at = match.end()
    return None


def _ended(plain: str, at: int, words: list[str], verb: str) -> str | None:
    """The subject where a mark ends it."""
    mark = plain[at:].lstrip()[:1]
    if mark in (":", "«", '"', "“"):
        # A name may be quoted itself: «وأكدت مجلة "..." أن».
        return _name(words) if mark == ":" or len(words) != 1 else None
    if verb in _AMBIGUOUS and not _clause_follows(plain, at):
        return None
    return _name(words) if words and len(words) <= _LONGEST_COMMA else None


def _clause_follows(plain: str, at: int) -> bool:
    """Whether «أن», a colon or a quotation comes within the next words."""
    following = plain[at : at + 120].split(".")[0]
    return re.search(rf"(?:\s{_CLAUSE}\s|[:«\"“])", following) is not None


def _name(words: Sequence[str]) -> str:
    name = _DATE.sub("", " ".join(words))
    return name if len(name) > 1 else ""
