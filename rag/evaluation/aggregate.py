"""From the verdicts on single questions to the figures of a run, with 95 % bootstrap intervals.

An item is the dict that ``rag.evaluation.runner`` writes, one a line, to ``items.jsonl``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import brier_score_loss

from rag.evaluation.metrics import (
    EVIDENCE_HIT_AT,
    HIT_AT,
    RECALL_AT,
    hit_at,
    recall_at,
    reciprocal_rank,
)

Item = Mapping[str, Any]
RESAMPLES = 2000
CONFIDENCE_LEVEL = 0.95
BINS = 10
_SEED = 20260101  # of the resampling, so that two runs give the same intervals


def _mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(values, axis=axis)


def _ratio(part: np.ndarray, whole: np.ndarray, axis: int = -1) -> np.ndarray:
    return part.sum(axis=axis) / whole.sum(axis=axis)


def auroc(positive: np.ndarray, negative: np.ndarray, axis: int = -1) -> np.ndarray:
    """Area under the ROC curve of (…, n) and (…, m) scores, as the Mann-Whitney statistic.

    That is ``sklearn.metrics.roc_auc_score``, but of many resamples at once.
    """
    p = np.moveaxis(positive, axis, -1)[..., :, None]
    n = np.moveaxis(negative, axis, -1)[..., None, :]
    return ((p > n) + 0.5 * (p == n)).mean(axis=(-2, -1))


def _quantile(q: float) -> Callable[..., np.ndarray]:
    def quantile(values: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.quantile(values, q, axis=axis)

    return quantile


@dataclass(frozen=True)
class Figure:
    """A statistic and the sample it is of.

    ``samples`` are (n,) float64 arrays, an entry an item: one for a mean or quantile; part and
    whole for a ratio (``paired``: resampled together); those of each class for the AUROC.
    """

    statistic: Callable[..., Any]
    samples: tuple[np.ndarray, ...]
    paired: bool = False
    digits: int = 4

    @property
    def n(self) -> int:
        """How many items the figure is of."""
        return len(self.samples[0]) if self.paired else sum(map(len, self.samples))

    def value(self) -> float | None:
        """The figure; None where there is nothing to take it of."""
        if any(len(sample) == 0 for sample in self.samples):
            return None
        if self.paired and self.samples[1].sum() == 0:
            return None
        return round(float(self.statistic(*self.samples)), self.digits)

    def interval(self) -> dict[str, float | int | None]:
        """{"low", "high", "n"}: percentile bootstrap over items; None for fewer than two."""
        empty = {"low": None, "high": None, "n": self.n}
        if self.value() is None or any(len(sample) < 2 for sample in self.samples):
            return empty
        with warnings.catch_warnings():
            # All values alike: the interval is that value, which scipy warns about.
            warnings.simplefilter("ignore", RuntimeWarning)
            result = bootstrap(
                self.samples,
                self.statistic,
                n_resamples=RESAMPLES,
                confidence_level=CONFIDENCE_LEVEL,
                method="percentile",
                paired=self.paired,
                vectorized=True,
                batch=100,
                rng=np.random.default_rng(_SEED),
            )
        low, high = result.confidence_interval
        if np.isnan(low) or np.isnan(high):
            return empty
        return {
            "low": round(float(low), self.digits),
            "high": round(float(high), self.digits),
            "n": self.n,
        }


def _array(values: Iterable[float | bool | None]) -> np.ndarray:
    return np.array([float(v) for v in values if v is not None], dtype=np.float64)


def mean_of(values: Iterable[float | bool | None]) -> Figure:
    """The mean, or for booleans the share, of the values that are not None."""
    return Figure(_mean, (_array(values),))


def ratio_of(pairs: Iterable[tuple[float, float]]) -> Figure:
    """Sum of the firsts over sum of the seconds."""
    pairs = list(pairs)
    return Figure(_ratio, (_array(p for p, _ in pairs), _array(w for _, w in pairs)), paired=True)


def quantile_of(values: Iterable[float | None], q: float) -> Figure:
    """A quantile (linear interpolation) of milliseconds."""
    return Figure(_quantile(q), (_array(values),), digits=1)


def retrieval_figures(items: Sequence[Item]) -> dict[str, Figure]:
    """ "retrieval.*" and "evidence.*", over the items that have gold."""
    verdicts = [item["verdicts"] for item in items if "passage_ranks" in item["verdicts"]]
    passages = [v["passage_ranks"] for v in verdicts]
    evidence = [v["evidence_ranks"] for v in verdicts]
    return {
        **{f"retrieval.hit@{k}": mean_of(hit_at(r, k) for r in passages) for k in HIT_AT},
        "retrieval.mrr": mean_of(reciprocal_rank(r) for r in passages),
        **{f"evidence.hit@{k}": mean_of(hit_at(r, k) for r in evidence) for k in EVIDENCE_HIT_AT},
        **{f"evidence.recall@{k}": mean_of(recall_at(r, k) for r in evidence) for k in RECALL_AT},
    }


def is_answerable(item: Item) -> bool:
    """Neither unanswerable nor built on a false premise."""
    return item["type"] not in ("unanswerable", "false_premise")


def answer_figures(items: Sequence[Item]) -> dict[str, Figure]:
    """ "answers.*", "citations.*" and "abstention.*"."""
    answerable = [i["verdicts"] for i in items if is_answerable(i)]
    unanswerable = [i["verdicts"] for i in items if i["type"] == "unanswerable"]
    verdicts = [i["verdicts"] for i in items]
    cited = [v["cited_on_gold"] for v in verdicts if v["cited_on_gold"] is not None]
    # Declines of questions with a false premise are wrong answers, neither good nor bad declines.
    declines = [v["declined"] for v in answerable if v["declined"]]
    good_declines = [v["declined"] for v in unanswerable if v["declined"]]
    return {
        "answers.pass": mean_of(v["pass"] for v in verdicts),
        "answers.pass_answerable": mean_of(v["pass"] for v in answerable),
        "answers.token_f1": mean_of(v["token_f1"] for v in verdicts),
        "answers.language_ok": mean_of(v["language_ok"] for v in verdicts),
        "citations.precision": ratio_of((sum(c), len(c)) for c in cited if c),
        "citations.recall": mean_of(any(c) for c in cited),
        "citations.resolvable": mean_of(v["resolvable"] for v in verdicts),
        "abstention.declined_unanswerable": mean_of(v["declined"] for v in unanswerable),
        "abstention.false_decline": mean_of(v["declined"] for v in answerable),
        "abstention.precision": mean_of([True] * len(good_declines) + [False] * len(declines)),
        "abstention.recall": mean_of(v["declined"] for v in unanswerable),
        "abstention.auroc": Figure(
            auroc,
            (
                _array(v["answerability"] for v in answerable),
                _array(v["answerability"] for v in unanswerable),
            ),
        ),
    }


def latency_figures(items: Sequence[Item]) -> dict[str, Figure]:
    """ "latency_ms.*"; first word and whole answer only where there are answers."""
    timings = [item["timings"] for item in items]
    first = [t.get("first_token_ms") for t in timings]
    return {
        "latency_ms.evidence_p50": quantile_of((t["retrieve_ms"] for t in timings), 0.5),
        "latency_ms.first_token_p50": quantile_of(first, 0.5),
        "latency_ms.first_token_p95": quantile_of(first, 0.95),
        "latency_ms.total_p50": quantile_of((t.get("total_ms") for t in timings), 0.5),
    }


# All headline figures, by dotted name.
FIGURE_NAMES = tuple(retrieval_figures([]) | answer_figures([]) | latency_figures([]))


def _sections(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Figures by dotted name as nested dicts, with "intervals" keyed by the dotted names."""
    nested: dict[str, Any] = {}
    for name, figure in figures.items():
        section, key = name.split(".")
        nested.setdefault(section, {})[key] = figure.value()
    for section in ("retrieval", "evidence"):
        nested[section]["n"] = figures[f"{section}.hit@1"].n
    nested["intervals"] = {name: figure.interval() for name, figure in figures.items()}
    return nested


