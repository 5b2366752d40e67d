"""One question at a time for each open tab, and a way to stop it from anywhere.

The assistant's stream is read by a thread of its own, so that the page can say how long it waits,
and stop, while the model is silent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from rag.answer import Event

TICK_SECONDS = 0.5


class Run:
    """A question being answered. Iterate ``events``; ``cancel`` may come from any thread."""

    def __init__(self, stream: Callable[[threading.Event], Iterator[Event]]) -> None:
        self.cancelled = threading.Event()
        self._items: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: Callable[[threading.Event], Iterator[Event]]) -> None:
        try:
            for event in stream(self.cancelled):
                self._items.put(event)
        except BaseException as error:  # handed over whole to the thread that waits for events
            self._items.put(error)
        else:
            self._items.put(None)

    def events(self, tick: float = TICK_SECONDS) -> Iterator[Event | None]:
        """The stream's events, and None after every ``tick`` seconds without one.

        Raises what the stream raised. Leaving the iteration early cancels the run.
        """
        try:
            while True:
                try:
                    item = self._items.get(timeout=tick)
                except queue.Empty:
                    yield None
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Tell the model to stop; harmless when it has already finished."""
        self.cancelled.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the reading thread; True if it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


class Runs:
    """The running question of each tab (Gradio's session), newest wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_tab: dict[str, Run] = {}

    def start(self, tab: str, stream: Callable[[threading.Event], Iterator[Event]]) -> Run:
        """Begin a question, stopping the one that the same tab may have running."""
        run = Run(stream)
        with self._lock:
            before = self._by_tab.pop(tab, None)
            self._by_tab[tab] = run  # at the end: the order is that of the queue
        if before is not None:
            before.cancel()
        return run

    def stop(self, tab: str) -> None:
        """Stop what the tab is running, if anything."""
        with self._lock:
            run = self._by_tab.pop(tab, None)
        if run is not None:
            run.cancel()

    def ahead(self, tab: str) -> int:
        """How many other tabs' questions were begun before the tab's own and still run.

        The model takes them one by one, so that many are answered before it.
        """
        with self._lock:
            return list(self._by_tab).index(tab) if tab in self._by_tab else 0

    def finished(self, tab: str, run: Run) -> None:
        """Forget a run that has ended, unless a newer one took its place."""
        with self._lock:
            if self._by_tab.get(tab) is run:
                del self._by_tab[tab]

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_tab)
