"""The clauses of a long sentence that matter for a question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from vectorstore.analysis import analyse
from vectorstore.arabic import fold, fold_aligned

# Before a whole word: none of a word, or an Arabic conjunction, preposition or article.
_BEFORE = r"(?:(?<!\w)|(?<=\b[وفبلك])|(?<=\bال)|(?<=\bلل)|(?<=\b[وفبك]ال))(?<!\d[.,])"
_AFTER = r"(?!\w|[.,]\d)"
LONGEST_SENTENCE = 480  # characters of a sentence in a prompt, about 160 tokens of Arabic
ECHO = 2  # words at the beginning of a short answer that repeat the question
LONGEST_ECHO = 3  # words of a short answer that may all stand in the question
# A year is its digits, and what begins here only tells more of what was named before.
_YEAR = re.compile(r"(?:في )?(?:عام|سنة|العام|(?:in )?(?:the )?year) (?=\d{4}$)|in (?=\d{4}$)")
_MORE = re.compile(
    r"[،,]? (?:و?(?:هو|هي|هم)|الذي|التي|الذين|which|who|whose) .*"
    r"|[،,] (?:خاصة|وخاصة|ولا سيما|لا سيما|بما في ذلك|including|especially|particularly) .*"
)
_REASON = re.compile(r"(?<!\w)[وف]?(?:لماذا|كيف|بم|علام)(?!\w)|\b(?:why|how)\b", re.IGNORECASE)
_PREPOSITIONS = frozenset("من في على إلى عن بين of in on at from for to by".split())
_CHOICE = re.compile(r"\bor\b|(?<!\w)أم(?!\w)", re.IGNORECASE)
_ARTICLE = re.compile(r"\b[وفبك]?ال$")
_JOINED = re.compile(r"وال(?!د)\w{3}")  # «وانغ», «والدة» are words of their own
_AND = re.compile(r"\sو\w")
_FIRST_ITEM = re.compile(r"(?<!\S)(?:من|في|على|إلى|عن|بين|مع)\s+(\w{2,})\s+$")
_CLAUSE = re.compile(r"(?<=[،,؛;:])\s+|\s+(?=[-–—]\s)")


def clip(text: str, weights: Mapping[str, float], longest: int) -> tuple[int, int]:
    """(start, end) of the run of clauses of at most ``longest`` characters that holds the most.

    ``weights``: what each analysed token is worth. The shortest of the best runs is extended to
    what fits, forwards first, so that a clause keeps its continuation. A text that fits is whole;
    a single clause that is too long is cut at white space.
    """
    if len(text) <= longest:
        return 0, len(text)
    clauses = _clauses(text)
    worth = [{t for t in analyse(text[a:b]) if t in weights} for a, b in clauses]
    best, best_key = (0, 0), (-1.0, 0)
    for i in range(len(clauses)):
        held: set[str] = set()
        for j in range(i, len(clauses)):
            if clauses[j][1] - clauses[i][0] > longest and j > i:
                break
            held |= worth[j]
            key = (sum(weights[t] for t in held), -(clauses[j][1] - clauses[i][0]))
            if key > best_key:
                best, best_key = (i, j), key
    i, j = _extended(clauses, *best, longest, forwards=True)
    start, end = clauses[i][0], clauses[j][1]
    if end - start > longest:
        end = text.rfind(" ", start, start + longest)
        end = end if end > start else start + longest
    return start, start + len(text[start:end].rstrip())


def around(text: str, span: tuple[int, int], longest: int) -> tuple[int, int]:
    """(start, end) of the run of clauses that holds a span and is as long as fits, backwards first:
    who does something is named before what is done. Where the clauses of the span alone are longer
    than ``longest`` characters, the words around it."""
    if len(text) <= longest:
        return 0, len(text)
    clauses = _clauses(text)
    held = [k for k, (a, b) in enumerate(clauses) if a < span[1] and span[0] < b]
    i, j = held[0], held[-1]
    if clauses[j][1] - clauses[i][0] > longest:
        room = max(0, longest - (span[1] - span[0])) // 2
        start = max(clauses[i][0], span[0] - room)
        start = text.find(" ", start, span[0]) + 1 or start if start > clauses[i][0] else start
        end = text.rfind(" ", span[1], span[1] + room)
        end = clauses[j][1] if clauses[j][1] <= span[1] + room else end if end > 0 else span[1]
        return start, start + len(text[start:end].rstrip())
    i, j = _extended(clauses, i, j, longest, forwards=False)
    start, end = clauses[i][0], clauses[j][1]
    return start, start + len(text[start:end].rstrip())


def _clauses(text: str) -> list[tuple[int, int]]:
    """(start, end) of what lies between the marks of a sentence."""
    cuts = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    return [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if b > a]


def _extended(
    clauses: list[tuple[int, int]], i: int, j: int, longest: int, *, forwards: bool
) -> tuple[int, int]:
    """The run from clause ``i`` to ``j`` with as many more as fit, first in one direction."""

    def more(ahead: bool) -> tuple[int, int] | None:
        first, last = (i, j + 1) if ahead else (i - 1, j)
        fits = 0 <= first and last < len(clauses)
        return (first, last) if fits and clauses[last][1] - clauses[first][0] <= longest else None

    while wider := more(forwards) or more(not forwards):
        i, j = wider
    return i, j


def snap(words: str, text: str, least: float = 0.75) -> tuple[int, int] | None:
    """The run of words of ``text`` that is ``words`` but for spelling, or None.

    Turns a model's misspelt or reinflected short answer into the article's own words: an equal run
    after folding, else the run whose stems are most like (token F1 of at least ``least``).
    """
    if equal := find_words(words, text):
        return equal
    wanted = analyse(words)
    if not wanted:
        return None
    tokens = [
        (m.start(), m.end(), analyse(m.group())) for m in re.finditer(r"[^\s،؛؟!()«»“”\"]+", text)
    ]
    longest = len(words.split()) + 3
    best, best_key = None, (least, 0)
    for i, (start, _, first) in enumerate(tokens):
        held: list[str] = []
        for _, end, stems in tokens[i : i + longest] if first else ():
            held += stems
            f1 = 2 * _common(held, wanted) / (len(held) + len(wanted))
            if stems and (f1, start - end) > best_key:
                best, best_key = (start, end), (f1, start - end)
    if best is None:
        return None
    return best[0], best[0] + len(text[best[0] : best[1]].rstrip(".,"))


def beginning(start: int, end: int, text: str) -> int:
    """Where an Arabic run of words that was found at ``start`` begins: with its article, and where
    it is the rest of a list («والسعودية والسودان») with the one word between a preposition and it,
    or else without its conjunction."""
    if _ARTICLE.search(text[:start]):
        start -= len("ال")
    if _JOINED.match(text, start, end) and _AND.search(text, start + 1, end):
        first = _FIRST_ITEM.search(text[:start])
        return first.start(1) if first else start + 1
    return start


def trimmed(words: str, question: str) -> str:
    """A short answer without what only tells more of it or half a bracket; of a year, its digits.

    What answers why or how is whole.
    """
    words = _unpaired(words)
    if _REASON.search(question):
        return words
    return _YEAR.sub("", _MORE.sub("", words, count=1), count=1)


def _unpaired(words: str) -> str:
    """Some words up to a bracket of which they hold one half: «13» of «13) رئيس بلدية»."""
    for opens, closes in ("()", "[]", "«»", "“”"):
        if words.count(opens) != words.count(closes):
            parts = [
                part for part in re.split(f"[{re.escape(opens + closes)}]", words) if part.strip()
            ]
            words = parts[0] if parts else words
    return words.strip()


def find_words(words: str, text: str) -> tuple[int, int] | None:
    """(start, end) of a run of whole words in ``text``, equal after folding."""
    folded, origin = fold_aligned(text)
    equal = _find(words, folded)
    return (origin[equal.start()], origin[equal.end() - 1] + 1) if equal else None


def stands_in(words: str, text: str) -> bool:
    """Whether a text holds a run of whole words, folded."""
    return _find(words, fold(text)) is not None


def _find(words: str, folded: str) -> re.Match[str] | None:
    """Whole words, so that 12 is not found in 2012 nor "US" in "Russia"."""
    sought = fold(words).strip()
    return re.search(f"{_BEFORE}{re.escape(sought)}{_AFTER}", folded) if sought else None


def share_held(words: str, text: str) -> float:
    """Share of the distinct stems of some words that a text holds; 1 without any."""
    stems = set(analyse(words))
    return len(stems & set(analyse(text))) / len(stems) if stems else 1.0


def offers_answers(question: str) -> bool:
    """Whether a question has its possible answers in it: "summer or winter?"."""
    return _CHOICE.search(question) is not None


def without_echo(words: str, question: str) -> str | None:
    """A short answer without the words at its beginning and its end that only repeat the question.

    One word at the beginning may be the head of a name («حزب» of «حزب الشعب») and stays, and so
    does what no preposition joins at the end («150 دولة»). None for an answer of one word or many
    that says nothing else, unless the question offers its answers ("or", «أم»); of two or three it
    may be a name of which the question has the words apart.
    """
    asked = set(analyse(question))
    tokens = [(m.start(), m.group(), set(analyse(m.group()))) for m in re.finditer(r"\S+", words)]
    told = [i for i, (_, _, stems) in enumerate(tokens) if not stems <= asked]
    if not told:
        name = 1 < len(tokens) <= LONGEST_ECHO and not stands_in(words, question)
        return words if name or offers_answers(question) else None
    start = tokens[told[0]][0] if told[0] >= ECHO else 0
    joint = told[-1] + 1
    ends = joint < len(tokens) and tokens[joint][1].lower() in _PREPOSITIONS
    end = tokens[joint][0] if ends else len(words)
    return words[start:end].rstrip()


def _common(a: list[str], b: list[str]) -> int:
    return sum((Counter(a) & Counter(b)).values())
