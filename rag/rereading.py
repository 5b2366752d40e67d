"""The best sentences found, read together with the question: which answers, and with which words.

Retrieval compares sentences and questions that were embedded apart. Models that read both together
see what is nearly told and what is told, so the odds of the heads on their states count in the
order of the best sentences and in the decision to answer (``rag.reader``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.protocols import Embedder, LanguageModel
from rag.answer import Evidence
from rag.excerpts import clip
from rag.orders import without_orders
from rag.reader import Reader, Reading

LONGEST_READ = 720  # characters of a sentence; of at most 480 when the heads were trained
# Sentences that are read, each of which takes a small model .4 s: the next as long as it could
# still become the best.
MOST = 5
# Of a score: a unit of the log odds that a sentence answers. Chosen by hand on XQuAD and made-up
# news, out of fold, with four sets over news in view: more puts sentences of an encyclopedia in a
# worse order, less those of news.
WORTH = 0.06
HIGHEST = 3.0  # log odds that hardly one sentence in a hundred surpasses
# Scores of words: from where they may replace a small model's own short answer, and how far behind
# them it must be. Chosen by hand, with an earlier head, for the F1 of 162 Arabic short answers (.56
# without, .60 with).
SURE = -1.0
CLEARLY = 4.0
# From where they are better than an answer in the article's language alone; chosen by hand, by the
# words pointed to for some sixty English questions over news.
LIKELY = -3.5


@dataclass(frozen=True)
class Pointed:
    """The words of a sentence that answer best, (start, end) offsets into its quote."""

    reading: Reading
    offset: int  # of what was read in the quote
    span: tuple[int, int]

    @property
    def sure(self) -> bool:
        """Whether the words are as good as an answer that the model gives."""
        return self._score(*self.span) >= SURE

    @property
    def likely(self) -> bool:
        """Whether the words are better than none that the reader may understand."""
        return self._score(*self.span) >= LIKELY

    def clearly_better(self, start: int, end: int) -> bool:
        """Whether these words answer clearly better than others of the sentence."""
        return self._score(*self.span) - self._score(start, end) > CLEARLY

    def _score(self, start: int, end: int) -> float:
        found = self.reading.score_of(start - self.offset, end - self.offset)
        return float("-inf") if found is None else found


@dataclass(frozen=True)
class Reread:
    """Evidence, best first, with what was pointed to by article and place, and the highest
    log odds that one of the sentences answers; None where none was read."""

    evidence: tuple[Evidence, ...]
    pointed: Mapping[tuple[str, int], Pointed] = field(default_factory=dict)
    answers: float | None = None


def reread(
    reader: Reader,
    model: LanguageModel,
    embedder: Embedder,
    question: str,
    evidence: Sequence[Evidence],
    weights: Callable[[str], Mapping[str, float]],
    *,
    cancel: threading.Event | None = None,
) -> Reread:
    """Read the best sentences and put them in order.

    ``weights(sentence)``: the question's words by worth, for sentences too long to be read whole.
    ``evidence``: best first. Words that give orders to a machine are not read. Raises ModelError
    and Cancelled.
    """
    pointed: dict[tuple[str, int], Pointed] = {}
    odds: list[float] = []
    for e in evidence[:MOST]:
        best = max((b.score + WORTH * o for b, o in zip(evidence, odds, strict=False)), default=0.0)
        if odds and e.score + WORTH * HIGHEST <= best:
            break
        start, end = clip(e.quote, weights(e.quote), LONGEST_READ)
        words = without_orders(e.quote[start:end])
        if not words.strip():
            odds.append(float("-inf"))
            continue
        reading = reader.read(model, embedder, question, words, cancel)
        odds.append(reading.answers)
        if span := reading.best():
            here = (start + span[0], start + span[1])
            pointed[e.article_id, e.start] = Pointed(reading, start, here)
    known = [o for o in odds if o > float("-inf")]
    if not known:
        return Reread(tuple(evidence))
    least = min(known)
    odds = [max(o, least) for o in odds] + [least] * (len(evidence) - len(odds))
    scored = [
        replace(e, score=round(e.score + WORTH * o, 4)) for e, o in zip(evidence, odds, strict=True)
    ]
    order = sorted(scored, key=lambda e: (-e.score, e.article_id, e.start))
    return Reread(tuple(order), pointed, max(known))
