"""Two runs item by item, with the tests' p values by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scripted_archive import BOATS, ScriptedAssistant, answer, cite, evidence
from test_evaluation_runner import ASKED, LINES, SCRIPT

from rag.evaluation import EvaluationError, compare, evaluate, summarise_comparison
from rag.evaluation.compare import mcnemar, paired_permutation


def test_mcnemar_by_hand():
    a = np.array([0, 0, 0, 0, 0, 1, 1, 0])
    b = np.array([1, 1, 1, 1, 1, 1, 0, 0])
    # 5 better, 1 worse: 2 * P(X >= 5), X ~ Bin(6, 1/2) = 2 * (6 + 1) / 64
    assert mcnemar(a, b) == pytest.approx(14 / 64)
    assert mcnemar(a, a) == 1


def test_paired_permutation_by_hand():
    a, b = np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0])
    # Of 16 signings only all plus and all minus are as extreme.
    assert paired_permutation(a, b) == pytest.approx(2 / 16)
    assert paired_permutation(b, b) == 1


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in LINES))
    better = SCRIPT | {
        ASKED["q2"]: answer(
            "40 قاربا [1]", cite(1, "a1", BOATS), short="40 قاربا", found=[evidence("a1", BOATS)]
        ),
        ASKED["q4"]: answer("It burns <i>17</i> litres", found=[evidence("a1", BOATS)]),
    }
    for name, script in (("a", SCRIPT), ("b", better)):
        evaluate(path, out=tmp_path / name, assistant=ScriptedAssistant(script))
    return tmp_path


def test_what_got_better_and_worse(runs):
    found = compare(runs / "a", runs / "b", out=runs / "diff.html")
    assert found["n"] == 4 and found["only_a"] == found["only_b"] == []
    assert [c["id"] for c in found["better"]] == ["q2"]
    assert [c["id"] for c in found["worse"]] == ["q4"]
    passed = found["measures"]["answers.pass"]
    assert (passed["a"], passed["b"], passed["higher"], passed["lower"]) == (0.75, 0.75, 1, 1)
    assert passed["p"] == 1 and passed["test"] == "McNemar, exact"
    assert found["measures"]["evidence.hit@1"]["n"] == 3
    assert found["worse"][0]["b"]["problems"] == ["says none of: 170"]
    page = (runs / "diff.html").read_text()
    assert "&lt;i&gt;17&lt;/i&gt;" in page and "<i>17</i>" not in page
    assert ASKED["q2"] in page and "default-src 'none'" in page
    table = summarise_comparison(found)
    assert "better by answers.pass: q2" in table and "worse by answers.pass: q4" in table


def test_a_run_against_itself_changes_nothing(runs):
    found = compare(runs / "a", runs / "a")
    assert found["better"] == found["worse"] == []
    assert all(m["difference"] == 0 and m["p"] == 1 for m in found["measures"].values())


def test_folders_that_cannot_be_compared(runs, tmp_path):
    with pytest.raises(EvaluationError, match="not the output folder of a finished run"):
        compare(runs / "a", tmp_path / "nothing")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(LINES[0] | {"question": ASKED["q2"]}))
    evaluate(other, out=runs / "c", assistant=ScriptedAssistant(SCRIPT))
    with pytest.raises(EvaluationError, match="'q1' is another question"):
        compare(runs / "a", runs / "c")
    (runs / "b" / "items.jsonl").write_text('{"id": "q1"}\n')
    with pytest.raises(EvaluationError, match="interrupted or damaged"):
        compare(runs / "a", runs / "b")
