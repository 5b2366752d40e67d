"""``mustanad eval``: how good the answers are over a question set, and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mustanad.options import Json
from mustanad.progress import bars
from mustanad.terminal import EXIT_BELOW, note, output


def evaluate_command(
    ctx: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="QUESTIONS",
            exists=True,
            dir_okay=False,
            help="A question set (JSON Lines), or a file in SQuAD's format.",
        ),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            exists=True,
            help="Articles to ask about, in an archive of their own that is built once; may be "
            "given several times. Without it: the data folder's archive.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Where items, metrics and the report go; an interrupted run goes on from there.",
        ),
    ] = None,
    retrieval_only: Annotated[
        bool, typer.Option("--retrieval-only", help="Only retrieval; no language model.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only N questions, drawn by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of --sample.")] = 0,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=VALUE",
            help="Exit with 4 if a metric is lower, e.g. answers.pass=0.8; may be repeated.",
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="A B", help="Two --out folders: what got better and worse from A to B."
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Also let a model on an OpenAI-compatible server grade the answers; its grades "
            "are kept apart from the metrics. Article text goes to that server.",
        ),
    ] = None,
    judge_model: Annotated[
        str, typer.Option(metavar="NAME", help="The model to ask that server for.")
    ] = "",
    judge_key: Annotated[
        str,
        typer.Option(metavar="KEY", envvar="MUSTANAD_JUDGE_KEY", help="Its key, if it wants one."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Score the answers to a question set, or compare two such runs."""
    if (questions is None) == (compare is None):
        raise typer.BadParameter("give either a question set or --compare A B")
    if questions is None:
        _compare(compare, out, as_json)
        return

    from mustanad import default_home, load_settings
    from rag.evaluation import evaluate, parse_condition, summarise, unmet

    for condition in fail_under or ():  # a misspelt one is refused before hours are spent
        parse_condition(condition)
    home = ctx.obj or default_home()
    settings = load_settings(home)
    grader = None
    if judge is not None:
        from rag.evaluation.judge import Judge

        grader = Judge.open(
            judge, judge_model, api_key=judge_key, allow_remote=settings.allow_remote_model
        )
    with output(as_json) as show, bars() as shown:
        metrics = evaluate(
            questions,
            home=home,
            archive=tuple(archive or ()),
            out=out,
            retrieval_only=retrieval_only,
            sample=sample,
            seed=seed,
            settings=settings,
            judge=grader,
            progress=shown.show,
        )
        shown.close()
        show(metrics, summarise(metrics))
    missed = unmet(metrics, fail_under or ())
    for line in missed:
        note(f"mustanad: {line}")
    if missed:
        raise typer.Exit(EXIT_BELOW)


def _compare(folders: tuple[Path, Path], out: Path | None, as_json: bool) -> None:
    from rag.evaluation import compare, summarise_comparison

    with output(as_json) as show:
        page = None
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            page = out / "comparison.html"
        comparison = compare(*folders, out=page)
        show(comparison, summarise_comparison(comparison))
