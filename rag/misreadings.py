"""Drafts that answer something else than was asked, or nothing, though evidence bears them out."""

from __future__ import annotations

from collections.abc import Sequence

from rag.counts import counts_another
from rag.drafts import Draft
from rag.excerpts import find_words, offers_answers
from rag.expectations import Expected, asks_who, asks_who_said, expected
from rag.figures import find_figures
from rag.quoting import best_of, counted
from rag.sources import Source
from vectorstore.analysis import analyse

FOLLOWING = 2  # words after a figure that say what it is of


def names_nobody(question: str, draft: Draft, sources: Sequence[Source], supported: bool) -> bool:
    """Whether the question asks who, and the evidence leaves open who it was.

    Then the model can only repeat the question's words, with nothing of it ``supported``, or gives
    the outlet's name, which no sentence holds. Who *said* something may be named further up.
    """
    if not (asks_who(question) and not asks_who_said(question) and draft.short):
        return False
    told = set(analyse(draft.short)) - set(analyse(question))
    if not told:
        return not supported
    held = set(analyse(" ".join(f"{s.evidence.quote} {s.speaker or ''}" for s in sources)))
    outlets = set(analyse(" ".join(s.evidence.source or "" for s in sources)))
    return told <= outlets and not told & held


def counts_something_else(question: str, draft: Draft, sources: Sequence[Source]) -> bool:
    """Whether the question asks how many and the figure that the model found is of something else,
    while no other is sure to be meant."""
    if counted(question, sources) is not None:
        return False
    told = draft.short
    for source in sources:
        words = source.shown if source.translated else source.evidence.quote
        if span := find_words(told, words):
            told = " ".join([told, *words[span[1] :].split()[:FOLLOWING]])
            break
    return counts_another(question, told)


def reads_another(question: str, draft: Draft, sources: Sequence[Source]) -> bool:
    """Whether the reader is sure of a figure in a sentence that was translated, and the model gives
    another: of several it takes any."""
    best = best_of(sources) if sources else None
    if best is None or not (best.translated and best.pointed and best.pointed.sure):
        return False
    read = {f.value for f in find_figures(best.evidence.quote[slice(*best.pointed.span)])}
    told = {f.value for f in find_figures(draft.short)}
    return expected(question) is Expected.FIGURE and len(read) == 1 and bool(told) and told != read


def echoes(question: str, draft: Draft, sources: Sequence[Source]) -> bool:
    """Whether the answer from translated sentences is nothing but the question's own words."""
    translated = any(source.translated for source in sources) and not offers_answers(question)
    return translated and bool(draft.short) and set(analyse(draft.short)) <= set(analyse(question))
