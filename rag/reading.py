"""The best passages, read together with the question: which sentence answers, and in which words.

Retrieval compares vectors that were made apart; the reader sees question and passage at once. That
takes about a tenth of a second a passage, so only the best few are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models.reader import Reader, Reading
from rag.answer import Answering, Evidence, FoundPassage, Retrieved

PASSAGES = 4  # that are read
# Weight of a sentence's log odds beside its retrieval score, and the odds of one that was not read.
# ``python -m benchmarks.decision`` gives them.
ODDS = 0.06
UNREAD = -5.0
LIMIT = 6.0  # log odds beyond which more of them say nothing


@dataclass(frozen=True)
class _Read:
    passage: FoundPassage
    reading: Reading


class EvidenceReader:
    """Reads what was found. Without a reader for the embedder everything stays as it was found."""

    def __init__(self, reader: Callable[[], Reader | None]) -> None:
        self._reader = reader

    def load(self) -> None:
        """Open the reader now, so that the first question does not wait for it."""
        self._reader()

    def read(self, question: str, found: Retrieved) -> Retrieved:
        """The same evidence, ordered anew, with what the reader says of each sentence; what it says
        of the whole is added to the signals."""
        reader = self._reader()
        passages = _passages(found)
        if reader is None or not passages:
            return found
        readings = reader.read(question, [p.quote for p in passages])
        read = [_Read(p, r) for p, r in zip(passages, readings, strict=True)]
        evidence = [_judged(e, read) for e in found.evidence]
        evidence.sort(key=lambda e: (-e.score, e.article_id, e.start))
        said = [e.answering for e in evidence if e.answering is not None]
        signals = {
            "answerable": max(r.answerable for r in readings),
            "answering": max(a.odds for a in said),
            "words": max(a.probability for a in said),
        }
        return replace(found, evidence=tuple(evidence), signals={**found.signals, **signals})


def _passages(found: Retrieved) -> list[FoundPassage]:
    """The passages of the best sentences, best first."""
    chosen: dict[tuple[str, int], FoundPassage] = {}
    for e in found.evidence:
        for p in found.passages:
            if _inside(e, p):
                chosen.setdefault((p.article_id, p.start), p)
    return list(chosen.values())[:PASSAGES]


def _judged(e: Evidence, read: Sequence[_Read]) -> Evidence:
    """A sentence with what the reader says of it, its score with these odds added."""
    for r in read:
        if _inside(e, r.passage):
            offset = r.passage.start
            odds = max(-LIMIT, min(LIMIT, r.reading.sentence(e.start - offset, e.end - offset)))
            words = r.reading.answer(e.start - offset, e.end - offset)
            if words is not None:
                start, end, probability = words
                said = Answering(odds, offset + start, offset + end, probability)
                return replace(e, score=round(e.score + ODDS * odds, 4), answering=said)
    return replace(e, score=round(e.score + ODDS * UNREAD, 4))


def _inside(e: Evidence, p: FoundPassage) -> bool:
    return p.article_id == e.article_id and p.start <= e.start < p.end
