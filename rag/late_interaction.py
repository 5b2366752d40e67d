"""How near a question's tokens come to those of passages and sentences.

Late interaction (ColBERT's MaxSim, Khattab and Zaharia 2020): each token of the question is
compared with every token of a sentence, and its nearness is that to the nearest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.findings import Candidate, reported


@dataclass(frozen=True)
class Reading:
    """How near each of a question's q tokens comes to some token of a passage's n sentences.

    ``near``: (q, n); ``context``: of each together with the one before; ``lead``: of these together
    with the first sentence that was read of the article. ``candidate``'s score has late interaction
    in it.
    """

    candidate: Candidate
    near: np.ndarray
    context: np.ndarray
    lead: np.ndarray


def compare(
    candidates: Sequence[Candidate], near: Sequence[np.ndarray], weight: float
) -> list[Reading]:
    """Readings of candidates, whose ``near`` is given, in their order.

    ``weight``: of the MaxSim of the whole passage in a candidate's score. A sentence that gives
    orders to a machine helps none of the others.
    """
    pairs = [(c, own, own * _heard(c)) for c, own in zip(candidates, near, strict=True)]
    leads: dict[str, np.ndarray] = {}
    for c, _, heard in sorted(pairs, key=lambda pair: pair[0].passage.start):
        leads.setdefault(c.passage.article_id, heard[:, :1])
    made = []
    for c, own, heard in pairs:
        before = np.concatenate([np.zeros_like(own[:, :1]), heard[:, :-1]], axis=1)
        context = np.maximum(own, before)
        lead = np.maximum(context, leads[c.passage.article_id])
        whole = float(heard.max(axis=1, initial=0.0).mean()) if len(own) else 0.0
        score = c.score + weight * whole
        made.append(Reading(replace(c, score=score), own, context, lead))
    return made


def _heard(candidate: Candidate) -> np.ndarray:
    """(n,) 1 for sentences, 0 for those that give orders to a machine."""
    return np.array([bool(text.strip()) for text in reported(candidate)], dtype=np.float32)


def telling_tokens(near: Sequence[np.ndarray]) -> np.ndarray:
    """(q,) weights of the question's tokens, which sum to 1: the square of how far a token is from
    the average sentence that was read, (q, n) of each passage."""
    if not near or not len(near[0]):
        return np.zeros(len(near[0]) if near else 0, np.float32)
    far = (1 - np.concatenate(near, axis=1).mean(axis=1)) ** 2 + 1e-6  # never all 0
    return far / far.sum()
