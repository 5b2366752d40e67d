"""The first pass of an ingest: which files are new or changed, and how much there is to do."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rag.loaders import Unreadable, load
from vectorstore.types import Article
from vectorstore.writing import Batch, FileState, Writer

_READ_BLOCK = 1 << 20


@dataclass
class FilePlan:
    """A file that has to be read. ``kept``: what it holds, where that was worth keeping."""

    path: Path
    size: int
    mtime_ns: int
    sha256: str
    articles: int = 0
    characters: int = 0
    contents: Counter[str] = field(default_factory=Counter)  # of a file that is known, by hash
    kept: list[Article | Unreadable] | None = None

    def read(self) -> Iterator[Article | Unreadable]:
        """The file's articles, from memory or read again."""
        return iter(self.kept) if self.kept is not None else load(self.path)

    def state(self, records: int, skipped: list[Unreadable]) -> FileState:
        pairs = tuple((s.path, s.error) for s in skipped)
        return FileState(str(self.path), self.size, self.mtime_ns, self.sha256, records, pairs)


def look_at(path: Path, writer: Writer, keep_characters: int) -> FileState | FilePlan | Unreadable:
    """A FileState if the file has not changed since it was last read, else what it holds.

    Up to ``keep_characters`` of text are kept in the plan; a longer file is read again later.
    """
    try:
        stat = os.stat(path)
        known = writer.file_state(str(path))
        if known and (known.size, known.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return known
        digest = _sha256(path)
    except OSError as error:
        return Unreadable(str(path), error.strerror or str(error))
    plan = FilePlan(path, stat.st_size, stat.st_mtime_ns, digest)
    if known and known.sha256 == digest:
        touched = plan.state(known.records, [Unreadable(*pair) for pair in known.skipped])
        writer.write(Batch(files=[touched]))
        return touched
    stored_before = bool(writer.records(str(path)))
    plan.kept = []
    for item in load(path):
        if plan.kept is not None:
            plan.kept.append(item)
        if isinstance(item, Unreadable):
            continue
        plan.articles += 1
        plan.characters += len(item.text)
        if stored_before:
            plan.contents[item.content_hash] += 1
        if plan.characters > keep_characters:
            plan.kept = None
    return plan


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BLOCK):
            digest.update(block)
    return digest.hexdigest()
