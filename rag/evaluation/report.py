"""A run, or the comparison of two, as one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rag.evaluation.charts import draw_all
from rag.evaluation.conditions import figure, shown
from rag.evaluation.excerpts import segments
from rag.language import detect_language

_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "fa", "he", "ps", "ug", "ur"})


def direction(text: str) -> str:
    """ "rtl" or "ltr": the direction of the language that most of a text is in."""
    return "rtl" if detect_language(text) in _RIGHT_TO_LEFT else "ltr"


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("rag", "evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "direction": direction}
    return environment.get_template(name)


def _headline(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the headline table: name, overall figure with interval, figure for each language."""
    rows = []
    for name, interval in metrics["intervals"].items():
        value = figure(metrics, name)
        if value is not None:
            section, key = name.split(".")
            by_lang = [group[section][key] for group in metrics["by_lang"].values()]
            rows.append({"name": name, "value": value, "by_lang": by_lang, **interval})
    return rows


def outcome(item: Mapping[str, Any]) -> str:
    """ "pass", "fail", "declined", "found" or "missed": how an item is marked in the list.

    An unanswerable question that was declined passes; without answers, found tells whether gold is
    among the first five evidence sentences; "unjudged" where nothing tells right from wrong.
    """
    verdicts = item["verdicts"]
    if item["answer"] is not None:
        if verdicts["pass"] is None:
            return "unjudged"
        if verdicts["pass"]:
            return "pass"
        return "declined" if verdicts["declined"] else "fail"
    if "evidence_ranks" not in verdicts:
        return "unjudged"
    found = [rank for rank in verdicts["evidence_ranks"] if rank is not None and rank <= 5]
    return "found" if found else "missed"


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    excerpts = [{**e, "segments": segments(e)} for e in item["excerpts"]]
    return {**item, "outcome": outcome(item), "excerpts": excerpts}


def render_report(metrics: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """The report of a run as HTML. Everything from outside is escaped."""
    rows = [_row(item) for item in items]
    return _template("report.html").render(
        metrics=metrics,
        headline=_headline(metrics),
        charts=draw_all(metrics, items),
        items=rows,
        outcomes=sorted({row["outcome"] for row in rows}),
        languages=sorted({row["lang"] for row in rows}),
        types=sorted({row["type"] for row in rows}),
    )


def write_report(
    path: Path, metrics: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> None:
    """Write the report of a run to ``path``."""
    path.write_text(render_report(metrics, items), encoding="utf-8")


def render_comparison(comparison: Mapping[str, Any]) -> str:
    """The comparison of two runs as HTML."""
    return _template("compare.html").render(comparison=comparison)
