"""Splitting news text, mostly Arabic, into sentences with offsets into the original.

A line break always ends a sentence, so a headline or an outlet's line is one of its own. Inside a
line the marks . ؟ ? ! … ۔ end one, except in numbers, abbreviations, initials, addresses, and in
quotations or brackets that are closed on the same line and not very long. Arabic has no capitals,
so what follows a full stop can only help for Latin text; for Arabic it is the word before the full
stop that decides.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from vectorstore.types import Span

LONGEST_PROTECTED = 600  # characters; a quotation longer than this is split like other text
PAUSE_AFTER = 80  # characters before ".." from which it ends a sentence and is no mere pause

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_MARKS = re.compile(r"[.؟?!…۔]+(?:[ \u00a0]?[؟?!…]+)*")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s«»“”\"()<>،؛]*[^\s«»“”\"()<>،؛.؟?!…]"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"
    r"|(?<![A-Za-z0-9.-])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
    r"\.(?:com|net|org|info|gov|edu|int|io|co|tv|sa|ae|eg|cn|uk|jo|qa|ps|iq|ly|ma|dz|tn|sy|lb|kw|om"
    r"|bh|ye|sd|ru|fr|de|ir|tr)(?![A-Za-z0-9])(?:/[^\s«»“”\"()<>،؛.]*)?",
    re.IGNORECASE,
)
_ENCLOSURE = re.compile(r"[()\[\]«»\"“”„‟]")
_OPENING = {")": "(", "]": "[", "»": "«"}
_CLOSERS = ")]»\"”“’'"  # “ closes too: many Arabic keyboards produce it at both ends
_INVISIBLE = "\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u061c"
_AFTER = re.compile(rf"[\s{_INVISIBLE}]*")
_WORD_BEFORE = re.compile(r"(?:\w|[\u0640\u064b-\u065f\u0670])+$")
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]")

_NEVER_LAST = frozenset(
    "mr mrs ms dr prof gen col lt sgt capt maj adm sen rep gov pres hon rev st mt ft vs eg ie cf "
    "fig figs vol art ed eds messrs mme mlle".split()
)  # a title, or something else that always has a continuation
_SELDOM_LAST = frozenset(
    "inc ltd co corp jr sr etc al bros dept univ est approx ave blvd".split()
)  # ends a sentence only where a usual first word follows
_BEFORE_NUMBER = frozenset(
    "no nos p pp art sec ch jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_FIRST_WORDS = frozenset(
    "the a an in on at it he she they we i but and however this that these those there when while "
    "after before as for from with if its his her their our according meanwhile".split()
)
_TITLES_AFTER_AND = frozenset(("ود", "وم", "وأ"))  # "and Dr", "and Eng."
_LETTER_NAMES = frozenset(
    "فيتامين المجموعة مجموعة الفئة فئة الدرجة درجة الحرف حرف الصنف الملحق القسم الطراز".split()
)  # "vitamin د.", "group ب.": here the single letter is a name and can end a sentence


def split_sentences(text: str) -> list[Span]:
    """Sentences of ``text`` in order, trimmed of white space, none empty.

    Every character that is not white space lies in exactly one span. A run without letters or
    digits joins the sentence before it (the first one joins the sentence after it), so only a text
    that has neither yields a span of marks alone.
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        start = line.start()
        for end in (*_ends(text, line.start(), line.end()), line.end()):
            span = _trimmed(text, start, end)
            if span is not None:
                spans.append(span)
            start = end
    return _joined(text, spans)


def _trimmed(text: str, start: int, end: int) -> Span | None:
    piece = text[start:end]
    stripped = piece.lstrip()
    start += len(piece) - len(stripped)
    stripped = stripped.rstrip()
    return Span(start, start + len(stripped)) if stripped else None


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """Spans without a letter or digit, made part of a neighbour."""
    joined: list[Span] = []
    waiting: int | None = None  # start of leading marks that wait for the first real sentence
    for span in spans:
        if any(map(str.isalnum, text[span.start : span.end])):
            joined.append(span if waiting is None else Span(waiting, span.end))
            waiting = None
        elif joined:
            joined[-1] = Span(joined[-1].start, span.end)
        elif waiting is None:
            waiting = span.start
    if waiting is not None:
        return [Span(waiting, spans[-1].end)]
    return joined


def _ends(text: str, start: int, end: int) -> list[int]:
    """Offsets within the line ``text[start:end]`` at which a sentence ends and another begins."""
    line = text[start:end]
    marks = list(_MARKS.finditer(line))
    if not marks:
        return []
    addresses = _Zones(m.span() for m in _ADDRESS.finditer(line))
    closed_at = {closing: opening for opening, closing in _enclosures(line)}
    protected = _Zones((opening, closing) for closing, opening in closed_at.items())
    ends: list[int] = []
    begin = 0
    for mark in marks:
        stop = mark.end()
        opened = None  # where the last enclosure began that closes right after the mark
        while stop < len(line) and (stop in closed_at or _stray_closer(line, stop)):
            opened = closed_at.get(stop, opened)
            stop += 1
        inside = addresses.reach(mark.end()) > mark.start() or protected.reach(mark.start()) >= stop
        if not inside and stop < len(line) and _is_end(line, begin, mark, stop, opened):
            ends.append(start + stop)
            begin = stop
    return ends


