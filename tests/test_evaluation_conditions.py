"""--fail-under and the terminal's table."""

from __future__ import annotations

import pytest

from rag.evaluation import EvaluationError, parse_condition, summarise, unmet

METRICS = {
    "n": 4,
    "answers": {"pass": 0.75, "by_path": {"quoted": {"n": 4, "pass": 0.75}}},
    "citations": None,
    "intervals": {"answers.pass": {"low": 0.25, "high": 1.0, "n": 4}},
    "by_lang": {"ar": {"answers": {"pass": None}}},
}


def test_conditions_are_read():
    assert parse_condition("answers.pass=0.8") == ("answers.pass", 0.8)
    for bad in ("answers.pass", "=1", "answers.pass=high", ""):
        with pytest.raises(EvaluationError, match="METRIC=VALUE"):
            parse_condition(bad)


def test_conditions_are_checked():
    assert unmet(METRICS, ["answers.pass=0.75", "answers.pass=0.7"]) == []
    assert unmet(METRICS, ["answers.pass=0.8"]) == ["answers.pass is 0.75; wanted at least 0.8"]
    assert unmet(METRICS, ["citations.precision=0.1", "by_lang.ar.answers.pass=0"]) == [
        "citations.precision has no value in this run; wanted at least 0.1",
        "by_lang.ar.answers.pass has no value in this run; wanted at least 0",
    ]


@pytest.mark.parametrize("name", ["answers.passed", "answer.pass", "answers", "n.x", "intervals"])
def test_unknown_figures_are_named(name):
    with pytest.raises(EvaluationError, match=name.split(".")[0]):
        unmet(METRICS, [f"{name}=0.5"])


def test_the_table():
    table = summarise(METRICS)
    assert "4 questions" in table
    assert "answers.pass" in table and "0.750" in table and "[0.250, 1.000]" in table
    assert "pass, quoted" in table
