"""Pieces of article text around gold, cited and found sentences, with what to highlight in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vectorstore.types import Article

AROUND = 160  # characters of context on each side
Kind = Literal["gold", "cited", "found"]


@dataclass(frozen=True)
class Mark:
    """``article.text[start:end]`` is gold, cited, or found as evidence."""

    article_id: str
    start: int
    end: int
    kind: Kind


@dataclass(frozen=True)
class Excerpt:
    """``article.text[start:end]`` with marks whose offsets are those of the article."""

    article_id: str
    title: str | None
    source: str | None
    date: str | None
    start: int
    end: int
    text: str
    length: int  # of the whole article, characters
    marks: tuple[tuple[int, int, Kind], ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cut_excerpts(marks: Iterable[Mark], article: Callable[[str], Article]) -> list[Excerpt]:
    """Excerpts that hold all the marks; those whose contexts meet share one."""
    by_article: dict[str, list[Mark]] = {}
    for mark in marks:
        by_article.setdefault(mark.article_id, []).append(mark)
    excerpts = []
    for article_id, own in by_article.items():
        found = article(article_id)
        for group in _runs(sorted(own, key=lambda m: (m.start, m.end, m.kind))):
            start = _at_space(found.text, max(0, group[0].start - AROUND), -1)
            end = max(m.end for m in group) + AROUND
            end = _at_space(found.text, min(len(found.text), end), 1)
            excerpts.append(
                Excerpt(
                    article_id,
                    found.title,
                    found.source,
                    found.date,
                    start,
                    end,
                    found.text[start:end],
                    len(found.text),
                    tuple((m.start, m.end, m.kind) for m in group),
                )
            )
    return excerpts


def _runs(marks: list[Mark]) -> list[list[Mark]]:
    runs: list[list[Mark]] = []
    reach = -1
    for mark in marks:
        if runs and mark.start - reach <= 2 * AROUND:
            runs[-1].append(mark)
        else:
            runs.append([mark])
        reach = max(reach, mark.end) if len(runs[-1]) > 1 else mark.end
    return runs


def _at_space(text: str, offset: int, step: int) -> int:
    """The next offset in a direction that does not cut a word."""
    while 0 < offset < len(text) and not text[offset - 1 if step < 0 else offset].isspace():
        offset += step
    return offset


def segments(excerpt: Mapping[str, Any]) -> list[tuple[str, tuple[Kind, ...]]]:
    """The excerpt's text (its JSON form) cut where marks begin and end, with each piece's kinds."""
    base, text = excerpt["start"], excerpt["text"]
    edges = {0, len(text)}
    for start, end, _ in excerpt["marks"]:
        edges |= {start - base, end - base}
    ordered = sorted(edges)
    return [
        (
            text[a:b],
            tuple(
                sorted({k for start, end, k in excerpt["marks"] if start - base <= a < end - base})
            ),
        )
        for a, b in zip(ordered, ordered[1:], strict=False)
    ]
