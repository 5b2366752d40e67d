"""A turn of a conversation, and its way into JSON and back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from rag.answer import (
    Answer,
    AnswerSentence,
    Citation,
    Evidence,
    FoundPassage,
    OtherOutlet,
    Timings,
)
from vectorstore.types import Filters

T = TypeVar("T")


def new_id() -> str:
    """A name for a turn or a conversation that nobody can guess."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Turn:
    """A question and what came of it: an answer, or ``error`` in words.

    ``sample``: answered from the sample archive.
    """

    question: str
    answer: Answer | None = None
    error: str | None = None
    sample: bool = False
    filters: Filters = field(default_factory=Filters)
    turn_id: str = field(default_factory=new_id)

    def to_dict(self) -> dict[str, Any]:
        """All of the turn, as JSON knows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Turn:
        """The turn that ``to_dict`` wrote; unknown keys, of a later version, are left out."""
        answer = data.get("answer")
        filters = _made(Filters, data.get("filters") or {})
        return _made(cls, data, answer=_answer(answer) if answer else None, filters=filters)


def _answer(data: Mapping[str, Any]) -> Answer:
    sentences = tuple(_made(AnswerSentence, s) for s in data.get("sentences", ()))
    citations = tuple(
        _made(Citation, c, also_in=tuple(_made(OtherOutlet, o) for o in c.get("also_in", ())))
        for c in data.get("citations", ())
    )
    return _made(
        Answer,
        data,
        sentences=sentences,
        citations=citations,
        evidence=tuple(_made(Evidence, e) for e in data.get("evidence", ())),
        passages=tuple(_made(FoundPassage, p) for p in data.get("passages", ())),
        timings=_made(Timings, data.get("timings") or {}),
    )


def _made(kind: type[T], data: Mapping[str, Any], **parts: Any) -> T:
    """A frozen dataclass from JSON: known keys only, lists as the tuples that they were."""
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
    return kind(**(values | parts))