def _figures(items: Sequence[Item], answered: bool) -> dict[str, Any]:
    figures = retrieval_figures(items)
    if answered:
        figures |= answer_figures(items)
    figures |= latency_figures(items)
    document = {"n": len(items), **_sections(figures)}
    if not answered:
        document |= {"answers": None, "citations": None, "abstention": None}
    return document


def calibration(pairs: Iterable[tuple[float, bool]]) -> dict[str, Any]:
    """How true stated probabilities are: Brier score and expected calibration error.

    ``pairs``: (probability, whether it was so). The error is over ten bins of equal width (Naeini
    et al. 2015). "bins" holds {"stated", "observed", "n"} for each bin that is not empty.
    """
    pairs = list(pairs)
    if not pairs:
        return {"n": 0, "brier": None, "ece": None, "bins": []}
    stated = np.clip(_array(p for p, _ in pairs), 0, 1)
    observed = _array(o for _, o in pairs)
    which = np.minimum((stated * BINS).astype(int), BINS - 1)
    bins = [
        {
            "stated": round(float(stated[which == b].mean()), 4),
            "observed": round(float(observed[which == b].mean()), 4),
            "n": int((which == b).sum()),
        }
        for b in range(BINS)
        if (which == b).any()
    ]
    error = sum(b["n"] * abs(b["stated"] - b["observed"]) for b in bins) / len(pairs)
    return {
        "n": len(pairs),
        "brier": round(float(brier_score_loss(observed, stated, labels=[0, 1])), 4),
        "ece": round(error, 4),
        "bins": bins,
    }


