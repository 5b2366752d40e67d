"""What an archive offers to a new conversation: questions to begin with, outlets to choose."""

from __future__ import annotations

import json

from rag.language import detect_language
from ui.desk import Desk
from ui.texts import Language, text

SUGGESTIONS = 4
LONGEST_TITLE = 90  # characters of a title that a suggested question can hold
PLAIN = ("fact", "number", "attribution")  # types of question that stand on their own


def sources_of(desk: Desk) -> list[str]:
    """The outlets of the archive, most frequent first."""
    counts: dict[str, int] = {}
    for summary in desk.assistant.articles():
        if summary.source:
            counts[summary.source] = counts.get(summary.source, 0) + 1
    return sorted(counts, key=lambda source: (-counts[source], source))


def suggested(desk: Desk, language: Language) -> list[str]:
    """Questions to begin with: those written for the samples, else about the newest titles."""
    if not desk.ready:
        return []
    if desk.is_demo and (questions := _sample_questions(desk)):
        first = [q for code, q in questions if code == language]
        other = [q for code, q in questions if code != language]
        return [*first[: SUGGESTIONS - 1], *other[:1]]
    titles = [a.title for a in desk.assistant.articles() if 0 < len(a.title or "") <= LONGEST_TITLE]
    return [text("about_title", _spoken(t), title=t) for t in titles[:SUGGESTIONS]]


def _spoken(title: str) -> Language:
    return "ar" if detect_language(title) == "ar" else "en"


def _sample_questions(desk: Desk) -> list[tuple[str, str]]:
    """(language, question) of the answerable questions written for the samples."""
    path = desk.samples().parent / "questions.jsonl"
    if not path.is_file():
        return []
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [
        (i["lang"], i["question"]) for i in items if i["type"] in PLAIN and not i.get("history")
    ]
