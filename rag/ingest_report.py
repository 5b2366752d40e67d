"""What an ingest says while it runs, and what it did."""

from __future__ import annotations

from dataclasses import dataclass

from rag.loaders import Unreadable


@dataclass(frozen=True)
class IngestProgress:
    """``phase``: "reading" counts files, "embedding" articles, "indexing" passages.

    ``per_second`` counts what ``done`` counts; ``seconds_left`` is weighted by characters.
    """

    phase: str
    done: int
    total: int
    path: str | None
    per_second: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. Counts are articles; ``embedded_texts`` are passages.

    ``missing``: what was stored and is no longer there, as paths, or path#record where only a
    record of the file is gone. It stays in the archive until it is removed. ``cancelled``: the
    rest was not looked at; the same ingest again goes on from here.
    """

    added: int
    updated: int
    unchanged: int
    moved: int
    skipped: tuple[Unreadable, ...]
    missing: tuple[str, ...]
    embedded_texts: int
    seconds: float
    cancelled: bool = False

    def to_dict(self) -> dict:
        """The JSON of ``mustanad ingest``."""
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "moved": self.moved,
            "skipped": [{"path": s.path, "error": s.error} for s in self.skipped],
            "missing": list(self.missing),
            "embedded_texts": self.embedded_texts,
            "seconds": round(self.seconds, 2),
            "cancelled": self.cancelled,
        }