def coverage_and_risk(items: Sequence[Item]) -> list[dict[str, float]]:
    """The trade between answering more and being wrong: a point an answered item, surest first.

    {"threshold", "coverage", "risk"}: answering only what has at least this confidence, the share
    of all items answered and the share of those that does not pass. The last point is the run.
    """
    judged = [i for i in items if i["verdicts"]["pass"] is not None]
    answered = sorted(
        (i for i in judged if not i["verdicts"]["declined"]),
        key=lambda i: (-i["verdicts"]["answerability"], i["id"]),
    )
    points, wrong = [], 0
    for count, item in enumerate(answered, start=1):
        wrong += not item["verdicts"]["pass"]
        points.append(
            {
                "threshold": item["verdicts"]["answerability"],
                "coverage": count / len(judged),
                "risk": wrong / count,
            }
        )
    return points


def aggregate(items: Iterable[Item]) -> dict[str, Any]:
    """The document of ``eval --json`` without its "items". The order of the items is no matter."""
    items = sorted(items, key=lambda item: item["id"])
    answered = bool(items) and all(item["answer"] is not None for item in items)
    document = {"retrieval_only": not answered, **_figures(items, answered)}
    for name, key in (("by_lang", "lang"), ("by_type", "type")):
        groups = sorted({item[key] for item in items})
        document[name] = {g: _figures([i for i in items if i[key] == g], answered) for g in groups}
    if not answered:
        return document
    by_path: dict[str, Any] = {}
    for path in sorted({item["answer"]["path"] for item in items}):
        passed = mean_of(i["verdicts"]["pass"] for i in items if i["answer"]["path"] == path)
        by_path[path] = {
            "n": sum(item["answer"]["path"] == path for item in items),
            "pass": passed.value(),
            "intervals": {"pass": passed.interval()},
        }
    document["answers"]["by_path"] = by_path
    document["calibration"] = {
        "confidence": calibration(
            (i["answer"]["confidence"], i["verdicts"]["pass"])
            for i in items
            if i["verdicts"]["pass"] is not None
        ),
        "support": calibration(
            (support, good) for i in items for support, good in i["verdicts"]["sentences_on_gold"]
        ),
    }
    return document
