"""One answer of those to the parts of a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.answer import AnswerSentence, Citation, Path
from rag.authoring import Written
from rag.citing import markers
from rag.composing import Composed
from rag.phrases import phrase

UNSUPPORTED = 0.5  # probability that it is right to say that nothing supports an answer
# The path of several answers is the first of these that one of them took.
_PATHS: tuple[Path, ...] = ("quoted", "repaired", "generated")
_SEPARATORS = {"ar": "؛ ", "en": "; "}  # of short answers


def joined(questions: Sequence[str], written: Sequence[Written], language: str) -> Written:
    """What was written for each of some questions, as one: sentences in their order, citations
    numbered through, the least probability that one is right, which for a question without an
    answer is that there is none.

    It says of which questions nothing is told; nothing at all where that is so of each. There is a
    short answer where each has one. What was said is not said again.
    """
    if len(written) == 1:
        return written[0]
    failed = next((w.model_error for w in written if w.model_error), None)
    told = [w.composed for w in written if _tells(w)]
    if not told:
        without = next((w.composed for w in written if w.composed is not None), None)
        return Written(without, max(w.probability for w in written), failed)
    citations: dict[tuple[str, int, int], Citation] = {}
    sentences: dict[str, AnswerSentence] = {}  # by their words
    for question, one in zip(questions, written, strict=True):
        if not _tells(one):
            reason = "untold" if one.composed is None else "unsupported_part"
            said = phrase(reason, language, question=question.rstrip("؟? "))
            sentences[said] = AnswerSentence(said, (), True, 1.0)
            continue
        cited = {c.n: c for c in one.composed.citations}
        for sentence in one.composed.sentences:
            words = sentence.text.removesuffix(markers(sentence.citations))
            if words not in sentences:
                places = [cited[n] for n in sentence.citations]
                numbers = tuple(_number(c, citations) for c in places)
                text = f"{words}{markers(numbers)}"
                sentences[words] = replace(sentence, text=text, citations=numbers)
    shorts = [w.composed.short for w in written if _tells(w) and w.composed.short]
    composed = Composed(
        tuple(sentences.values()),
        tuple(citations.values()),
        _SEPARATORS[language].join(shorts) if len(shorts) == len(written) else None,
        next(path for path in _PATHS if path in {c.path for c in told}),
        corrects=any(c.corrects for c in told),
    )
    return Written(composed, min(map(_right, written)), failed)


def shorts_of(short: str) -> list[str]:
    """The short answers that one was put together from."""
    return [one for one in re.split("|".join(_SEPARATORS.values()), short) if one]


def _tells(written: Written) -> bool:
    return written.composed is not None and bool(written.composed.sentences)


def _number(citation: Citation, numbered: dict[tuple[str, int, int], Citation]) -> int:
    """The number of a citation's place among those ``numbered``, where it is put if it is new."""
    place = (citation.article_id, citation.start, citation.end)
    return numbered.setdefault(place, replace(citation, n=len(numbered) + 1)).n


def _right(written: Written) -> float:
    """The probability that what was written is right, a decline included."""
    if _tells(written):
        return written.probability
    return UNSUPPORTED if written.composed is not None else 1 - written.probability
