"""Two runs of the same questions, item by item: what got better or worse, and by luck or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest, bootstrap, permutation_test

from rag.evaluation.metrics import hit_at, recall_at, reciprocal_rank
from rag.evaluation.questions import EvaluationError
from rag.evaluation.report import render_comparison

Item = Mapping[str, Any]
RESAMPLES = 9999
_SEED = 20260101


def _ranked(key: str, of: Callable[..., float], *args: int) -> Callable[[Item], float | None]:
    def measure(item: Item) -> float | None:
        ranks = item["verdicts"].get(key)
        return None if ranks is None else of(ranks, *args)

    return measure


def _verdict(key: str) -> Callable[[Item], float | None]:
    def measure(item: Item) -> float | None:
        value = item["verdicts"].get(key)
        return None if value is None else float(value)

    return measure


def _citation_precision(item: Item) -> float | None:
    cited = item["verdicts"].get("cited_on_gold")
    return sum(cited) / len(cited) if cited else None


def _timing(key: str) -> Callable[[Item], float | None]:
    return lambda item: item["timings"].get(key)


# What is compared, by the name of the figure in the metrics it is the item's part of.
MEASURES: dict[str, Callable[[Item], float | None]] = {
    "answers.pass": _verdict("pass"),
    "answers.token_f1": _verdict("token_f1"),
    "citations.precision": _citation_precision,
    "retrieval.hit@1": _ranked("passage_ranks", hit_at, 1),
    "retrieval.hit@5": _ranked("passage_ranks", hit_at, 5),
    "retrieval.mrr": _ranked("passage_ranks", reciprocal_rank),
    "evidence.hit@1": _ranked("evidence_ranks", hit_at, 1),
    "evidence.recall@5": _ranked("evidence_ranks", recall_at, 5),
    "latency_ms.evidence": _timing("retrieve_ms"),
    "latency_ms.first_token": _timing("first_token_ms"),
    "latency_ms.total": _timing("total_ms"),
}
_DECIDING = ("answers.pass", "evidence.recall@5", "retrieval.mrr")


def read_run(folder: Path) -> dict[str, dict[str, Any]]:
    """The items of a finished run by id. Raises EvaluationError for anything else."""
    path = folder / "items.jsonl"
    if not path.is_file() or not (folder / "metrics.json").is_file():
        raise EvaluationError(
            f"{folder} is not the output folder of a finished run: "
            "it lacks items.jsonl or metrics.json."
        )
    try:
        items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        return {item["id"]: item for item in items if item["verdicts"] is not None}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path} is of an interrupted or damaged run ({error!r}); run it again."
        ) from error


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """Exact two-sided p of McNemar's test for paired booleans: a binomial over disagreements."""
    better, worse = int((b > a).sum()), int((b < a).sum())
    return float(binomtest(better, better + worse, 0.5).pvalue) if better + worse else 1.0


