"""What the command line owes to a terminal or a pipe: clean stdout, UTF-8, errors in one line."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

EXIT_FAILED = 1
EXIT_SKIPPED = 3
EXIT_BELOW = 4
EXIT_INTERRUPTED = 130


def use_utf8() -> None:
    """Write UTF-8 whatever the locale says; a lone surrogate becomes an escape, not a crash.

    ``\\udc80`` is also what JSON calls such a character, so JSON stays valid.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def note(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    typer.echo(text, err=True)


@contextmanager
def guarded_stdout() -> Iterator[TextIO]:
    """Within it whatever a library prints goes to stderr; only the yielded stream is stdout.

    Native code writes to descriptor 1 past Python, so the descriptor itself is turned round when
    stdout is a real one.
    """
    genuine = sys.stdout
    try:
        descriptor = genuine.fileno()
    except (OSError, ValueError, AttributeError):  # captured, as in a test
        descriptor = -1
    if descriptor != 1:
        with redirect_stdout(sys.stderr):
            yield genuine
        return
    genuine.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            open(kept, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as out,
            redirect_stdout(sys.stderr),
        ):
            yield out
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def output(as_json: bool) -> Iterator[Callable[[Any, str], None]]:
    """Yields ``show(document, text)``: with ``--json`` the document alone reaches stdout."""
    if not as_json:
        yield lambda document, text: typer.echo(text)
        return
    with guarded_stdout() as stdout:

        def show(document: Any, text: str) -> None:
            stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
            stdout.flush()

        yield show


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the yielded event, so that the work ends where it can go on from later.

    Once the work has ended, or at a second Ctrl-C, KeyboardInterrupt is raised. For the main
    thread only, as signals are.
    """
    cancel = threading.Event()

    def on_interrupt(*_: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        note("\nStopping; press Ctrl-C again to stop at once.")

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancel
    except Exception as error:
        if cancel.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, previous)
    if cancel.is_set():
        raise KeyboardInterrupt


# Errors whose message is meant for the user, by the module that defines them. Looked up among the
# modules that are loaded: an error of another module cannot have been raised.
_EXPECTED = {
    "models.protocols": "ModelError",
    "mustanad.shadowing": "ShadowedError",
    "rag.evaluation.questions": "EvaluationError",
    "rag.settings": "SettingsError",
    "vectorstore.types": "StoreError",
}


def _expected_errors() -> tuple[type[BaseException], ...]:
    known = [getattr(sys.modules[m], name) for m, name in _EXPECTED.items() if m in sys.modules]
    return (OSError, *known)


class Commands(TyperGroup):
    """A group of commands that ends an expected error with one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            resume = RESUMING.get(ctx.invoked_subcommand or "", "Nothing was changed.")
            note(f"\nInterrupted. {resume}")
            raise typer.Exit(EXIT_INTERRUPTED) from interrupt
        except BrokenPipeError:  # the reader of our output left (… | head); Typer ends quietly
            raise
        except _expected_errors() as error:
            message = " ".join(str(error).split()) or type(error).__name__
            note(f"mustanad: {message}")
            raise typer.Exit(EXIT_FAILED) from error


RESUMING = {
    "ingest": "What was read is kept; the same command goes on from there.",
    "models": "What was fetched is kept; the same command goes on from there.",
    "eval": "With the same --out the same command goes on with the questions that are left.",
    "ui": "The page is closed.",
    "remove": "Run the same command again to finish.",
}
