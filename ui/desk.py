"""What the page stands on: the assistant, and how far its preparation is.

One ``Desk`` serves all open tabs. Preparation runs in a thread, so that the page is there at once
and shows it; nothing but preparation ever downloads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from models.catalogue import load_catalogue
from models.fetch import PullProgress, pull
from models.protocols import Cancelled
from rag.settings import Settings
from ui.conversations import Conversations
from ui.errors import PageError

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.ingest import IngestProgress

log = logging.getLogger(__name__)

DEMO_FOLDER = "demo"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

StepName = Literal["weights", "archive", "samples", "models"]
StepState = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class Step:
    """One step of preparation: ``fraction`` 0..1 or None where it cannot be told."""

    name: StepName
    state: StepState = "waiting"
    fraction: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Preparation:
    """How far the preparation is, at one moment."""

    steps: tuple[Step, ...]
    ready: bool = False
    error: str | None = None


class Opener(Protocol):
    """Opens the assistant of a data folder, as ``Assistant.open`` does."""

    def __call__(self, home: Path, settings: Settings) -> Assistant: ...


def _open_assistant(home: Path, settings: Settings) -> Assistant:
    from rag.assistant import Assistant  # imports PyTorch and Chroma: after the page is up

    return Assistant.open(home, settings)


def sample_articles() -> Path:
    """The folder of the sample articles. PageError where this installation lacks it."""
    folder = Path(__file__).resolve().parents[1] / "examples" / "articles"
    if not folder.is_dir():
        raise PageError(
            f"The sample articles are not at {folder}: they come with a checkout of the project. "
            "Ingest your own articles with: mustanad ingest PATH"
        )
    return folder


def model_names(settings: Settings) -> tuple[str, ...]:
    """The catalogue names that the settings use; a path, an address or "none" needs no fetching."""
    known = load_catalogue()
    return tuple(n for n in (settings.embedder, settings.language_model) if n in known)


def remote_address(settings: Settings) -> str | None:
    """The host of a language model that is not on this machine, else None."""
    if not settings.language_model.startswith(("http://", "https://")):
        return None
    host = urlsplit(settings.language_model).hostname or settings.language_model
    return None if host in LOOPBACK else host


class Desk:
    """The assistant behind the page. Thread-safe.

    ``home`` is the user's data folder; the samples live in ``home/demo``. With ``demo``, or while
    the user's archive is empty, the samples are what is open (``is_demo``).
    """

    def __init__(
        self,
        home: Path,
        settings: Settings,
        *,
        demo: bool = False,
        open_assistant: Opener = _open_assistant,
        fetch: Callable[..., None] = pull,
        samples: Callable[[], Path] = sample_articles,
    ) -> None:
        self.home = home
        self.settings = settings
        self.demo_asked = demo
        self.is_demo = demo
        self._own_wanted = False
        self._open, self._fetch, self.samples = open_assistant, fetch, samples
        self._lock = threading.Lock()
        self._steps: dict[StepName, Step] = {}
        self._error: str | None = None
        self._assistant: Assistant | None = None
        self._conversations: Conversations | None = None
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def assistant(self) -> Assistant:
        """The open ``Assistant``. PageError while it is not ready."""
        with self._lock:
            if self._assistant is None:
                raise PageError("The page is still preparing its models and archive.")
            return self._assistant

    @property
    def ready(self) -> bool:
        """Whether questions can be asked."""
        with self._lock:
            return self._assistant is not None

    @property
    def data_folder(self) -> Path:
        """The data folder that is open: the user's, or the samples'."""
        return self.home / DEMO_FOLDER if self.is_demo else self.home

    def preparation(self) -> Preparation:
        """A snapshot for the page."""
        with self._lock:
            return Preparation(
                tuple(self._steps.values()), self._assistant is not None, self._error
            )

    def prepare(self) -> None:
        """Begin preparing, in the background; does nothing while it runs or once it is done."""
        with self._lock:
            running = self._thread is not None and self._thread.is_alive()
            if running or self._assistant is not None:
                return
            self._error = None
            self._steps = {name: Step(name) for name in ("weights", "archive", "models")}
            self._thread = threading.Thread(target=self._prepare, name="prepare", daemon=True)
            self._thread.start()

    @property
    def conversations(self) -> Conversations:
        """The saved conversations of the data folder that is open."""
        with self._lock:
            if self._conversations is None or self._conversations.folder != self.data_folder:
                self._conversations = Conversations(self.data_folder)
            return self._conversations

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the preparation to end; True once questions can be asked."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self.ready

    def close(self) -> None:
        """Stop preparing and free the models."""
        self._cancel.set()
        self.wait(10)
        with self._lock:
            assistant, self._assistant = self._assistant, None
        if assistant is not None:
            assistant.close()

    def leave_samples(self) -> None:
        """Open the user's own archive in place of the samples, empty or not."""
        with self._lock:
            if not self.is_demo or self.demo_asked:
                return
            assistant, self._assistant = self._assistant, None
            self.is_demo, self._own_wanted = False, True
        if assistant is not None:
            assistant.close()
        self.prepare()

    def restart(self, settings: Settings) -> None:
        """Load everything again under other settings."""
        with self._lock:
            assistant, self._assistant = self._assistant, None
            self.settings = settings
        if assistant is not None:
            assistant.close()
        self.prepare()

    def _prepare(self) -> None:
        assistant = None
        try:
            with self._step("weights"):
                names = model_names(self.settings)
                if names:  # none would mean the default ones
                    self._fetch(names, progress=self._pulled, cancel=self._cancel)
            with self._step("archive"):
                assistant = self._open_archive()
            if self.is_demo:
                with self._step("samples"):
                    self._read_samples(assistant)
            with self._step("models"):
                assistant.warm_up(progress=self._warming)
        except Cancelled:
            if assistant is not None:
                assistant.close()
        except Exception as error:  # the end of a thread: whatever it is, the page must say it
            log.warning("preparation stopped", exc_info=error)
            if assistant is not None:
                assistant.close()
            with self._lock:
                self._error = str(error)
        else:
            with self._lock:
                self._assistant = assistant

    def _open_archive(self) -> Assistant:
        if not self.demo_asked:
            assistant = self._open(self.home, self.settings)
            if self._own_wanted or assistant.articles():
                self.is_demo = False
                return assistant
            assistant.close()
            self.is_demo = True
        with self._lock:  # the samples are read between opening and loading
            models = self._steps.pop("models")
            self._steps |= {"samples": Step("samples"), "models": models}
        return self._open(self.home / DEMO_FOLDER, self.settings)

    def _read_samples(self, assistant: Assistant) -> None:
        def progress(at: IngestProgress) -> None:
            self._update("samples", fraction=at.done / at.total if at.total else None)

        assistant.ingest([self.samples()], progress=progress, cancel=self._cancel)

    def _pulled(self, at: PullProgress) -> None:
        fraction = at.bytes_done / at.bytes_total if at.bytes_total else None
        size = f"{at.bytes_done / 1e6:,.0f} / {at.bytes_total / 1e6:,.0f} MB"
        self._update("weights", fraction=fraction, detail=f"{at.name} · {size}")

    def _warming(self, stage: str, fraction: float) -> None:
        self._update("models", fraction=fraction, detail=stage)

    def _update(self, name: StepName, **changes) -> None:
        with self._lock:
            self._steps[name] = replace(self._steps[name], **changes)

    @contextmanager
    def _step(self, name: StepName) -> Iterator[None]:
        began = time.monotonic()
        self._update(name, state="running")
        try:
            yield
        except BaseException:
            self._update(name, state="failed")
            raise
        self._update(name, state="done", fraction=1.0, detail="")
        log.info("%s: %.1f s", name, time.monotonic() - began)
