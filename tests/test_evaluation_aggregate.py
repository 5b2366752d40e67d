"""Figures of a run, by hand."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rag.evaluation.aggregate import (
    aggregate,
    auroc,
    calibration,
    coverage_and_risk,
    mean_of,
    quantile_of,
    ratio_of,
)


def item(
    name,
    kind="fact",
    lang="ar",
    passed=True,
    declined=False,
    answerability=0.5,
    cited=None,
    ranks=([1], [1]),
    path="generated",
    total=100.0,
    **verdicts,
):
    return {
        "id": name,
        "lang": lang,
        "type": kind,
        "answer": {
            "path": "declined" if declined else path,
            "confidence": 1 - answerability if declined else answerability,
        },
        "timings": {
            "retrieve_ms": 10.0,
            "first_token_ms": None if declined else total / 2,
            "total_ms": total,
        },
        "verdicts": {
            "pass": passed,
            "declined": declined,
            "answerability": answerability,
            "token_f1": None,
            "language_ok": True,
            "cited_on_gold": cited,
            "resolvable": None if cited is None else True,
            "sentences_on_gold": [],
            **({"passage_ranks": ranks[0], "evidence_ranks": ranks[1]} if ranks else {}),
            **verdicts,
        },
    }


ITEMS = [
    item("q1", answerability=0.9, cited=[True, False], ranks=([1], [2, None]), token_f1=1.0),
    item("q2", lang="en", passed=False, answerability=0.6, cited=[False], ranks=([4], [None]),
         token_f1=0.5, total=200.0),
    item("q3", passed=False, declined=True, answerability=0.3, ranks=([None], [7]), token_f1=0.0),
    item("q4", "unanswerable", passed=True, declined=True, answerability=0.1, ranks=None),
    item("q5", "unanswerable", "en", passed=False, answerability=0.6, ranks=None, path="quoted"),
    item("q6", "false_premise", passed=False, declined=True, answerability=0.4, ranks=([2], [1])),
]  # fmt: skip


def test_every_figure_by_hand():
    m = aggregate(ITEMS)
    assert m["n"] == 6 and m["retrieval_only"] is False
    # passages: ranks 1, 4, none, 2; unanswerable items are left out
    assert m["retrieval"] == {
        "hit@1": 0.25, "hit@3": 0.5, "hit@5": 0.75, "hit@10": 0.75,
        "mrr": round((1 + 1 / 4 + 0 + 1 / 2) / 4, 4), "n": 4,
    }  # fmt: skip
    # evidence: [2, none], [none], [7], [1]
    assert m["evidence"] == {
        "hit@1": 0.25, "hit@5": 0.5, "recall@5": (0.5 + 0 + 0 + 1) / 4,
        "recall@8": (0.5 + 0 + 1 + 1) / 4, "n": 4,
    }  # fmt: skip
    answers = m["answers"]
    assert answers["pass"] == round(2 / 6, 4)
    assert answers["pass_answerable"] == round(1 / 3, 4)  # q1 of q1, q2, q3
    assert answers["token_f1"] == 0.5
    assert answers["language_ok"] == 1
    assert {path: (g["n"], g["pass"]) for path, g in answers["by_path"].items()} == {
        "declined": (3, round(1 / 3, 4)),
        "generated": (2, 0.5),
        "quoted": (1, 0.0),
    }
    assert m["citations"] == {"precision": round(1 / 3, 4), "recall": 0.5, "resolvable": 1.0}
    abstention = m["abstention"]
    assert abstention["declined_unanswerable"] == abstention["recall"] == 0.5
    assert abstention["false_decline"] == round(1 / 3, 4)  # q3 of q1, q2, q3
    assert abstention["precision"] == 0.5  # q4 of q3, q4: a false premise counts nowhere
    # answerable .9 .6 .3 against unanswerable .1 .6: wins 2 + 1.5 + 1 of... 4.5 of 6
    assert abstention["auroc"] == 0.75
    assert m["latency_ms"] == {
        "evidence_p50": 10.0,
        "first_token_p50": 50.0,  # 50, 100, 50
        "first_token_p95": 95.0,  # linear between the 2nd (50) and 3rd (100): 50 + .9 * 50
        "total_p50": 100.0,
    }


def test_groups_have_the_same_form():
    m = aggregate(ITEMS)
    assert set(m["by_lang"]) == {"ar", "en"}
    assert set(m["by_type"]) == {"fact", "unanswerable", "false_premise"}
    assert m["by_lang"]["en"]["n"] == 2
    assert m["by_lang"]["en"]["answers"]["pass"] == 0
    assert m["by_type"]["unanswerable"]["retrieval"]["hit@1"] is None
    assert m["by_type"]["unanswerable"]["abstention"]["auroc"] is None


def test_the_order_of_items_is_no_matter():
    shuffled = random.Random(1).sample(ITEMS, len(ITEMS))
    assert json.dumps(aggregate(shuffled)) == json.dumps(aggregate(ITEMS))


def test_every_headline_figure_has_an_interval_and_a_count():
    m = aggregate(ITEMS)
    for section in ("retrieval", "evidence", "answers", "citations", "abstention", "latency_ms"):
        for key in set(m[section]) - {"n", "by_path"}:
            interval = m["intervals"][f"{section}.{key}"]
            assert interval["n"] > 0
            if interval["low"] is not None:
                assert interval["low"] <= m[section][key] <= interval["high"]


def test_intervals_are_those_of_the_bootstrap():
    values = [0.0] * 50 + [1.0] * 50
    interval = mean_of(values).interval()
    # A mean of 100 fair coins: 0.5 +- 1.96 * 0.05.
    assert interval["low"] == pytest.approx(0.402, abs=0.02)
    assert interval["high"] == pytest.approx(0.598, abs=0.02)
    assert interval == mean_of(values).interval()
    assert mean_of([1.0, 1.0]).interval() == {"low": 1.0, "high": 1.0, "n": 2}
    assert mean_of([1.0]).interval() == {"low": None, "high": None, "n": 1}


def test_figures_of_nothing_are_none():
    for figure in (mean_of([]), mean_of([None]), ratio_of([]), quantile_of([None], 0.5)):
        assert figure.value() is None and figure.interval()["low"] is None


def test_a_ratio_is_of_the_sums():
    assert ratio_of([(1, 1), (0, 3)]).value() == 0.25
    assert ratio_of([(1, 1), (0, 3)]).n == 2


def test_retrieval_only_has_no_answers():
    bare = [
        {
            **i,
            "answer": None,
            "timings": {"retrieve_ms": 10.0},
            "verdicts": {k: v for k, v in i["verdicts"].items() if k.endswith("ranks")},
        }
        for i in ITEMS
    ]
    m = aggregate(bare)
    assert m["retrieval_only"] is True and m["retrieval"]["hit@5"] == 0.75
    assert m["answers"] is m["citations"] is m["abstention"] is None
    assert m["latency_ms"]["total_p50"] is None


def test_auroc_is_the_standard_one():
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 9, (3, 40)) / 8, rng.integers(0, 7, (3, 25)) / 8
    expected = [
        roc_auc_score([1] * 40 + [0] * 25, np.r_[p, n])
        for p, n in zip(positive, negative, strict=True)
    ]
    assert auroc(positive, negative) == pytest.approx(expected)


def test_calibration_by_hand():
    found = calibration([(0.05, False), (0.05, True), (0.95, True), (1.0, True)])
    assert found["bins"] == [
        {"stated": 0.05, "observed": 0.5, "n": 2},
        {"stated": 0.975, "observed": 1.0, "n": 2},
    ]
    assert found["ece"] == pytest.approx((2 * 0.45 + 2 * 0.025) / 4, abs=1e-4)
    assert found["brier"] == pytest.approx(np.mean([0.05**2, 0.95**2, 0.05**2, 0]), abs=1e-4)
    assert calibration([])["n"] == 0


def test_coverage_and_risk_by_hand():
    points = coverage_and_risk(ITEMS)
    # Surest first: q1 right at .9, then q2 and q5 wrong at .6; six questions in all.
    assert [(p["threshold"], p["coverage"], p["risk"]) for p in points] == [
        (0.9, 1 / 6, 0.0),
        (0.6, 2 / 6, 1 / 2),
        (0.6, 3 / 6, 2 / 3),
    ]