class _Zones:
    """Stretches of a line, to be asked how far those reach that begin before an offset."""

    def __init__(self, zones: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(zones)
        self._starts = [start for start, _ in ordered]
        self._reach = list(accumulate((end for _, end in ordered), max))

    def reach(self, offset: int) -> int:
        """The furthest end of the zones that begin before ``offset``; -1 if there are none."""
        count = bisect_left(self._starts, offset)
        return self._reach[count - 1] if count else -1


def _enclosures(line: str) -> list[tuple[int, int]]:
    """(opening, closing) offsets of closed quotations and brackets that are not too long.

    Double quotation marks of any shape are told apart by what stands beside them, because Arabic
    text often has the same shape at both ends; one that is never closed protects nothing.
    """
    found: list[tuple[int, int]] = []
    stacks: dict[str, list[int]] = {"(": [], "[": [], "«": []}
    quote: int | None = None
    for match in _ENCLOSURE.finditer(line):
        mark, at = match.group(), match.start()
        if mark in stacks:
            stacks[mark].append(at)
        elif mark in _OPENING:
            stack = stacks[_OPENING[mark]]
            if stack:
                found.append((stack.pop(), at))
        else:
            space_before = at == 0 or line[at - 1].isspace() or line[at - 1] in "([«:"
            space_after = at + 1 == len(line) or not line[at + 1].isalnum()
            if quote is None or (space_before and not space_after):
                if not (space_after and not space_before):
                    quote = at
            else:
                found.append((quote, at))
                quote = None
    return [(a, b) for a, b in found if b - a <= LONGEST_PROTECTED]


def _stray_closer(line: str, at: int) -> bool:
    """A closing mark without its opening one; directly before a word it would be an opening one."""
    return line[at] in _CLOSERS and not line[at + 1 : at + 2].isalnum()


def _is_end(line: str, begin: int, mark: re.Match[str], stop: int, opened: int | None) -> bool:
    """Whether the sentence from ``begin`` ends with ``mark``.

    ``stop`` is the offset after its closing marks, ``opened`` where what they close began.
    """
    resume = _AFTER.match(line, stop).end()
    if resume == len(line):
        return False
    following = line[resume]
    if following in ",،;؛:" or following.islower():
        return False
    if opened is not None:
        if line[opened] in "([" and line[begin:opened].strip():
            return False  # a remark in brackets inside a sentence
        if mark.group()[-1] not in ".۔" and not following.isupper():
            return False  # a title or question quoted inside an Arabic sentence
    spaced = resume > stop
    dots = mark.group()
    if dots == ".":
        return _full_stop_ends(line, begin, mark.start(), resume, spaced)
    if dots == "..":
        return mark.start() - begin >= PAUSE_AFTER
    return spaced or bool(_ARABIC.match(following)) or following.isupper() or opened is not None


def _full_stop_ends(line: str, begin: int, at: int, resume: int, spaced: bool) -> bool:
    """Whether the single full stop at ``at`` ends a sentence; ``resume``: the next character."""
    found = _WORD_BEFORE.search(line, max(begin, at - 40), at)
    word = found.group() if found else ""
    following = line[resume]
    if word.isdigit():
        if following.isdigit() and not spaced:
            return False  # 19.8
        if not line[begin : at - len(word)].strip() and len(word) <= 3:
            return False  # "3." that numbers an item
        return spaced or bool(_ARABIC.match(following))
    letters = word.replace("ـ", "")
    if letters in _TITLES_AFTER_AND or (len(letters) == 1 and letters.isalpha()):
        return _single_letter_ends(line, begin, at - len(word), resume, spaced)
    folded = word.lower()
    if folded in _NEVER_LAST:
        return False
    if folded in _BEFORE_NUMBER and following.isdigit():
        return False
    if folded in _SELDOM_LAST:
        return spaced and _next_word(line, resume) in _FIRST_WORDS
    if spaced:
        return True
    # No space, as is common in Arabic news sites: two words run together, not an abbreviation.
    if _ARABIC.search(word):
        return len(letters) > 2 and bool(_ARABIC.match(following) or following.isupper())
    runs_on = following.isupper() and line[resume + 1 : resume + 2].islower()
    return bool(_ARABIC.match(following)) or (len(word) > 2 and word[-1:].islower() and runs_on)


def _single_letter_ends(line: str, begin: int, at: int, resume: int, spaced: bool) -> bool:
    """A full stop after one letter: a title (د.), an initial (ج. ب.), seldom a sentence's end."""
    if not spaced:
        return False
    before = line[begin:at].split()
    if line[at] in "مه":
        if before and before[-1][-1:].isdigit():
            return True  # "2015 م.": the era, or metres
    if before and before[-1] in _LETTER_NAMES:
        return True
    return _next_word(line, resume) in _FIRST_WORDS  # "in the U.S. The", "Plan B. It"


def _next_word(line: str, at: int) -> str:
    found = re.compile(r"\w*").match(line, at)
    return found.group().lower() if found else ""
