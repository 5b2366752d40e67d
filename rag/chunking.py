"""Cutting an article into passages: runs of whole sentences, balanced in length."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.sentences import split_sentences
from vectorstore.types import Passage, Span

TARGET = 800  # characters, the middle of the 600–1,000 that embed well
OFF_PARAGRAPH = 0.15  # cost of a break inside a paragraph: like being 39 % off the target

_CLAUSE = re.compile(r"[،؛,;:–—…»”)\]](?=\s)|(?<=\s)[-–—](?=\s)")
_LINE_BREAK = re.compile(r"[\n\r\v\f\x85\u2028\u2029]")


def split_passages(text: str, max_chars: int = 1200) -> list[Passage]:
    """Passages of ``text`` in order, each at most ``max_chars`` characters from start to end.

    Every sentence lies in exactly one passage; one longer than ``max_chars`` is first cut at its
    clause marks, else at white space, else anywhere. A text that fits is one passage. The breaks
    are those of least total cost, where a passage costs its squared relative distance from
    ``TARGET`` and a break that is not at a paragraph's end costs extra; so no short rest is left
    over at the end. Raises ValueError if ``max_chars`` is below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}; expected at least 1")
    sentences = [piece for s in split_sentences(text) for piece in _pieces(text, s, max_chars)]
    if not sentences:
        return []
    passages = []
    start = 0
    for end in _breaks(text, sentences, max_chars):
        run = tuple(sentences[start:end])
        passages.append(Passage(run[0].start, run[-1].end, run))
        start = end
    return passages


def _pieces(text: str, sentence: Span, max_chars: int) -> Iterator[Span]:
    """The sentence itself, or parts of at most ``max_chars`` characters, similar in length."""
    start, end = sentence.start, sentence.end
    while end - start > max_chars:
        parts = -(-(end - start) // max_chars)
        cut = _cut(text, start, start + max_chars, start + (end - start) // parts)
        piece_end = cut
        while text[piece_end - 1].isspace():
            piece_end -= 1
        yield Span(start, piece_end)
        start = cut
        while text[start].isspace():
            start += 1
    yield Span(start, end)


def _cut(text: str, start: int, limit: int, wanted: int) -> int:
    """The offset to cut ``text[start:limit]`` at: a clause mark, else a space, near ``wanted``."""
    lowest = start + (limit - start) // 3
    marks = [m.end() for m in _CLAUSE.finditer(text, lowest, limit)]
    if not marks:
        marks = [i for i in range(lowest, limit) if i > start and text[i].isspace()]
    return min(marks, key=lambda at: abs(at - wanted), default=wanted)


def _breaks(text: str, sentences: list[Span], max_chars: int) -> list[int]:
    """Indices into ``sentences`` after each passage, the last one ``len(sentences)``."""
    count = len(sentences)
    if sentences[-1].end - sentences[0].start <= max_chars:
        return [count]
    target = min(TARGET, max_chars * 2 // 3) or 1
    best = [0.0] * (count + 1)
    previous = [0] * (count + 1)
    for end in range(1, count + 1):
        best[end] = float("inf")
        for start in range(end - 1, -1, -1):
            length = sentences[end - 1].end - sentences[start].start
            if length > max_chars:
                break
            cost = best[start] + ((length - target) / target) ** 2
            if cost < best[end]:
                best[end], previous[end] = cost, start
        if end < count:
            gap = text[sentences[end - 1].end : sentences[end].start]
            best[end] += 0.0 if _LINE_BREAK.search(gap) else OFF_PARAGRAPH
    breaks = [count]
    while previous[breaks[-1]]:
        breaks.append(previous[breaks[-1]])
    return breaks[::-1]
