"""The page: a chat over the archive, in the browser, served from this machine alone."""

from __future__ import annotations

import models  # noqa: F401  first of all: it turns usage reports off
from ui.errors import PageError
from ui.serve import serve

__all__ = ["PageError", "build_app", "serve"]


def __getattr__(name: str):
    # Gradio takes seconds to import: a port that is taken must be said before that.
    if name == "build_app":
        from ui.app import build_app

        return build_app
    raise AttributeError(f"module 'ui' has no attribute {name!r}")