def paired_permutation(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p for the mean of paired differences: their signs are permuted."""
    if not np.any(a != b):
        return 1.0
    result = permutation_test(
        (b - a,),
        lambda d, axis=-1: np.mean(d, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=500,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)


def _interval(difference: np.ndarray) -> tuple[float | None, float | None]:
    if len(difference) < 2:
        return None, None
    if np.ptp(difference) == 0:
        return float(difference[0]), float(difference[0])
    result = bootstrap(
        (difference,),
        lambda d, axis=-1: np.mean(d, axis=axis),
        n_resamples=2000,
        method="percentile",
        batch=500,
        rng=np.random.default_rng(_SEED),
    )
    low, high = result.confidence_interval
    return round(float(low), 4), round(float(high), 4)


def _measure(values: list[tuple[float, float]]) -> dict[str, Any]:
    a, b = (np.array(side, dtype=np.float64) for side in zip(*values, strict=True))
    yes_or_no = bool(np.isin(np.r_[a, b], (0, 1)).all())
    low, high = _interval(b - a)
    return {
        "a": round(float(a.mean()), 4),
        "b": round(float(b.mean()), 4),
        "difference": round(float((b - a).mean()), 4),
        "low": low,
        "high": high,
        "p": round(mcnemar(a, b) if yes_or_no else paired_permutation(a, b), 5),
        "test": "McNemar, exact" if yes_or_no else "paired permutation",
        "higher": int((b > a).sum()),
        "lower": int((b < a).sum()),
        "n": len(a),
    }


def compare(a: Path, b: Path, *, out: Path | None = None) -> dict[str, Any]:
    """What changed from run ``a`` to run ``b`` (output folders), over the questions of both.

    {"a", "b", "n", "only_a", "only_b", "measures": {name: {"a", "b", "difference", "low", "high",
    "p", "test", "higher", "lower", "n"}}, "decided_by", "better": […], "worse": […]}; an entry of
    better and worse has the question and both answers. What decides is whether the answer passes,
    in runs without answers the recall of evidence. ``out``: a file for the HTML form.
    """
    first, second = read_run(a), read_run(b)
    shared = sorted(first.keys() & second.keys())
    if not shared:
        raise EvaluationError(f"{a} and {b} have no question in common.")
    changed = [i for i in shared if first[i]["question"] != second[i]["question"]]
    if changed:
        raise EvaluationError(
            f"{a} and {b} are of different question sets: {changed[0]!r} is another question."
        )
    measures = {}
    for name, measure in MEASURES.items():
        pairs = [(measure(first[i]), measure(second[i])) for i in shared]
        known = [(x, y) for x, y in pairs if x is not None and y is not None]
        if known:
            measures[name] = _measure(known)
    decided_by = next((name for name in _DECIDING if name in measures), None)
    better: list[dict[str, Any]] = []
    worse: list[dict[str, Any]] = []
    for i in shared if decided_by else ():
        x, y = MEASURES[decided_by](first[i]), MEASURES[decided_by](second[i])
        if x is not None and y is not None and x != y:
            (better if y > x else worse).append(_change(first[i], second[i]))
    comparison = {
        "a": str(a),
        "b": str(b),
        "n": len(shared),
        "only_a": sorted(first.keys() - second.keys()),
        "only_b": sorted(second.keys() - first.keys()),
        "measures": measures,
        "decided_by": decided_by,
        "better": better,
        "worse": worse,
    }
    if out is not None:
        out.write_text(render_comparison(comparison), encoding="utf-8")
    return comparison


def _change(first: Item, second: Item) -> dict[str, Any]:
    def side(item: Item) -> dict[str, Any]:
        answer = item["answer"]
        return {
            "answer": answer["answer"] if answer else None,
            "path": answer["path"] if answer else None,
            "problems": item["verdicts"].get("problems", []),
            "evidence_ranks": item["verdicts"].get("evidence_ranks"),
        }

    return {
        **{key: first[key] for key in ("id", "lang", "type", "question", "answers")},
        "a": side(first),
        "b": side(second),
    }


def summarise_comparison(comparison: Mapping[str, Any]) -> str:
    """The comparison as a table for a terminal, with the ids that got better and worse."""
    lines = [f"{comparison['n']} questions in both; A = {comparison['a']}, B = {comparison['b']}"]
    lines.append(f"{'':<24}{'A':>10}{'B':>10}{'B - A':>10}  {'95 % interval':<20}{'p':>8}")
    for name, m in comparison["measures"].items():
        span = f"[{m['low']:+.3f}, {m['high']:+.3f}]" if m["low"] is not None else ""
        lines.append(
            f"{name:<24}{m['a']:>10.3f}{m['b']:>10.3f}{m['difference']:>+10.3f}  {span:<20}"
            f"{m['p']:>8.4f}"
        )
    for side in ("better", "worse"):
        ids = " ".join(change["id"] for change in comparison[side]) or "none"
        lines.append(f"{side} by {comparison['decided_by']}: {ids}")
    return "\n".join(lines)
