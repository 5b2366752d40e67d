"""Words of an article that give orders to whatever program reads them.

An article reports; it has no business with its reader's software. A line that addresses a machine,
or imitates the turns of a prompt, is therefore no evidence for anything: it is neither shown to a
model nor quoted. What stands between quotation marks is reported speech and does not count, so news
about such orders can be found and cited like any other.

The rules know shapes, not topics. Over 35,220 sentences of Saudi news they hold two for orders.
"""

from __future__ import annotations

import re
import unicodedata

from rag.sentences import split_sentences
from vectorstore.arabic import fold
from vectorstore.types import Span

LONGEST_LINE = 600  # characters of a line that one order in it makes worthless as a whole

_SHAPING = "\u200c\u200d\u200e\u200f\u061c"  # joiners and direction marks
_NAME_ENDS = re.compile(r"\s+[|—–-]\s+|[;؛.]\s+")
_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"]*\"")


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


# All patterns are for folded text: no capitals, no diacritics, «إ» is «ا» and «،» is a comma.

# -- the shapes of a prompt ------------------------------------------------------------------------
_TOKEN = _any(
    r"<\|[^|<>\s]{2,40}\|>",
    r"<</?sys>>|\[/?inst\]|</s>|<(?:start|end)_of_turn>",
    r"</?(?:system|evidence|context|documents?|instructions?|user|assistant|prompt)\b[^<>]*>",
)
_ROLE = r"(?:system|user|assistant|developer|model|tool)\b"
_TURN = _any(
    rf"[\"']role[\"']\s*:\s*[\"']{_ROLE}",
    r"\b(?:user|المستخدم)\s*:.*\b(?:assistant|المساعد)\s*:",
    r"^\W*(?:short|المختصر)\s*:",  # what the prompts call the answer in few words
)
_MARK = re.compile(r"\[\d+\]")
_WITH_MARK = _any(
    r"(?:^|[.?!\]]\s*)(?:question|answer|short|q|a|السوال|الجواب|المختصر|سوال|جواب|س|ج)\s*:",
    r"^\W*\[\d+\] \([^()]{2,60}\)",  # an outlet in brackets, as evidence has it
)
_BREAK = _any(
    r"^\W*={3,}",
    r"\bend of (?:the )?(?:numbered )?(?:sentences|evidence|documents?|context)\b",
    r"\bانتهت (?:الجمل|الوثايق|المستندات)\b",
)

# -- who is addressed ------------------------------------------------------------------------------
_START = r"(?:^\W*|[.!?:;,|\]—-]\s*)"
_EN = (
    r"(?:ai|assistants?|chat ?bots?|bots?|(?:large )?language models?|llms?|(?:chat)?gpt"
    r"|(?:ai|language|retrieval|citation) (?:systems?|models?|assistants?|agents?|engines?))"
)
_AR = (
    r"(?:(?:ال)?مساعد(?:ين)?(?: (?:ال)?(?:الي|ذكي|رقمي))?|(?:ال)?نموذج(?: (?:ال)?لغ\w+)?"
    r"|نماذج (?:ال)?(?:لغ\w+|ذكاء (?:ال)?اصطناعي)|(?:ال)?ذكاء (?:ال)?اصطناعي|(?:ال)?روبوت"
    r"|شات ?بوت|برنامج الدردشه)"
)
_LETTER_EN = r"(?:note|notice|instructions?|message|orders?)"
_LETTER_AR = r"(?:تعليمات|ملاحظه|تنبيه|رساله|امر|اوامر)"
_VOCATIVE = _any(
    rf"{_START}(?:dear|hey|attention|to|{_LETTER_EN} (?:to|for)) (?:the |all |any |every )*{_EN}\b",
    rf"{_START}{_EN}\s*[:,!]",
    rf"{_START}(?:ايها|يا) {_AR}\b",
    rf"{_START}(?:{_LETTER_AR} )?الي (?:كل |جميع )?{_AR}\b[^,:]*[:,]",
    rf"{_START}{_LETTER_AR} لل?{_AR}\b",
)
_SYSTEM = _any(
    r"^\W*(?:system|admin\w*|developer|retrieval (?:system|layer))"
    r"(?: (?:note|message|override|update|prompt|notice|correction)){0,2}"
    r"(?: \([^)]*\))?(?: [\w ]{0,20})?:",
    r"^\W*(?:النظام|(?:رساله|تصحيح|تحديث|ملاحظه|تعليمات|تنبيه) (?:من )?(?:تعليمات )?(?:ال)?نظام)\b"
    r"[^.]{0,20}[:\]=]",
    r"\b(?:corrected by|says|comes? from|are from) the system\b",
    r"\b(?:اوامر|تصحيح) من النظام\b",
)

