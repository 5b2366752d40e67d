"""From files to archive: incremental by content, in batches that are stored whole or not at all.

A file whose size and time, or whose bytes, are known is not even parsed; an article whose content
is known is not cut or embedded, wherever its file lies now; a passage whose vectors are known is
not embedded again, unless an earlier version stored fewer of them than are kept now. Two passes:
the first looks at every file and counts what there is to do (keeping what it parsed while that is
little), the second reads, cuts, embeds and stores. Memory is bounded by a batch, not by the
archive.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.protocols import Embedder, PassageInput
from rag.chunking import split_passages
from rag.ingest_matching import Matcher
from rag.ingest_report import IngestProgress, IngestReport
from rag.loaders import Unreadable, find_files
from rag.survey import FilePlan, look_at
from vectorstore.store import Store
from vectorstore.types import Article
from vectorstore.vectors import vector_key
from vectorstore.writing import ArticleEntry, Batch, FileState, KnownRecord, passage_input

_BATCH_PASSAGES = 64  # embedded, and at most lost to a kill, at a time
_BATCH_ARTICLES = 256  # stored at a time where little needs embedding
_KEPT_CHARACTERS = 32_000_000  # of parsed text kept from the first pass to the second


def ingest(
    store: Store,
    embedder: Callable[[], Embedder],
    paths: Sequence[Path],
    *,
    progress: Callable[[IngestProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> IngestReport:
    """Bring files and folders (recursively) into the archive.

    ``embedder`` is called only if something must be embedded. What cannot be read is reported in
    ``skipped`` and changes nothing that is stored. Setting ``cancel`` stops after the running
    group of passages: what is stored stays, and the report says so. Raises StoreError when the
    archive cannot be written (disk full, another embedder, …): the batches before stay.
    """
    return _Ingest(store, embedder, progress, cancel).run([Path(os.path.abspath(p)) for p in paths])


class _Cancelled(Exception):
    pass


@dataclass
class _Counts:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    moved: int = 0

    def add(self, other: _Counts) -> None:
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)


@dataclass
class _Pending:
    """A batch in the making: what to store, what to embed for it first, how much it counts."""

    batch: Batch = field(default_factory=Batch)
    inputs: dict[bytes, PassageInput] = field(default_factory=dict)
    counts: _Counts = field(default_factory=_Counts)
    articles: int = 0
    characters: int = 0

    def is_full(self) -> bool:
        return len(self.inputs) >= _BATCH_PASSAGES or self.articles >= _BATCH_ARTICLES


class _Ingest:
    """One run: its counters and the batch that it is filling."""

    def __init__(
        self,
        store: Store,
        embedder: Callable[[], Embedder],
        progress: Callable[[IngestProgress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        self._store = store
        self._writer = store.writer()
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._progress = progress
        self._cancel = cancel
        self._counts = _Counts()
        self._skipped: list[Unreadable] = []
        self._embedded = 0
        self._pending = _Pending()
        self._claimed: set[str] = set()  # ids given in this run to moved or new articles
        self._articles_done = self._characters_done = 0
        self._articles = self._characters = 0
        self._second_pass = 0.0

    def run(self, roots: list[Path]) -> IngestReport:
        started = time.monotonic()
        cancelled = False
        try:
            plans = self._survey(roots)
            self._articles = sum(plan.articles for plan in plans)
            self._characters = sum(plan.characters for plan in plans)
            self._second_pass = time.monotonic()
            for plan in plans:
                self._read(plan)
                plan.kept = None
            self._flush(None)
            self._complete()
        except _Cancelled:
            cancelled = True
        else:
            self._store.update_index(self._report_indexing)
        return IngestReport(
            **vars(self._counts),
            skipped=tuple(self._skipped),
            missing=tuple(self._missing(roots)),
            embedded_texts=self._embedded,
            seconds=time.monotonic() - started,
            cancelled=cancelled,
        )

    # First pass -----------------------------------------------------------------------------

    def _survey(self, roots: list[Path]) -> list[FilePlan]:
        plans: list[FilePlan] = []
        files = self._files(roots)
        started = time.monotonic()
        kept = 0
        for done, path in enumerate(files):
            self._stop_if_cancelled()
            self._report("reading", done, len(files), str(path), started)
            found = look_at(path, self._writer, _KEPT_CHARACTERS - kept)
            if isinstance(found, Unreadable):
                self._skipped.append(found)
            elif isinstance(found, FileState):
                self._counts.unchanged += found.records
                self._skipped += [Unreadable(*pair) for pair in found.skipped]
            else:
                plans.append(found)
                kept += found.characters if found.kept is not None else 0
        self._report("reading", len(files), len(files), None, started)
        return plans

    def _files(self, roots: list[Path]) -> list[Path]:
        """Files of the roots; a root that is gone but stored is reported as missing, not here."""
        stored = [] if all(map(Path.exists, roots)) else [Path(p) for p in self._writer.paths()]
        return find_files(
            [
                root
                for root in roots
                if root.exists() or not any(path.is_relative_to(root) for path in stored)
            ]
        )

    # Second pass ----------------------------------------------------------------------------

    def _read(self, plan: FilePlan) -> None:
        """Take in a new or changed file."""
        matcher = Matcher(self._writer.records(str(plan.path)), plan)
        records, skipped = 0, []
        for item in plan.read():
            self._stop_if_cancelled()
            if isinstance(item, Unreadable):
                skipped.append(item)
                continue
            records += 1
            self._take(item, matcher)
            if self._pending.is_full():
                self._flush(str(plan.path))
        self._skipped += skipped
        if records == 0:  # nothing could be read: what is stored of this file stays as it is
            return
        if not skipped:  # a record that cannot be read now is not gone
            self._pending.batch.absent += matcher.unclaimed()
        self._pending.batch.files.append(plan.state(records, skipped))

    def _take(self, article: Article, matcher: Matcher) -> None:
        pending = self._pending
        pending.articles += 1
        pending.characters += len(article.text)
        content = article.content_hash
        known = matcher.same_content(article.record, content)
        if known is not None:
            if known.record == article.record:
                pending.counts.unchanged += 1
                return
            self._move(known, article)
        elif (known := matcher.replaced(article.record)) is not None:
            pending.counts.updated += 1
            self._store_article(known.article_id, article)
        elif (known := self._moved_from(article, content)) is not None:
            self._move(known, article)
        else:
            pending.counts.added += 1
            self._store_article(self._new_id(article, content), article)

    def _move(self, known: KnownRecord, article: Article) -> None:
        self._pending.counts.moved += 1
        self._claimed.add(known.article_id)
        here = KnownRecord(known.article_id, article.path, article.record, known.content_hash)
        self._pending.batch.moved.append(here)
        if known.path != article.path:
            self._pending.batch.forgotten.append(known.path)

    def _moved_from(self, article: Article, content: str) -> KnownRecord | None:
        """The same content whose own place is gone; of the same file name if there are several."""
        candidates = [
            known
            for known in self._writer.same_content(content)
            if known.article_id not in self._claimed
            and not (known.present and os.path.exists(known.path))
        ]
        name = os.path.basename(article.path)
        return min(candidates, key=lambda known: os.path.basename(known.path) != name, default=None)

    def _new_id(self, article: Article, content: str) -> str:
        joined = f"{content}\0{os.path.basename(article.path)}\0{article.record}"
        stem = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        article_id, n = stem, 1
        while article_id in self._claimed or self._writer.is_taken(article_id):
            n += 1
            article_id = f"{stem}-{n}"
        self._claimed.add(article_id)
        return article_id

    def _store_article(self, article_id: str, article: Article) -> None:
        passages = tuple(split_passages(article.text))
        inputs = [passage_input(article.title, article.text, passage) for passage in passages]
        embedder_key = self._embedder_key()
        keys = tuple(vector_key(embedder_key, text) for text in inputs)
        known = self._writer.known_vectors(keys)
        for key, text in zip(keys, inputs, strict=True):
            if key not in known:
                self._pending.inputs.setdefault(key, text)
        entry = ArticleEntry(article_id, article, passages, keys)
        self._pending.batch.entries.append(entry)

    def _flush(self, path: str | None) -> None:
        """Embed what the batch needs and store it."""
        pending, self._pending = self._pending, _Pending()
        keys = list(pending.inputs)
        for start in range(0, len(keys), _BATCH_PASSAGES):
            self._stop_if_cancelled()
            group = keys[start : start + _BATCH_PASSAGES]
            embedded = self._loaded().embed_passages([pending.inputs[key] for key in group])
            pending.batch.vectors.update(zip(group, embedded, strict=True))
        self._writer.write(pending.batch)
        self._claimed.clear()  # the archive knows them now
        self._embedded += len(keys)
        self._counts.add(pending.counts)
        self._articles_done += pending.articles
        self._characters_done += pending.characters
        if self._articles:
            self._report_embedding(path)

    def _complete(self) -> None:
        """Make the token vectors that an earlier version of the archive did not keep."""
        done, total = 0, self._writer.count_without_tokens()
        while missing := self._writer.without_tokens(_BATCH_PASSAGES):
            self._stop_if_cancelled()
            self._report_indexing(done, total)
            embedded = self._loaded().embed_passages([text for _, text in missing])
            self._writer.add_tokens(
                {i: one.tokens for (i, _), one in zip(missing, embedded, strict=True)}
            )
            done += len(missing)
            self._embedded += len(missing)

    # The embedder, loaded only when it is needed ------------------------------------------------

    def _embedder_key(self) -> str:
        recorded = self._store.embedder()
        return recorded.key if recorded is not None else self._loaded().identity.key

    def _loaded(self) -> Embedder:
        if self._embedder is None:
            embedder = self._make_embedder()
            self._store.use_embedder(embedder.identity, embedder.variant)
            self._embedder = embedder
        return self._embedder

    # What is gone ---------------------------------------------------------------------------

    def _missing(self, roots: list[Path]) -> list[str]:
        def is_given(path: str) -> bool:
            return any(Path(path).is_relative_to(root) for root in roots)

        gone = [p for p in self._writer.paths() if is_given(p) and not os.path.exists(p)]
        absent = [
            f"{known.path}#{known.record}"
            for known in self._writer.absent_records()
            if is_given(known.path) and known.path not in gone
        ]
        return sorted(gone + absent)

    # Progress -------------------------------------------------------------------------------

    def _stop_if_cancelled(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise _Cancelled

    def _report(self, phase: str, done: int, total: int, path: str | None, started: float) -> None:
        if self._progress is not None:
            elapsed = time.monotonic() - started
            rate = done / elapsed if done and elapsed > 0 else None
            left = (total - done) / rate if rate else None
            self._progress(IngestProgress(phase, done, total, path, rate, left))

    def _report_embedding(self, path: str | None) -> None:
        if self._progress is not None:
            elapsed = time.monotonic() - self._second_pass
            done, rate, left = self._characters_done, None, None
            if done and elapsed > 0:
                rate = self._articles_done / elapsed
                left = max(0.0, elapsed / done * (self._characters - done))
            self._progress(
                IngestProgress("embedding", self._articles_done, self._articles, path, rate, left)
            )

    def _report_indexing(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(IngestProgress("indexing", done, total, None, None, None))
