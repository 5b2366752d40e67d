"""Whether to answer at all: a calibrated probability that the archive holds the answer.

A logistic model over a few signals of retrieval, fitted for one embedder, and a second one over
its log odds, the odds that the best sentences answer (``rag.rereading``) and the doubt of a
language model that has read them, fitted for both. Their
coefficients lie in ``data/decision.json`` under the models' names (``python -m
benchmarks.decision``); an embedder that nothing was fitted for gets the entry "any", which looks at
the question's words alone, and a language model that nothing was fitted for is not asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FOUND, DOUBT, READ = "found", "doubt", "read"  # signals of the second model


@dataclass(frozen=True)
class Decision:
    """``intercept`` and ``weights`` of the logistic model; answer from ``threshold`` upwards, or
    go on from ``before_doubt`` upwards where a language model's doubt is heard next."""

    intercept: float
    weights: Mapping[str, float]
    threshold: float
    before_doubt: float | None = None

    def least(self, *, doubted: bool) -> float:
        """The probability from which to go on; ``doubted``: a model's doubt is heard next."""
        return self.threshold if self.before_doubt is None or not doubted else self.before_doubt

    def probability(self, signals: Mapping[str, float]) -> float:
        """Probability that the archive answers the question, from its retrieval signals."""
        z = self.intercept + sum(w * signals.get(name, 0.0) for name, w in self.weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def load_decision(embedder: str) -> Decision:
    """The fitted model for an embedder's catalogue name, or the one for any."""
    return _fitted().get(embedder) or _fitted()["any"]


def load_doubt(embedder: str, language_model: str, language: str) -> Decision | None:
    """The fitted model over FOUND, DOUBT and READ for two models of the catalogue and the language
    of the answer, whose prompts raise different doubts, if there is one."""
    return _fitted().get(doubt_key(embedder, language_model, language))


def doubt_key(embedder: str, language_model: str, language: str) -> str:
    """The name of a fitted model over FOUND, DOUBT and READ."""
    return f"{embedder} + {language_model}, {language}"


def log_odds(probability: float) -> float:
    """Natural logarithm of p / (1 - p), p kept within 1e-6 of 0 and 1."""
    p = min(1 - 1e-6, max(1e-6, probability))
    return math.log(p / (1 - p))


@cache
def _fitted() -> Mapping[str, Decision]:
    data = json.loads(files("rag").joinpath("data", "decision.json").read_text("utf-8"))
    return {name: Decision(**row) for name, row in data.items()}
