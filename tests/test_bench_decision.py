"""The fit of the decision: what weighs how much, and what it tells apart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.decision import ANSWERABLE, TOLD, UNTOLD, Row, fit
from rag.decision import Decision

NAMES = ("a", "b")


def rows(kinds: tuple[str, str], groups: range, shift: float, seed: int) -> list[Row]:
    """Two rows a group, the answerable one higher in both signals by about 2."""
    noise = np.random.default_rng(seed)
    return [
        Row("ar", group, kind, tuple(shift + 2 * (kind in ANSWERABLE) + noise.normal(size=2)), None)
        for group in groups
        for kind in kinds
    ]


def fitted(some: list[Row]) -> dict:
    return fit(np.array([r.signals for r in some]), some, NAMES)[0]


def boundary(some: list[Row]) -> float:
    """Both signals where they are equal and the probability is one half."""
    row = fitted(some)
    return -row["intercept"] / sum(row["weights"].values())


ARCHIVE = rows(("own", "without"), range(40), 0.0, 0)
SAMPLE = rows((TOLD, UNTOLD), range(-20, 0), 1.0, 1)


def test_the_answerable_get_the_higher_probability() -> None:
    row = fitted(ARCHIVE)
    decision = Decision(**row, threshold=0.5)
    values = [decision.probability(dict(zip(NAMES, r.signals, strict=True))) for r in ARCHIVE]
    own, without = values[::2], values[1::2]
    assert np.mean(own) > 0.7 and np.mean(without) < 0.3


def test_an_archive_asked_more_often_weighs_no_more() -> None:
    often = [Row(r.language, r.group, r.kind, r.signals, None) for r in ARCHIVE for _ in range(5)]
    assert boundary([*often, *SAMPLE]) == pytest.approx(boundary([*ARCHIVE, *SAMPLE]), abs=0.1)
    assert boundary(ARCHIVE) < boundary([*ARCHIVE, *SAMPLE]) - 0.1


def test_questions_of_one_kind_without_an_answer_weigh_as_much_as_those_with_one() -> None:
    more = [*ARCHIVE, *rows(("without",), range(40, 120), 0.0, 2)]
    assert boundary(more) == pytest.approx(boundary(ARCHIVE), abs=0.1)
