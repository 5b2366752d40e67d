"""One writer an archive: a lock that the system frees even when its holder is killed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from vectorstore.types import StoreError

# The holder is described beside the lock, not in it: taking a lock may truncate its file.
_LOCK, _HOLDER = "lock", "lock.holder"


class HomeLock:
    """Held from construction until ``release``. Raises StoreError naming who holds it instead."""

    def __init__(self, home: Path) -> None:
        self._holder = home / _HOLDER
        self._lock = FileLock(home / _LOCK)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise StoreError(
                f"{_described(self._holder)} holds the archive {home}. "
                "Close it, or use a command that only reads."
            ) from None
        words = [Path(sys.argv[0]).name or "python", *sys.argv[1:]]
        self._holder.write_text(
            json.dumps({"pid": os.getpid(), "command": " ".join(words)}), encoding="utf-8"
        )

    def release(self) -> None:
        self._holder.unlink(missing_ok=True)
        self._lock.release()


def _described(holder: Path) -> str:
    try:
        known = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {known['pid']} ({known['command']})"
    except (OSError, ValueError, KeyError, TypeError):  # it is just starting or ending
        return "another process"
