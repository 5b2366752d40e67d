"""What a GGUF file is: that it is one, how big, and the SHA-256 that names it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import psutil

from models.protocols import ModelError

_MAGIC = b"GGUF"
_SPARE_BYTES = 600 * 2**20  # context, scratch buffers and the process itself


def check_gguf(path: Path) -> None:
    """Raise ModelError unless ``path`` is a GGUF file that fits into the free memory."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(
            f"{path} {what}; the language model must be the path of a GGUF file, a catalogue name "
            "or a server's URL"
        )
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if start != _MAGIC:
        raise ModelError(f"{path} is not a GGUF file: it begins with {start!r}, not {_MAGIC!r}")


def check_memory(path: Path) -> None:
    """Raise ModelError where the weights would not fit into the memory that is free."""
    needed = path.stat().st_size + _SPARE_BYTES
    free = psutil.virtual_memory().available
    if free < needed:
        raise ModelError(
            f"the language model {path.name} needs about {needed / 2**30:.1f} GiB of memory and "
            f"{free / 2**30:.1f} GiB are free; close other programs or choose a smaller model"
        )


def weights_sha256(path: Path, memory: Path) -> str:
    """SHA-256 of a file, remembered in the file ``memory`` while size and time stay the same."""
    status = path.stat()
    stamp = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    if isinstance(known.get(stamp), str):
        return known[stamp]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _remember(memory, {**known, stamp: digest})
    return digest


def _remember(memory: Path, known: dict[str, str]) -> None:
    temporary = memory.with_suffix(f".{os.getpid()}.part")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known), encoding="utf-8")
        os.replace(temporary, memory)
    except OSError:
        temporary.unlink(missing_ok=True)  # a hash not remembered is computed again, that is all
