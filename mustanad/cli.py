"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some files skipped, 4 below.

A decline is an answer and ends with 0. Rooms are imported inside the commands, so that
``mustanad --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mustanad import __version__, render
from mustanad.cli_eval import evaluate_command
from mustanad.cli_models import models_app
from mustanad.lookup import article_ids
from mustanad.options import (
    ArticleLanguage,
    DateFrom,
    DateTo,
    Json,
    Question,
    Sources,
    make_filters,
    read_history,
)
from mustanad.progress import announce_once, bars, ingest_progress
from mustanad.shadowing import ShadowedError, refuse_shadows
from mustanad.terminal import (
    EXIT_FAILED,
    EXIT_SKIPPED,
    Commands,
    cancel_on_interrupt,
    note,
    output,
    use_utf8,
)

if TYPE_CHECKING:
    from rag.answer import Answer
    from rag.assistant import Assistant
    from vectorstore.types import Filters

app = typer.Typer(
    name="mustanad",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Ask your own archive of news articles, in Arabic or English, on your own machine. "
    "Every sentence of an answer cites the exact words it rests on.",
)
app.add_typer(models_app, name="models")


class AnswerLanguage(StrEnum):
    """``--lang``: auto is the language of the question."""

    auto = "auto"
    ar = "ar"
    en = "en"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mustanad {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="DIR",
            envvar="MUSTANAD_HOME",
            file_okay=False,
            help="Data folder. Default: the platform's user data folder.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None:
    """Keep the data folder for the command that follows."""
    ctx.obj = home


def open_assistant(home: Path | None, *, read_only: bool) -> Assistant:
    """The assistant over a data folder; the one place where commands get it (tests replace it)."""
    from mustanad import Assistant

    return Assistant.open(home, read_only=read_only)


@contextmanager
def _assistant(ctx: typer.Context, *, read_only: bool = True) -> Iterator[Assistant]:
    with open_assistant(ctx.obj, read_only=read_only) as assistant:
        assistant.on_preparing(announce_once())
        yield assistant


@app.command()
def ingest(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", exists=True, help="Files, or folders with all in them."),
    ],
    as_json: Json = False,
) -> None:
    """Take articles into the archive: new, changed and moved files; the rest is left alone."""
    with (
        output(as_json) as show,
        _assistant(ctx, read_only=False) as assistant,
        bars() as shown,
    ):
        with cancel_on_interrupt() as cancel:
            report = assistant.ingest(paths, progress=ingest_progress(shown), cancel=cancel)
        shown.close()
        document = report.to_dict()
        show(document, render.ingest_text(document))
    if document["skipped"]:
        raise typer.Exit(EXIT_SKIPPED)


@app.command()
def remove(
    ctx: typer.Context,
    articles: Annotated[
        list[str],
        typer.Argument(
            metavar="ARTICLE",
            help="Ids, beginnings of ids that mean one article, or files (all articles of a file).",
        ),
    ],
) -> None:
    """Forget articles: their text, vectors and index entries. Your files are not touched."""
    with _assistant(ctx, read_only=False) as assistant:
        ids = [i for name in articles for i in article_ids(assistant, name, whole_files=True)]
        removed = assistant.remove(list(dict.fromkeys(ids)))
    typer.echo(f"{len(removed)} articles removed: {', '.join(removed)}")


