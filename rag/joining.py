"""One answer of those to the parts of a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rag.answer import AnswerSentence, Citation, Path
from rag.authoring import Written
from rag.citing import markers
from rag.composing import Composed
from rag.excerpts import share_held
from rag.phrases import phrase
from rag.quoting import SAME_WORDS

# The path of several answers is the first of these that one of them took.
_PATHS: tuple[Path, ...] = ("quoted", "repaired", "generated")
_SEPARATORS = {"ar": "؛ ", "en": "; "}


def joined(questions: Sequence[str], written: Sequence[Written], language: str) -> Written:
    """What was written for each of some questions, as one: sentences in their order, citations
    numbered through, short answers side by side, the least probability that one is right, which for
    a question without an answer is that there is none.

    It says of which questions nothing is told; nothing at all where that is so of each. What was
    said is not said again.
    """
    if len(written) == 1:
        return written[0]
    failed = next((w.model_error for w in written if w.model_error), None)
    told = [w.composed for w in written if w.composed is not None and w.composed.sentences]
    if not told:
        without = next((w.composed for w in written if w.composed is not None), None)
        return Written(without, max(w.probability for w in written), failed)
    citations: dict[tuple[str, int, int], Citation] = {}
    sentences: list[AnswerSentence] = []
    for question, one in zip(questions, written, strict=True):
        if one.composed is None or not one.composed.sentences:
            untold = phrase("untold", language, question=question.rstrip("؟? "))
            sentences.append(AnswerSentence(untold, (), True, 1.0))
            continue
        numbers: dict[int, int] = {}
        for c in one.composed.citations:
            place = (c.article_id, c.start, c.end)
            citations.setdefault(place, replace(c, n=len(citations) + 1))
            numbers[c.n] = citations[place].n
        for sentence in one.composed.sentences:
            said = " ".join(s.text for s in sentences)
            if share_held(sentence.text, said) < SAME_WORDS:
                sentences.append(_renumbered(sentence, numbers))
    shorts = dict.fromkeys(c.short for c in told if c.short)
    composed = Composed(
        tuple(sentences),
        tuple(citations.values()),
        _SEPARATORS[language].join(shorts) or None,
        next(path for path in _PATHS if path in {c.path for c in told}),
        corrects=any(c.corrects for c in told),
    )
    return Written(composed, min(_probabilities(written)), failed)


def _renumbered(sentence: AnswerSentence, numbers: dict[int, int]) -> AnswerSentence:
    text = sentence.text.removesuffix(markers(sentence.citations))
    citations = tuple(numbers[n] for n in sentence.citations)
    return replace(sentence, text=f"{text}{markers(citations)}", citations=citations)


def _probabilities(written: Iterable[Written]) -> Iterable[float]:
    """Of each answer that it is right, declines included."""
    for one in written:
        told = one.composed is not None and one.composed.sentences
        yield one.probability if told else 1 - one.probability
