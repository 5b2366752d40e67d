"""Are the files of a model the pinned ones? Full hashes, and a stamp that makes asking again cheap.

Hashing two gigabytes takes seconds, so a verified folder gets a stamp: size and modification time
of every file beside the hash that was found. While these still hold, the files are taken as
verified; if any differs, everything is hashed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

from models.catalogue import ModelFile, ModelSpec
from models.protocols import Cancelled, ModelError

STAMP = ".verified.json"
CHUNK = 1 << 20  # bytes read at a time

# Stamps of folders that cannot be written to, for this process only.
_unwritten: dict[Path, dict[str, object]] = {}


class WrongHash(ModelError):
    """A file is not the pinned one; the message names both hashes."""

    def __init__(self, what: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(
            f"{what} is not the pinned file: expected SHA-256 {expected}, found {found}. {remedy}"
        )


def sha256_of(
    path: Path,
    cancel: threading.Event | None = None,
    advance: Callable[[int], None] | None = None,
) -> str:
    """Hex SHA-256 of a file; ``advance`` is told the bytes of each step. Raises Cancelled."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            if cancel is not None and cancel.is_set():
                raise Cancelled
            digest.update(chunk)
            if advance is not None:
                advance(len(chunk))
    return digest.hexdigest()


def missing_files(spec: ModelSpec, folder: Path) -> list[ModelFile]:
    """Files of the model that are not in the folder."""
    return [file for file in spec.files if not (folder / file.path).is_file()]


def check_file(
    file: ModelFile,
    path: Path,
    remedy: str,
    cancel: threading.Event | None = None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Raises WrongHash unless the file at ``path`` is the pinned one, ModelError for its size."""
    size = path.stat().st_size
    if size != file.size:
        raise ModelError(
            f"{path} is not the pinned file: expected {file.size:,} bytes, found {size:,}. {remedy}"
        )
    found = sha256_of(path, cancel, advance)
    if found != file.sha256:
        raise WrongHash(str(path), file.sha256, found, remedy)


def _measure(spec: ModelSpec, folder: Path) -> dict[str, object]:
    measured: dict[str, object] = {}
    for file in spec.files:
        stat = (folder / file.path).stat()
        measured[file.path] = [stat.st_size, stat.st_mtime_ns, file.sha256]
    return measured


def stamped(spec: ModelSpec, folder: Path) -> bool:
    """Whether all files are there and look just as they did when they were last hashed."""
    if missing_files(spec, folder):
        return False
    measured = _measure(spec, folder)
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = None
    return measured in (stamp, _unwritten.get(folder))


def check_folder(
    spec: ModelSpec,
    folder: Path,
    remedy: str,
    cancel: threading.Event | None = None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Hash every file of a model and stamp the folder, or raise ModelError naming what is wrong."""
    _unwritten.pop(folder, None)
    with contextlib.suppress(OSError):  # none there, or a read-only folder
        (folder / STAMP).unlink()
    for file in spec.files:
        if not (folder / file.path).is_file():
            raise ModelError(f"{folder / file.path} is missing. {remedy}")
    measured = _measure(spec, folder)  # before hashing: a change meanwhile then shows
    for file in spec.files:
        check_file(file, folder / file.path, remedy, cancel, advance)
    try:
        (folder / STAMP).write_text(json.dumps(measured), encoding="utf-8")
    except OSError:  # a read-only folder: hashed once a process instead of once
        _unwritten[folder] = measured