@app.command()
def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Counts, sizes, versions, and the models in use."""
    with output(as_json) as show, _assistant(ctx) as assistant:
        document = assistant.status()
        show(document, render.status_text(document))


@app.command()
def articles(
    ctx: typer.Context,
    sources: Sources = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    article_language: ArticleLanguage = None,
    as_json: Json = False,
) -> None:
    """List the articles, newest first."""
    from dataclasses import asdict

    filters = make_filters(sources, date_from, date_to, article_language)
    with output(as_json) as show, _assistant(ctx) as assistant:
        summaries = assistant.articles(filters)
        document = {"articles": [asdict(s) for s in summaries]}
        show(document, render.articles_text(summaries))


@app.command("show")
def show_article(
    ctx: typer.Context,
    article: Annotated[
        str,
        typer.Argument(
            metavar="ARTICLE", help="An article's id, the beginning of one, or its file's name."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Print an article: what quotes and offsets refer to."""
    with output(as_json) as show, _assistant(ctx) as assistant:
        [article_id] = article_ids(assistant, article)
        found = assistant.article(article_id)
        keys = ("title", "source", "author", "date", "date_kind", "url", "path", "language", "text")
        document = {"article_id": article_id, **{key: getattr(found, key) for key in keys}}
        show(document, render.article_text(article_id, found))


@app.command()
def search(
    ctx: typer.Context,
    question: Question,
    k: Annotated[
        int, typer.Option("-k", metavar="N", min=1, max=100, help="How many sentences.")
    ] = 5,
    sources: Sources = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    article_language: ArticleLanguage = None,
    as_json: Json = False,
) -> None:
    """Find the sentences that a question is about, best first; no language model is used."""
    filters = make_filters(sources, date_from, date_to, article_language)
    with output(as_json) as show, _assistant(ctx) as assistant:
        retrieved = assistant.search(question, k=k, filters=filters)
        _tell_undated(retrieved.dropped_undated)
        show(retrieved.to_dict(), render.search_text(retrieved))


@app.command()
def ask(
    ctx: typer.Context,
    question: Question,
    language: Annotated[
        AnswerLanguage,
        typer.Option(
            "--lang", metavar="auto|ar|en", help="Language of the answer; auto: the question's."
        ),
    ] = AnswerLanguage.auto,
    sources: Sources = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    article_language: ArticleLanguage = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            exists=True,
            dir_okay=False,
            help='Earlier turns: [{"role": "user", "content": "…"}, …].',
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the archive, with citations, or say that it does not know."""
    filters = make_filters(sources, date_from, date_to, article_language)
    turns = read_history(history)
    with output(as_json) as show, _assistant(ctx) as assistant:
        answer = _answer(assistant, question, language.value, filters, turns)
        show(answer.to_dict(), render.answer_text(answer))


def _answer(
    assistant: Assistant,
    question: str,
    language: str,
    filters: Filters,
    history: list[dict[str, str]],
) -> Answer:
    """Ask, telling a person who watches how far it is. Ctrl-C stops the model first."""
    from rich.console import Console

    from rag.answer import AnswerReady, EvidenceFound

    with (
        cancel_on_interrupt() as cancel,
        Console(stderr=True).status("Searching the archive …") as shown,
    ):
        for event in assistant.stream(
            question, language=language, filters=filters, history=history, cancel=cancel
        ):
            if isinstance(event, EvidenceFound):
                count = len(event.retrieved.evidence)
                shown.update(f"{count} sentences found; reading and writing …")
                _tell_undated(event.retrieved.dropped_undated)
            elif isinstance(event, AnswerReady):
                return event.answer
    raise AssertionError("a stream ends with AnswerReady")


def _tell_undated(count: int) -> None:
    if count:
        note(f"{count} articles without a date were left out by the date filter.")


@app.command()
def ui(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to serve on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(metavar="PORT", min=0, max=65535, help="Port to serve on; 0: a free one."),
    ] = 7860,
    demo: Annotated[
        bool, typer.Option("--demo", help="Open the sample archive, in a data folder of its own.")
    ] = False,
) -> None:
    """Open the chat page in the browser's address that is printed; Ctrl-C closes it."""
    from mustanad import default_home, load_settings
    from ui.serve import serve

    home = ctx.obj or default_home()
    serve(home, load_settings(home), host=host, port=port, demo=demo)


app.command("eval")(evaluate_command)


def main() -> None:
    """The ``mustanad`` command."""
    use_utf8()
    try:
        refuse_shadows()
    except ShadowedError as error:
        note(f"mustanad: {error}")
        sys.exit(EXIT_FAILED)
    app()
