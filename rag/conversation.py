"""Follow-up questions made standalone, small talk told apart, history bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vectorstore.arabic import fold

LONGEST_QUESTION = 2000  # characters, about 670 tokens of Arabic
TURNS = 6  # of the history that are read
_LONGEST_FOLLOW_UP = 9  # words
_CONTEXT = 600  # characters of earlier questions that go with a follow-up

_OPENINGS = re.compile(r"^(?:و(?=\w)|ف(?=\w)|and\b|but\b|so\b|what about|how about|ماذا عن|then\b)")
_POINTERS = frozenset(
    fold(w)
    for w in "it that this those these they them he she his her their him there then one ones same "
    "ذلك هذا هذه تلك هؤلاء هو هي هم هناك منها منه عنها عنه فيها فيه بها به لها له كانت بلاده "
    "بلادها بلادهم كلاهما نفسه نفسها".split()
)
_POSSESSIVES = frozenset("its their".split())
# «بناؤه», «شعبها»; not «مدينة», which ends in another letter until it is folded.
_SUFFIXED = re.compile(r"[\u0621-\u064a]{2,}(?:ه|ها|هم|هما|هن)")
_GREETINGS = {
    *("مرحبا", "اهلا", "السلام عليكم", "سلام", "صباح الخير", "مساء الخير", "شكرا", "شكرا جزيلا"),
    *("hi", "hello", "hey", "good morning", "good evening", "thanks", "thank you"),
}
_ABOUT = re.compile(
    r"(?:who|what) are you|what can you do|how do you work|من انت|ما انت"
    r"|ماذا (?:تستطيع|يمكنك)(?: ان تفعل| فعله)?|كيف تعمل"
)
_REPLIES = {
    ("ar", "greeting"): "أهلا بك. اسألني عما في أرشيفك من الأخبار، وسأجيب بما تقوله المقالات مع "
    "مواضع الاقتباس.",
    ("en", "greeting"): "Hello. Ask me about the news in your archive; I answer from the articles "
    "and show the words that each sentence rests on.",
    ("ar", "about"): "أنا مستند، أمين أرشيف أخبارك. أعمل على جهازك وحده، وأجيب من مقالات أرشيفك، "
    "وأعرض لكل جملة الكلمات التي تستند إليها، وما لا يذكره الأرشيف أقول إني لا أعرفه.",
    ("en", "about"): "I am Mustanad, the librarian of your news archive. I run on your machine "
    "alone, answer from your articles, show the words that every sentence rests on, and say so "
    "when the archive does not tell.",
}
# First words whose و or ف belongs to them: «وزير», «وفق», «فيروس».
_OWN_W = (
    *("وزير", "وزاره", "وفق", "وفد", "وكال", "وقع", "وصف", "ولد", "وباء", "ورد", "واشنطن", "وانغ"),
    *("ووهان", "وسائل", "في", "فاز", "فرنس", "فلسط", "فريق", "فنزويلا", "فنلندا"),
)


def bounded(history: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The last turns of a history, checked. Raises ValueError on a turn of another form."""
    turns = []
    for i, turn in enumerate(history):
        known = turn if isinstance(turn, Mapping) else {}
        role, content = known.get("role"), known.get("content")
        if role not in ("user", "assistant") or not isinstance(content, str):
            raise ValueError(
                f"history turn {i} is {turn!r:.80}; expected "
                '{"role": "user" or "assistant", "content": text}'
            )
        turns.append({"role": role, "content": content})
    return turns[-TURNS:]


def small_talk(question: str, language: str) -> str | None:
    """A fixed reply to a greeting or a question about the assistant itself, else None."""
    folded = re.sub(r"[^\w\s]", "", fold(question)).strip()
    if folded in _GREETINGS:
        return _REPLIES[language, "greeting"]
    if _ABOUT.fullmatch(folded):
        return _REPLIES[language, "about"]
    return None


def standalone(question: str, before: str) -> str:
    """A question for retrieval: a follow-up is preceded by what was asked ``before`` it."""
    return f"{before} {question}" if before else question


def in_context(question: str, before: str) -> str:
    """A question for the model: a follow-up with what was asked before after it, in brackets."""
    return f"{question} ({before})" if before else question


def asked_before(question: str, history: Sequence[Mapping[str, str]]) -> str:
    """What a follow-up leans on: the user's last question, and where that is a follow-up too what
    it leans on. Nothing for a question that stands on its own.

    The assistant's own words are left out, so that an error in an answer does not steer the next
    search; what the user asked about is what a follow-up points to.
    """
    if not is_follow_up(question):
        return ""
    leaned_on: list[str] = []
    for turn in reversed(history):
        asked = turn["content"].strip()
        if turn["role"] != "user" or not asked or small_talk(asked, "en"):
            continue
        leaned_on.insert(0, asked)
        if not is_follow_up(asked):
            break
    return " ".join(leaned_on)[-_CONTEXT:]


def points_back(question: str) -> bool:
    """Whether a question of any length has a word that may stand for something said before."""
    words = re.findall(r"\w+", question)
    return any(fold(w) in _POINTERS or w.lower() in _POSSESSIVES for w in words) or any(
        _SUFFIXED.fullmatch(w) for w in words
    )


def is_follow_up(question: str) -> bool:
    """Whether a question leans on what was said before: its opening, its pointers, its length."""
    folded = fold(question).strip()
    words = re.findall(r"\w+", folded)
    if _OPENINGS.match(folded) and not (words and words[0].startswith(_OWN_W)):
        return True
    return len(words) <= 3 or (
        len(words) <= _LONGEST_FOLLOW_UP and any(w in _POINTERS for w in words)
    )
