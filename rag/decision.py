"""Whether to answer at all: a calibrated probability that the archive holds the answer.

A logistic model over a few signals of retrieval. Its coefficients lie in ``data/decision.json``
with the embedder that they were fitted for and the command that refits them; with another embedder
they are used all the same, since an uncalibrated decision is better than none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Decision:
    """``intercept`` and ``weights`` of the logistic model; answer from ``threshold`` upwards."""

    intercept: float
    weights: Mapping[str, float]
    threshold: float
    embedder: str

    def probability(self, signals: Mapping[str, float]) -> float:
        """Probability that the archive answers the question, from its retrieval signals."""
        z = self.intercept + sum(w * signals.get(name, 0.0) for name, w in self.weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


@cache
def load_decision() -> Decision:
    """The fitted model that ships with Mustanad."""
    data = json.loads(files("rag").joinpath("data", "decision.json").read_text("utf-8"))
    return Decision(data["intercept"], data["weights"], data["threshold"], data["embedder"])
