"""Adding articles from the page: one at a time for all tabs, with progress that all can see."""

from __future__ import annotations

import filecmp
import logging
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ui.desk import Desk
from ui.escape import direction, escape
from ui.texts import DIRECTION, Language, text

if TYPE_CHECKING:
    from rag.ingest import IngestProgress, IngestReport

log = logging.getLogger(__name__)

FILES_FOLDER = "files"


@dataclass(frozen=True)
class IntakeState:
    """What is being added now, or what came of the last time."""

    running: bool = False
    progress: IngestProgress | None = None
    report: IngestReport | None = None
    error: str | None = None


class Busy(RuntimeError):
    """Articles are being added already."""


class Intake:
    """Copies uploaded files into the data folder and ingests them in the background."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._state = IntakeState()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> IntakeState:
        """A snapshot."""
        with self._lock:
            return self._state

    def start(self, uploads: Sequence[Path]) -> None:
        """Begin to add files. Raises Busy. The samples give way to the user's own archive."""
        with self._lock:
            if self._state.running:
                raise Busy
            self._state = IntakeState(running=True)
            self._thread = threading.Thread(target=self._run, args=(list(uploads),), daemon=True)
            self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait for the running intake; True once there is none."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.state.running

    def _run(self, uploads: list[Path]) -> None:
        report, error = None, None
        try:
            self._desk.leave_samples()
            if not self._desk.wait():
                raise RuntimeError(self._desk.preparation().error or "the archive is not open")
            kept = [keep(path, self._desk.data_folder / FILES_FOLDER) for path in uploads]
            report = self._desk.assistant.ingest(kept, progress=self._progressed)
        except Exception as failure:  # the end of a thread: the page must say what happened
            log.warning("articles could not be added", exc_info=failure)
            error = str(failure)
        with self._lock:
            self._state = IntakeState(report=report, error=error)

    def _progressed(self, at: IngestProgress) -> None:
        with self._lock:
            self._state = replace(self._state, progress=at)


def keep(upload: Path, folder: Path) -> Path:
    """Copy an uploaded file into ``folder`` under its name, or one like it that is free.

    The same file again is the same path, so that adding it twice changes nothing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while True:
        name = upload.name if number == 1 else f"{upload.stem}-{number}{upload.suffix}"
        target = folder / name
        if not target.exists():
            partial = folder / f".{name}.part"
            shutil.copyfile(upload, partial)
            partial.replace(target)
            return target
        if filecmp.cmp(upload, target, shallow=False):
            return target
        number += 1


def intake_html(state: IntakeState, language: Language) -> str:
    """Progress while articles are added; afterwards the counts and each file that failed."""
    if state.running:
        return _running(state, language)
    parts = []
    if state.error is not None:
        parts.append(
            f'<p class="mu-bad"><strong>{text("add_failed", language)}</strong> '
            f'<span dir="{direction(state.error)}">{escape(state.error)}</span></p>'
        )
    if state.report is not None:
        r = state.report
        counts = text(
            "added", language, added=r.added, updated=r.updated + r.moved, unchanged=r.unchanged
        )
        parts.append(f'<p role="status">{counts}</p>')
        if r.skipped:
            rows = "".join(
                f"<li><bdi>{escape(Path(s.path).name)}</bdi>: "
                f'<span dir="{direction(s.error)}">{escape(s.error)}</span></li>'
                for s in r.skipped
            )
            heading = text("skipped", language, count=len(r.skipped))
            parts.append(f"<details open><summary>{heading}</summary><ul>{rows}</ul></details>")
    if not parts:
        return ""
    return f'<div class="mu-intake" dir="{DIRECTION[language]}">{"".join(parts)}</div>'


def _running(state: IntakeState, language: Language) -> str:
    at = state.progress
    if at is None:
        words, bar = text("adding_own", language), "<progress></progress>"
    else:
        words = f"{text(f'phase_{at.phase}', language)} <bdi>{at.done} / {at.total}</bdi>"
        if at.seconds_left is not None:
            words += f" · {text('time_left', language, seconds=round(at.seconds_left))}"
        bar = f'<progress max="{max(at.total, 1)}" value="{at.done}"></progress>'
    return (
        f'<div class="mu-intake" dir="{DIRECTION[language]}"><p role="status">{words}</p>'
        f"{bar}</div>"
    )
