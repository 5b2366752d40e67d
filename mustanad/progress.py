"""Progress on stderr: a bar where a person watches, a line now and then where nobody does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mustanad.terminal import note

if TYPE_CHECKING:
    from tqdm import tqdm

    from rag.ingest import IngestProgress

_QUIET_SECONDS = 30.0  # between two lines of a bar that goes to a file
# Without tqdm's own rate: the work that reports "done" knows better how its steps differ.
_TOLD = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class Bars:
    """One bar at a time; a new phase closes the last bar and opens its own."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._phase = ""

    def show(
        self, phase: str, done: float, total: float, *, unit: str = "it", detail: str = ""
    ) -> None:
        """Set the bar of ``phase`` to ``done`` of ``total``; ``detail`` stands behind it."""
        from tqdm import tqdm

        if self._bar is None or phase != self._phase:
            self.close()
            self._phase = phase
            self._bar = tqdm(
                desc=phase,
                total=total,
                unit=unit,
                unit_scale=unit == "B",
                unit_divisor=1024,
                bar_format=None if unit == "B" else _TOLD,
                dynamic_ncols=True,
                mininterval=0.1 if sys.stderr.isatty() else _QUIET_SECONDS,
                file=sys.stderr,
            )
        self._bar.total = total
        if detail:
            self._bar.set_postfix_str(detail, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the bar that is shown, if any, on a line of its own."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars that are closed however the work ends."""
    shown = Bars()
    try:
        yield shown
    finally:
        shown.close()


def ingest_progress(shown: Bars) -> Callable[[IngestProgress], None]:
    """What ``Assistant.ingest`` reports, as a bar with rate and time left."""

    def report(progress: IngestProgress) -> None:
        detail = ""
        if progress.per_second is not None:
            detail = f"{progress.per_second:.1f}/s"
        if progress.seconds_left is not None:
            minutes, seconds = divmod(round(progress.seconds_left), 60)
            detail += f", {minutes}:{seconds:02} left"
        shown.show(progress.phase, progress.done, progress.total, detail=detail)

    return report


def announce_once() -> Callable[[str, float], None]:
    """Says what a wait is for, a line a stage: bars and spinners of the work itself go on."""
    announced: set[str] = set()

    def report(stage: str, fraction: float) -> None:
        if stage not in announced:
            announced.add(stage)
            note(f"{stage} …")

    return report
