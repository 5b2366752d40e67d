"""The one error of this room."""

from __future__ import annotations


class PageError(OSError):
    """The page cannot be served as asked; the message says why and what to do."""
