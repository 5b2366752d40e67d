"""Charts of a run as SVG text for a page: no files, no network, the same bytes each time."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rag.evaluation.aggregate import coverage_and_risk
from rag.evaluation.metrics import EVIDENCE_HIT_AT, HIT_AT, RECALL_AT

BLUE, ORANGE, GREY = "#2f6f9f", "#c8641e", "#8a8f98"
_MEASURES = {"answers": ("answers.pass", "pass"), "retrieval": ("evidence.recall@5", "recall@5")}


def draw_all(metrics: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> list[dict]:
    """[{"title", "note", "svg"}] for all charts that a run has the figures for."""
    charts = [_by_group(metrics), _hits(metrics)]
    if metrics["answers"] is not None:
        charts += [_coverage(items), _calibration(metrics, "confidence")]
        charts += [_calibration(metrics, "support")]
    charts.append(_latency(items))
    return [chart for chart in charts if chart is not None]


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _chart(figure: Figure, title: str, note: str) -> dict[str, str]:
    buffer = io.StringIO()
    # Without a date and with ids made from the title, a chart of the same figures is the same.
    with matplotlib.rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Ids must be unique in the page that all charts are put into.
    prefix = re.sub(r"\W+", "-", title.lower())
    svg = re.sub(r'(id="|url\(#|href="#)', lambda m: f"{m.group(1)}{prefix}-", svg)
    return {"title": title, "note": note, "svg": svg}


def _by_group(metrics: Mapping[str, Any]) -> dict[str, str]:
    name, label = _MEASURES["retrieval" if metrics["answers"] is None else "answers"]
    rows = []
    for groups in (metrics["by_lang"], metrics["by_type"]):
        for group, figures in groups.items():
            section, key = name.split(".")
            value, interval = figures[section][key], figures["intervals"][name]
            if value is not None:
                rows.append((f"{group}  (n={interval['n']})", value, interval))
    figure, axes = _axes(5.2, 0.6 + 0.28 * max(1, len(rows)))
    for place, (_, value, interval) in enumerate(rows):
        axes.barh(place, value, color=BLUE if place < len(metrics["by_lang"]) else GREY, height=0.6)
        if interval["low"] is not None:
            axes.plot([interval["low"], interval["high"]], [place, place], color="black", lw=1)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel(label, fontsize=8)
    return _chart(
        figure, "Quality by language and type", f"{name}; lines are 95 % bootstrap intervals"
    )


def _hits(metrics: Mapping[str, Any]) -> dict[str, str] | None:
    if not metrics["retrieval"]["n"]:
        return None
    figure, axes = _axes(5.2, 2.8)
    lines = (
        ("passages, hit@k", "retrieval", [(k, f"hit@{k}") for k in HIT_AT], BLUE, "o-"),
        ("evidence, hit@k", "evidence", [(k, f"hit@{k}") for k in EVIDENCE_HIT_AT], ORANGE, "s-"),
        ("evidence, recall@k", "evidence", [(k, f"recall@{k}") for k in RECALL_AT], ORANGE, "^:"),
    )
    for label, section, points, colour, style in lines:
        values = [metrics[section][key] for _, key in points]
        axes.plot([k for k, _ in points], values, style, color=colour, label=label, ms=4, lw=1.2)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(sorted({*HIT_AT, *EVIDENCE_HIT_AT, *RECALL_AT}))
    axes.set_xlabel("k", fontsize=8)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return _chart(figure, "Retrieval", f"{metrics['retrieval']['n']} questions with gold")


def _coverage(items: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    points = coverage_and_risk(items)
    if not points:
        return None
    figure, axes = _axes(5.2, 2.8)
    axes.step(
        [p["coverage"] for p in points],
        [p["risk"] for p in points],
        color=BLUE,
        lw=1.2,
        where="mid",
    )
    chosen = points[-1]
    axes.plot(chosen["coverage"], chosen["risk"], "o", color=ORANGE, ms=6)
    axes.annotate(
        f"this run: answers from {chosen['threshold']:.2f}",
        (chosen["coverage"], chosen["risk"]),
        textcoords="offset points",
        xytext=(-6, 8) if chosen["coverage"] > 0.5 else (6, 8),
        ha="right" if chosen["coverage"] > 0.5 else "left",
        fontsize=8,
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, max(0.1, 1.1 * max(p["risk"] for p in points)))
    axes.set_xlabel("coverage: share of questions answered", fontsize=8)
    axes.set_ylabel("risk: share of answers not right", fontsize=8)
    return _chart(
        figure,
        "Coverage against risk",
        "answering only what has at least some confidence; the dot is the threshold chosen",
    )


def _calibration(metrics: Mapping[str, Any], kind: str) -> dict[str, str] | None:
    found = metrics["calibration"][kind]
    if not found["n"]:
        return None
    figure, axes = _axes(3.4, 3.0)
    axes.plot([0, 1], [0, 1], ":", color=GREY, lw=1)
    largest = max(b["n"] for b in found["bins"])
    for b in found["bins"]:
        axes.plot(b["stated"], b["observed"], "o", color=BLUE, ms=3 + 8 * b["n"] / largest)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"stated {kind}", fontsize=8)
    of = {"confidence": "right", "support": "cited on gold"}[kind]
    axes.set_ylabel(f"share {of}", fontsize=8)
    note = f"n={found['n']}, Brier {found['brier']:.3f}, calibration error {found['ece']:.3f}"
    if kind == "support":
        note += "; that a sentence's citation is on gold stands in for support"
    return _chart(figure, f"Calibration of {kind}", note)


def _latency(items: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    kinds = (
        ("evidence", "retrieve_ms", GREY),
        ("first word", "first_token_ms", BLUE),
        ("whole answer", "total_ms", ORANGE),
    )
    figure, axes = _axes(5.2, 2.6)
    drawn = False
    for label, key, colour in kinds:
        values = sorted(v / 1000 for i in items if (v := i["timings"].get(key)) is not None)
        if values:
            shares = [(rank + 1) / len(values) for rank in range(len(values))]
            axes.step(values, shares, where="post", color=colour, label=label, lw=1.2)
            drawn = True
    if not drawn:
        return None
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("seconds", fontsize=8)
    axes.set_ylabel("share of questions done", fontsize=8)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return _chart(figure, "Latency", "cumulative, from the call")
