"""The clauses of a long sentence that matter for a question."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vectorstore.analysis import analyse

_CLAUSE = re.compile(r"(?<=[،,؛;:])\s+|\s+(?=[-–—]\s)")


def clip(text: str, weights: Mapping[str, float], longest: int) -> tuple[int, int]:
    """(start, end) of the run of clauses of at most ``longest`` characters that holds the most.

    ``weights``: what each analysed token is worth. The shortest of the best runs is extended to
    what fits, forwards first, so that a clause keeps its continuation. A text that fits is whole;
    a single clause that is too long is cut at white space.
    """
    if len(text) <= longest:
        return 0, len(text)
    cuts = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    clauses = [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if b > a]
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
    i, j = best
    while True:
        if j + 1 < len(clauses) and clauses[j + 1][1] - clauses[i][0] <= longest:
            j += 1
        elif i > 0 and clauses[j][1] - clauses[i - 1][0] <= longest:
            i -= 1
        else:
            break
    start, end = clauses[i][0], clauses[j][1]
    if end - start > longest:
        end = text.rfind(" ", start, start + longest)
        end = end if end > start else start + longest
    return start, start + len(text[start:end].rstrip())


def snap(words: str, text: str, least: float = 0.6) -> tuple[int, int] | None:
    """The run of words of ``text`` most like ``words``, or None if token F1 stays below ``least``.

    Turns a model's misspelt or reinflected short answer into the article's own words.
    """
    wanted = analyse(words)
    if not wanted:
        return None
    tokens = [
        (m.start(), m.end(), analyse(m.group())) for m in re.finditer(r"[^\s،؛؟!()«»“”\"]+", text)
    ]
    longest = len(re.findall(r"\S+", words)) + 3
    best, best_key = None, (least, 0)
    for i in range(len(tokens)):
        if not tokens[i][2]:
            continue
        held: list[str] = []
        for j in range(i, min(len(tokens), i + longest)):
            held += tokens[j][2]
            if not tokens[j][2]:
                continue
            common = _common(held, wanted)
            f1 = 2 * common / (len(held) + len(wanted))
            key = (f1, -(tokens[j][1] - tokens[i][0]))
            if f1 >= least and key > best_key:
                best, best_key = (tokens[i][0], tokens[j][1]), key
    if best is None:
        return None
    start, end = best
    return start, start + len(text[start:end].rstrip(".,،"))


def _common(a: list[str], b: list[str]) -> int:
    return sum(min(a.count(t), b.count(t)) for t in set(a))
