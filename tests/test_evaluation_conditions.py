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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("answers.passed", "did you mean answers.pass"),
        ("answer.pass", "did you mean answers.pass"),
        ("intervals", "there are retrieval.hit@1"),
        ("by_lang.ar.answers.pas", "did you mean answers.pass"),
    ],
)
def test_a_slip_in_a_name_is_told_before_the_run(name, message):
    with pytest.raises(EvaluationError, match=message):
        parse_condition(f"{name}=0.5")


def test_a_figure_that_this_run_does_not_have():
    assert unmet(METRICS, ["answers.by_path.quoted.pass=0.9"])
    with pytest.raises(EvaluationError, match="by_lang has: ar"):
        unmet(METRICS, ["by_lang.en.answers.pass=0.5"])
    with pytest.raises(EvaluationError, match="is not a figure"):
        unmet(METRICS, ["answers.by_path.quoted=0.5"])


def test_the_table():
    table = summarise(METRICS)
    assert "4 questions" in table
    assert "answers.pass" in table and "0.750" in table and "[0.250, 1.000]" in table
    assert "pass, quoted" in table
