"""Whether to answer at all: a calibrated probability that the archive holds the answer.

A logistic model over a few signals of retrieval, fitted for one embedder. Its coefficients lie in
``data/decision.json`` under the embedder's name; an embedder that nothing was fitted for gets the
entry "any", which looks at the question's words alone.
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

    def probability(self, signals: Mapping[str, float]) -> float:
        """Probability that the archive answers the question, from its retrieval signals."""
        z = self.intercept + sum(w * signals.get(name, 0.0) for name, w in self.weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


@cache
def load_decision(embedder: str) -> Decision:
    """The fitted model for an embedder's catalogue name, or the one for any."""
    data = json.loads(files("rag").joinpath("data", "decision.json").read_text("utf-8"))
    row = data.get(embedder, data["any"])
    return Decision(row["intercept"], row["weights"], row["threshold"])
