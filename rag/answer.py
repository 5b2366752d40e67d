"""What the assistant gives back: evidence, verified sentences, citations, and a stream's events.

The ``to_dict`` forms are the JSON contract of ``ask`` and ``search``: keys are added, none renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

Reason = Literal[
    "not_in_archive",  # nothing in the archive answers this
    "unsupported",  # what could be said was not supported by what was found
    "empty_archive",
    "no_match_for_filters",
    "cancelled",
]
Path = Literal["generated", "repaired", "quoted", "declined", "conversation"]


@dataclass(frozen=True)
class Evidence:
    """One sentence of an article, found for a question. ``quote == article.text[start:end]``."""

    article_id: str
    title: str | None
    source: str | None
    date: str | None
    url: str | None
    path: str
    start: int
    end: int
    quote: str
    score: float


@dataclass(frozen=True)
class FoundPassage:
    """A passage that retrieval ranked, best first."""

    article_id: str
    title: str | None
    source: str | None
    date: str | None
    start: int
    end: int
    quote: str
    score: float


@dataclass(frozen=True)
class Retrieved:
    """The outcome of a search: sentences and passages, each best first.

    ``dropped_undated``: how many articles a date filter left out for having no date.
    ``before``: what was asked before, of a question that leans on it. ``signals``: what the
    decision to answer is made from, by name. ``parts``: of a question that asks several things,
    what was found for each.
    """

    question: str
    evidence: tuple[Evidence, ...]
    passages: tuple[FoundPassage, ...]
    dropped_undated: int = 0
    retrieve_ms: float = 0.0
    before: str = ""
    signals: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Retrieved, ...] = ()

    def to_dict(self) -> dict:
        """The JSON of ``mustanad search``."""
        return {
            "question": self.question,
            "evidence": [asdict(e) for e in self.evidence],
            "passages": [asdict(p) for p in self.passages],
            "dropped_undated": self.dropped_undated,
            "timings": {"retrieve_ms": round(self.retrieve_ms, 1)},
        }


@dataclass(frozen=True)
class OtherOutlet:
    """Another copy of a cited story."""

    article_id: str
    source: str | None
    date: str | None
    url: str | None


@dataclass(frozen=True)
class Citation:
    """The words of an article that a sentence rests on; ``n`` is what the text calls [n]."""

    n: int
    article_id: str
    title: str | None
    source: str | None
    date: str | None
    url: str | None
    path: str
    start: int
    end: int
    quote: str
    also_in: tuple[OtherOutlet, ...] = ()


@dataclass(frozen=True)
class AnswerSentence:
    """A sentence of the answer with the citations that support it; ``support`` is a probability.

    Without citations it says that a part of the question has no answer.
    """

    text: str
    citations: tuple[int, ...]
    supported: bool
    support: float


@dataclass(frozen=True)
class Timings:
    """Milliseconds from the call; None where it did not happen."""

    retrieve_ms: float = 0.0
    first_token_ms: float | None = None
    total_ms: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A verified answer, or a decline (``answered`` false, ``reason`` set).

    ``model_error``: why the language model failed while it wrote, where that left quotes.
    ``evidence``: in the order of the search; an answer may prefer another of the best.
    """

    question: str
    language: str
    answered: bool
    text: str
    short: str | None
    reason: Reason | None
    confidence: float
    path: Path
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    passages: tuple[FoundPassage, ...] = ()
    timings: Timings = field(default_factory=Timings)
    embedder: str = ""
    llm: str = ""
    model_error: str | None = None

    def to_dict(self) -> dict:
        """The JSON of ``mustanad ask``; "model_error" is there only where a model failed."""
        span = ("article_id", "start", "end", "score")
        return {
            "question": self.question,
            "language": self.language,
            "answered": self.answered,
            "answer": self.text,
            "short": self.short,
            "reason": self.reason,
            "confidence": self.confidence,
            "path": self.path,
            "sentences": [asdict(s) for s in self.sentences],
            "citations": [asdict(c) for c in self.citations],
            "evidence": [{k: getattr(e, k) for k in span} for e in self.evidence],
            "passages": [{k: getattr(p, k) for k in span} for p in self.passages],
            "timings": asdict(self.timings),
            "models": {"embedder": self.embedder, "llm": self.llm},
            **({"model_error": self.model_error} if self.model_error else {}),
        }


@dataclass(frozen=True)
class EvidenceFound:
    """First event of a stream: what was retrieved, before the model speaks."""

    retrieved: Retrieved


@dataclass(frozen=True)
class Token:
    """A piece of the model's unverified words; to be shown as "being checked", never kept."""

    text: str


@dataclass(frozen=True)
class AnswerReady:
    """Last event of a stream: the verified answer, which replaces all tokens."""

    answer: Answer


Event = EvidenceFound | Token | AnswerReady