# -- what it must do: taken for an order unless the sentence reports what someone said -------------
_DUTY = _any(
    rf"\b{_EN} (?:must|should|shall|ha(?:s|ve) to|(?:is|are) (?:to|required to)|will always)\b"
    r"(?! be\b)",
    rf"{_START}(?:as|if you are) an? {_EN}\b",
    rf"(?:{_START}|\s)[وف]?(?:يجب )?علي (?:كل |جميع )?{_AR} (?:ان|الا)\b",
    rf"{_START}(?:بصفتك|(?:ان|اذا) كنت) {_AR}",
)
_INSTRUCTIONS_EN = r"(?:instructions?|rules|prompt|passages?|above|previous|guidelines|the text)"
_INSTRUCTIONS_AR = r"(?:ما (?:سبق|ورد|قبل)|التعليمات|تعليماتك|قواعدك|الاسيله|النص|بقيه)"
_ORDER_EN = _any(
    rf"{_START}(?:please |and |then )?(?:ignore|disregard|forget|override)\b.{{0,30}}"
    rf"\b{_INSTRUCTIONS_EN}\b",
    rf"{_START}(?:print|repeat|output)\b.*\b(?:instructions|prompt|above|and stop)\b",
    rf"{_START}(?:please )?(?:answer|reply|respond) (?:only )?(?:with|in) ",
    rf"{_START}you are now\b|\byou are no longer an?\b|\byour new task\b|\b\w+ mode, free of\b",
    r"\bnew (?:task|rule|instructions?)\b[^.]{0,30}:",
    r"\bfrom (?:now|this point) on,? (?:you|(?:every|each|all) answers?|answer)\b",
    r"\b(?:begin|start|end) (?:your|each|every) (?:answer|response|reply)\b",
    r"\b(?:in|of) your (?:answers?|response|reply|summary)\b|\bwhen summari[sz]ing\b",
    r"\bif (?:any\w*|the user|a user) asks?\b.*\byou must\b",
    r"\bwhen asked\b.*\b(?:say|answer)\b|\b(?:tell|give) the (?:user|person asking)\b",
    r"\b(?:do not|don't|never) (?:answer|reveal|mention)\b|\bcite only\b",
    r"\bonly (?:allowed|permitted) answer\b|\bthis is an order\b",
    r"\b(?:system|hidden) prompt\b|\bthe instructions you were given\b",
)
_ASKED_AR = r"\b(?:اذا|ان|عند|كلما|لو) (?:سيلت|ذكر\w*|سالك?|السوال)\b"
_ORDER_AR = _any(
    rf"{_START}[وف]?(?:تجاهل|انس|اهمل|الغ) (?:كل |جميع |اي )?{_INSTRUCTIONS_AR}",
    rf"{_START}(?:اطبع (?:نص )?(?:ال)?تعليمات\w*|تعليمات(?: جديده)?:|ترجم هذه الجمله)",
    rf"{_START}[وف]?اجب (?:دايما|فقط|ب|عن)|{_START}[وف]?(?:اجب|رد|قل|اكتب|اطبع) ?:",
    rf"{_ASKED_AR}.*\b[وف]?(?:قل|اجب|اكتب|رد)\b",
    r"\bمهمتك الجديده\b|\bمن الان فصاعدا\b|\bقبل ان تجيب\b|\b[وف]?لا تجب عن\b",
    r"\b(?:ابدا|انه) (?:كل )?(?:ردك|جوابك|جواب)\b|\bفي (?:ردك|جوابك|ملخصك)\b",
    r"\b[وف]?(?:اخبر|انصح) (?:السايل|المستخدم|القاري)\b",
    r"\bلا تستشهد\b|\bاستشهد ب\w+ وحد",
)
_REPORTS = _any(
    r"\b(?:said|says|told|according to|warned|found|reported|wrote)\b",
    r"(?<!\w)[وف]?(?:قال|ذكر|اوضح|اضاف|حذر|كتب)ت?(?!\w)|(?<!\w)[وف]?(?:بحسب|وفق)(?!\w)",
)


def addresses_machine(sentence: str) -> bool:
    """Whether a sentence gives orders to a program or imitates the turns of a prompt."""
    whole = fold(sentence)
    tokens = list(_TOKEN.finditer(whole))
    if len(tokens) > 1 or any(_as_in_prompts(whole, token) for token in tokens):
        return True
    if _TURN.search(whole) or (_MARK.search(whole) and _WITH_MARK.search(whole)):
        return True
    own = fold(_QUOTED.sub(" … ", sentence))
    if any(pattern.search(own) for pattern in (_BREAK, _VOCATIVE, _SYSTEM)):
        return True
    orders = [m.start() for p in (_DUTY, _ORDER_EN, _ORDER_AR) if (m := p.search(own))]
    # "The minister said that assistants must…" reports; what opens with an order does not.
    return bool(orders) and (min(orders) == 0 or not _REPORTS.search(own))


def _as_in_prompts(text: str, token: re.Match[str]) -> bool:
    """Whether a control token stands where a prompt has it: at an end, or before a role."""
    before, after = text[: token.start()].strip(" \t."), text[token.end() :].lstrip()
    return not before or not after or bool(re.match(_ROLE, after))


def name_alone(value: str | None) -> str | None:
    """A title, outlet or author without what follows it to address a machine; None if all does."""
    if not value or not addresses_machine(value):
        return value
    first = _NAME_ENDS.split(value, maxsplit=1)[0].strip()
    return None if not first or addresses_machine(first) else first


def printable(text: str) -> str:
    """``text`` without characters that no reader sees, but for those that shape Arabic text."""
    return "".join(c for c in text if c in _SHAPING or unicodedata.category(c) != "Cf")


def order_spans(text: str) -> list[Span]:
    """Where ``text`` addresses a machine: whole lines, since what stands beside an order belongs to
    it, but only the sentences themselves where a line is long (a whole article may be one)."""
    found: list[Span] = []
    for sentence in split_sentences(text):
        if found and sentence.start < found[-1].end:
            continue
        if addresses_machine(text[sentence.start : sentence.end]):
            start = text.rfind("\n", 0, sentence.start) + 1
            end = text.find("\n", sentence.end)
            end = end if end >= 0 else len(text)
            found.append(Span(start, end) if end - start <= LONGEST_LINE else sentence)
    return found


def without_orders(text: str) -> str:
    """The same text, as long, with blanks where it addresses a machine."""
    for span in order_spans(text):
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text
