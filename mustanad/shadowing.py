"""Notice a stranger's module that hides one of ours.

The rooms are ordinary top-level packages (``models``, ``vectorstore``, ``rag``, ``ui``). A user's
own ``models.py`` in the working folder comes first on the path and would be imported in place of
ours, with baffling errors later; here it is named at once.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("models", "vectorstore", "rag", "ui")


class ShadowedError(ImportError):
    """Another module hides one of Mustanad's packages; the message names the file."""


def _place(spec: ModuleSpec | None) -> Path | None:
    """The file or folder that a module is loaded from, or None if it has neither."""
    if spec is None:
        return None
    if spec.origin and spec.origin not in ("built-in", "frozen", "namespace"):
        origin = Path(spec.origin)
        return origin.parent if origin.name.startswith("__init__.") else origin
    locations = list(spec.submodule_search_locations or ())
    return Path(locations[0]) if locations else None


def _found(room: str) -> Path | None:
    """Where Python would take ``room`` from, or has taken it from already."""
    loaded = sys.modules.get(room)
    if loaded is not None and getattr(loaded, "__file__", None):
        file = Path(loaded.__file__)
        return file.parent if file.name.startswith("__init__.") else file
    try:
        return _place(find_spec(room))
    except ValueError:  # in sys.modules without a spec
        return None


def refuse_shadows() -> None:
    """Raise ShadowedError if a room would be taken from anywhere but beside this package."""
    beside = Path(__file__).resolve().parent.parent
    for room in ROOMS:
        place = _found(room)
        if place is None:
            raise ShadowedError(
                f"Mustanad's package '{room}' is not installed. "
                f"Expected it at {beside / room}; install Mustanad again."
            )
        if place.resolve() != beside / room:
            raise ShadowedError(
                f"{place} is imported as '{room}' in place of Mustanad's own package "
                f"({beside / room}). Rename it, or run from another folder."
            )
