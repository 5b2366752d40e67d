"""Raw measures of how well what was found fits a question: what the decision to answer weighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.expectations import meets
from rag.findings import Candidate, Sentence, reported
from rag.names import Glossary
from rag.question_words import QuestionWords, overlap

SIGNAL_SENTENCES = 4  # best sentences that are looked at
# A sentence that nearly answers is near to most of a question and far from what was asked: of the
# question's tokens, this share is the far end.
UNMET = 0.1


def measure(
    question: str,
    sentences: Sequence[Sentence],
    candidates: Sequence[Candidate],
    near: np.ndarray,
    words: QuestionWords,
    glossary: Glossary,
) -> dict[str, float]:
    """Cosines, late interaction, and the question's words, names and kind of answer held.

    ``sentences``, ``candidates``: best first, at least one. ``near``: (q, n) nearness of the
    question's tokens to the sentences of the best sentence's passage.
    """
    top = sentences[0]
    # What gives orders to a machine meets nothing.
    near = near * np.array([bool(text.strip()) for text in reported(top.candidate)])
    crossed = candidates[0].article.language != words.language
    best = " ".join(s.quote for s in sentences[:3])
    last = sentences[min(SIGNAL_SENTENCES, len(sentences)) - 1]
    return {
        "passage": max(c.cosine for c in candidates[:3]),
        "sentence": max(s.cosine for s in sentences[:3]),
        "late": top.late,
        "unmet": _unmet(near[:, max(0, top.number - 1) : top.number + 1]),
        "unmet_whole": _unmet(near),
        "margin": top.score - last.score,
        "coverage": 0.0 if crossed else overlap(words.weights(False), best),
        "crossed_coverage": overlap(words.weights(True), best) if crossed else 0.0,
        "crossed": float(crossed),
        "names": glossary.share_of_names(question, top.candidate.surroundings),
        "expected": float(meets(top.quote, question)),
    }


def average(signals: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means of signals by name; of the parts of a question, one may be met and another not."""
    names = dict.fromkeys(name for one in signals for name in one)
    return {name: sum(one.get(name, 0.0) for one in signals) / len(signals) for name in names}


def _unmet(near: np.ndarray) -> float:
    """Nearness to any of some sentences, (q, n), of the question's tokens that are met least; 0
    for a question without any."""
    return float(np.quantile(near.max(axis=1), UNMET)) if near.size else 0.0
