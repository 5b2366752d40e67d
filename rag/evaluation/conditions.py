"""Reading figures out of a run's metrics: conditions that must hold, and a table for a terminal."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rag.evaluation.aggregate import FIGURE_NAMES
from rag.evaluation.questions import EvaluationError

_GROUP = re.compile(r"^by_(?:lang|type)\.[^.]+\.")
_OTHER = ("answers.by_path.", "calibration.", "judge.")  # figures beside the headline ones


def parse_condition(text: str) -> tuple[str, float]:
    """``answers.pass=0.8`` as ("answers.pass", 0.8).

    Raises EvaluationError also for a name that no run can have, so that a slip is told before the
    run and not after it.
    """
    name, _, value = (part.strip() for part in text.partition("="))
    try:
        least = float(value)
    except ValueError:
        least = math.nan
    if not name or math.isnan(least):
        raise EvaluationError(
            f"--fail-under {text!r}: expected METRIC=VALUE, for example answers.pass=0.8."
        )
    own = _GROUP.sub("", name)
    if own not in FIGURE_NAMES and not own.startswith(_OTHER):
        near = difflib.get_close_matches(own, FIGURE_NAMES, n=3)
        raise EvaluationError(
            f"--fail-under {text!r}: no figure is called {own!r}; "
            f"{'did you mean' if near else 'there are'} {', '.join(near or FIGURE_NAMES)}?"
        )
    return name, least


def figure(metrics: Mapping[str, Any], name: str) -> float | None:
    """The figure of a dotted name ("by_lang.ar.answers.pass"); None where a run has none.

    Raises EvaluationError, with the names there are at that place, for an unknown name.
    """
    found: Any = metrics
    parts = name.split(".")
    for depth, part in enumerate(parts):
        if found is None:
            return None
        if not isinstance(found, Mapping) or part not in found:
            known = ", ".join(sorted(found)) if isinstance(found, Mapping) else "nothing below it"
            place = ".".join(parts[:depth]) or "the metrics"
            raise EvaluationError(f"no figure is called {name!r}; {place} has: {known}.")
        found = found[part]
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
        raise EvaluationError(f"{name!r} is not a figure.")
    return found


def unmet(metrics: Mapping[str, Any], conditions: Iterable[str]) -> list[str]:
    """A line for every ``METRIC=VALUE`` whose figure is missing or under the value.

    Raises EvaluationError for a condition that cannot be read or names no figure.
    """
    lines = []
    for condition in conditions:
        name, least = parse_condition(condition)
        value = figure(metrics, name)
        if value is None:
            lines.append(f"{name} has no value in this run; wanted at least {least:g}")
        elif value < least:
            lines.append(f"{name} is {value:g}; wanted at least {least:g}")
    return lines


def shown(value: float | None, digits: int = 3) -> str:
    """A figure as text: milliseconds and counts without decimals, nothing as a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.{digits}f}"


def summarise(metrics: Mapping[str, Any]) -> str:
    """The headline figures, one a line, with their 95 % intervals and counts."""
    lines = [f"{metrics['n']} questions"]
    width = max(map(len, metrics["intervals"]))
    for name, interval in metrics["intervals"].items():
        value = figure(metrics, name)
        span = (
            f"[{shown(interval['low'])}, {shown(interval['high'])}]"
            if interval["low"] is not None
            else ""
        )
        lines.append(f"{name:<{width}}  {shown(value):>8}  {span:<16}  n={interval['n']}")
    for path, group in ((metrics["answers"] or {}).get("by_path") or {}).items():
        lines.append(f"{'pass, ' + path:<{width}}  {shown(group['pass']):>8}  n={group['n']}")
    if metrics.get("judge"):
        for name, value in metrics["judge"].items():
            lines.append(f"{'judge: ' + name:<{width}}  {shown(value):>8}")
    return "\n".join(lines)
