"""How well and how fast the archive is searched, beside the parts that any stock system has.

    MUSTANAD_SHARED=… python -m benchmarks.retrieval [--limit N] [--home DIR] [--news] [--tune]

Without options: XQuAD's dev half (Arabic and English questions over the Arabic paragraphs) and
``questions/dev.jsonl`` over ``corpus``. The parts are computed in the same run, from the vectors
and the keyword index of the same archive: cosine, BM25, and both added, each scaled to 0..1 over
the archive. A sentence's score there is its own plus 0.7 of its passage's.

``--home DIR``: also how long a search takes in that archive and in its first 500 articles.
``--news``: ingests $MUSTANAD_SHARED/news into that home, or a temporary one, first: about an hour
on two cores, so it is off by default. ``--tune``: instead of all this, tries other
``rag.retrieval.Weights`` on XQuAD's dev half and on the made-up news in ``made_up``, one after
another. Everything is embedded once: the archives are kept in the cache folder, and questions in
memory while it runs.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

import models  # noqa: F401  first of all: it turns usage reports off
from benchmarks.parts import Parts, Remembering
from models.protocols import ModelError
from rag.assistant import Assistant
from rag.evaluation import EvaluationError, Question, evaluate, load_questions
from rag.evaluation.aggregate import mean_of, quantile_of
from rag.evaluation.archive import build_archive
from rag.evaluation.conditions import figure, shown
from rag.evaluation.gold import Gold, GoldFinder
from rag.evaluation.metrics import hit_at, retrieval_verdicts
from rag.evaluation.questions import Paragraph
from rag.evaluation.runner import SEARCH_DEPTH
from rag.names import Glossary
from rag.retrieval import Retriever, Weights
from rag.settings import Settings
from vectorstore.store import Store
from vectorstore.types import StoreError

LANGUAGES = {"ar": "Arabic", "en": "English"}
PASSAGES_AT, SENTENCES_AT = (1, 3, 5), (1, 3, 5, 8)
FACTORS = (0.0, 0.5, 0.75, 1.25, 1.5, 2.0)  # that --tune tries on each weight
UNTOLD = ("outlet", "date")  # weights of which articles without either tell nothing
SMALL = 500  # articles; what a search there costs is compared with a search of them all
SAMPLES = Path(__file__).resolve().parent.parent / "examples" / "questions.jsonl"
MADE_UP = Path(__file__).resolve().parent / "made_up"

Search = Callable[[str], Mapping]  # a question to {"passages": [span…], "evidence": [span…]}
Asked = Sequence[tuple[Question, Sequence[Gold]]]
Archive = tuple[Store, Retriever, Remembering, dict[str, Asked]]


# -- questions with gold ---------------------------------------------------------------------------


@contextmanager
def asked_of(
    paths: Sequence[Path],
    paragraphs: Sequence[Paragraph],
    sets: Mapping[str, Sequence[Question]],
    limit: int | None,
) -> Iterator[Archive]:
    """Files and paragraphs as an archive, and the answerable questions of each set with their
    gold."""
    settings = Settings()
    with tqdm(desc="archive") as bar:

        def progress(stage: str, done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        assistant = build_archive(paths, paragraphs, settings, progress)
    with assistant:
        store, embedder = assistant.store, Remembering(assistant._checked_embedder())
        retriever = Retriever(store, lambda: embedder, Glossary(settings.names))
        finder = GoldFinder(store.summaries(), assistant.article, store.copies)
        asked = {
            name: [(q, finder.find(q)) for q in _spread(_answerable(questions), limit)]
            for name, questions in sets.items()
        }
        yield store, retriever, embedder, asked


def xquad(folder: Path, limit: int | None) -> AbstractContextManager[Archive]:
    """``asked_of`` XQuAD's Arabic paragraphs, the questions of each language."""
    archive = folder / "dev.ar.json"
    sets = {lang: load_questions(folder / f"dev.{lang}.json", archive) for lang in LANGUAGES}
    questions = {lang: read.questions for lang, read in sets.items()}
    return asked_of([], sets["ar"].paragraphs, questions, limit)


def made_up(limit: int | None) -> AbstractContextManager[Archive]:
    """``asked_of`` the made-up news, the questions of each language."""
    questions = load_questions(MADE_UP / "questions.jsonl").questions
    by_lang = {lang: [q for q in questions if q.lang == lang] for lang in LANGUAGES}
    return asked_of([MADE_UP / "articles"], (), by_lang, limit)


def _answerable(questions: Sequence[Question]) -> Sequence[Question]:
    return [q for q in questions if q.answerable]


def _spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """At most ``limit`` of them, from all over the set."""
    return questions[:: max(1, len(questions) // limit)][:limit] if limit else questions


def product(retriever: Retriever) -> Search:
    """The product's search, in the form in which all are judged."""
    return lambda question: retriever.retrieve(
        question, passages=SEARCH_DEPTH, evidence=SEARCH_DEPTH
    ).to_dict()


def hits(verdicts: Sequence[Mapping]) -> list[float | None]:
    """Shares of questions: gold paragraph in the first 1, 3, 5; gold sentence in 1, 3, 5, 8."""
    places = [("passage_ranks", k) for k in PASSAGES_AT] + [
        ("evidence_ranks", k) for k in SENTENCES_AT
    ]
    return [mean_of(hit_at(v[key], k) for v in verdicts).value() for key, k in places]


def bench_xquad(folder: Path, limit: int | None) -> None:
    rows = []
    with xquad(folder, limit) as (store, retriever, embedder, asked):
        parts, ours = Parts(store, retriever, embedder), product(retriever)
        for lang, questions in asked.items():
            verdicts: dict[str, list[Mapping]] = {}
            for question, gold in tqdm(questions, desc=f"questions, {lang}"):
                for name, found in (
                    *parts.rank(question.question).items(),
                    ("Mustanad", ours(question.question)),
                ):
                    verdicts.setdefault(name, []).append(retrieval_verdicts(gold, found))
            rows += [[LANGUAGES[lang], n, *map(shown, hits(v))] for n, v in verdicts.items()]
        counts = ", ".join(f"{len(q)} {LANGUAGES[lang]}" for lang, q in asked.items())
        print(f"XQuAD: {counts} questions over {store.status()['articles']} Arabic paragraphs\n")
    heads = [f"paragraph hit@{k}" for k in PASSAGES_AT] + [
        f"sentence top {k}" for k in SENTENCES_AT
    ]
    print(table(["questions", "search", *heads], rows))


def tune(folder: Path, limit: int | None) -> None:
    """Each weight in turn times FACTORS; the best mean of hit@1 and sentence top 1 is kept."""

    def row(weights: Weights) -> list[float]:
        firsts = []
        for retriever, asked in searched:
            retriever.weights = weights
            search = product(retriever)
            for chosen in asked.values():
                found = hits([retrieval_verdicts(gold, search(q.question)) for q, gold in chosen])
                firsts += [found[0], found[len(PASSAGES_AT)]]
        return [float(np.mean(firsts)), *firsts]

    names = [field.name for field in fields(Weights) if field.name not in UNTOLD]
    with xquad(folder, limit) as (_, first, _, asked), made_up(limit) as (_, second, _, news):
        searched = [(first, asked), (second, news)]
        best = first.weights
        top = row(best)
        rows = [["as they are", *map(shown, top)]]
        with tqdm(desc="weights", total=len(names) * len(FACTORS)) as bar:
            for name in names:
                start = best
                for factor in FACTORS:
                    tried = replace(start, **{name: round(getattr(start, name) * factor, 4)})
                    found = row(tried)
                    rows.append([f"{name} {getattr(tried, name):g}", *map(shown, found)])
                    if found[0] > top[0]:
                        best, top = tried, found
                    bar.update()
    heads = [
        f"{what}, {archive}{lang}"
        for archive in ("", "made up, ")
        for lang in LANGUAGES
        for what in ("hit@1", "sentence top 1")
    ]
    print(table(["weights", "mean", *heads], rows), f"\nbest: {best}")


# -- the sample questions, the time of a search, ingest --------------------------------------------


def bench_corpus(shared: Path, limit: int | None) -> None:
    path = shared / "questions" / "dev.jsonl"
    metrics = evaluate(
        path, archive=[shared / "corpus"], retrieval_only=True, sample=limit, settings=Settings()
    )
    rows = [
        [name, *(shown(figure(found, f"evidence.{f}")) for f in ("hit@5", "recall@8"))]
        for name, found in (("all", metrics), *metrics["by_lang"].items())
    ]
    print(f"\n{path.name} over corpus: {metrics['evidence']['n']} questions with gold\n")
    print(table(["questions", "evidence hit@5", "recall@8"], rows))


def bench_latency(home: Path, shared: Path | None) -> None:
    """From question to evidence sentences, model and vectors warm, one question after another."""
    sets = [SAMPLES, *([shared / "questions" / "dev.jsonl"] if shared else [])]
    questions = [q.question for path in sets for q in load_questions(path).questions]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        small = Path(scratch) / "small"
        with Assistant.open(home) as assistant:
            rows.append(_latency(assistant, questions))
            if len(assistant.articles()) > SMALL:
                shutil.copytree(home, small)  # nobody writes: we hold its lock
        if small.exists():
            with Assistant.open(small) as assistant:
                # Removing costs seconds where embedding these articles again would cost minutes.
                assistant.remove([a.article_id for a in assistant.articles()[SMALL:]])
                rows.append(_latency(assistant, questions))
    print(f"\nsearch, question to evidence sentences, warm, {len(questions)} questions\n")
    print(table(["articles", "passages", "p50 ms", "p95 ms"], rows))


def _latency(assistant: Assistant, questions: Sequence[str]) -> list[str]:
    for question in questions[:3]:
        assistant.search(question)
    times = [assistant.search(q).retrieve_ms for q in questions]
    status = assistant.store.status()
    return [
        *(f"{status[name]:,}" for name in ("articles", "passages")),
        *(f"{quantile_of(times, q).value():.0f}" for q in (0.5, 0.95)),
    ]


def bench_news(news: Path, home: Path) -> None:
    """Ingest, twice: in a process that has done nothing else, for the memory's sake."""
    print("\n| ingest of news | articles | texts embedded | s | peak memory MB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in ("first", "again, unchanged"):
        with Assistant.open(home) as assistant, tqdm(desc=name) as bar:

            def progress(event, bar=bar) -> None:
                bar.desc, bar.total = event.phase, event.total
                bar.update(event.done - bar.n)

            started = time.perf_counter()
            report = assistant.ingest([news], progress=progress)
            seconds = time.perf_counter() - started
            status = assistant.status()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(
            f"| {name} | {report.added + report.updated + report.unchanged:,} | "
            f"{report.embedded_texts:,} | {seconds:,.1f} | {peak:,.0f} |",
            flush=True,
        )
    print(
        f"\n{status['bytes'] / status['articles'] / 1e3:,.1f} kB on disk an article, all included; "
        f"{status['copies']:,} articles tell the same story as another, or nearly"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, figures to the right."""
    rules = ["---"] + ["---:" if "search" != head else "---" for head in heads[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *rows))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--limit", type=int, help="questions of each set (all)")
    parser.add_argument("--home", type=Path, help="archive in which searches are timed")
    parser.add_argument("--news", action="store_true", help="ingest the news first: about an hour")
    parser.add_argument("--tune", action="store_true", help="try other weights, print no tables")
    given = parser.parse_args(arguments)
    named = os.environ.get("MUSTANAD_SHARED")
    shared = Path(named) if named and Path(named).is_dir() else None
    if shared is None:
        print(
            "!!! XQuAD, corpus and news NOT RUN: MUSTANAD_SHARED does not point at the shared "
            f"evaluation data (it is {named!r}) !!!"
        )
    try:
        with ExitStack() as stack:
            home = given.home
            if shared and given.tune:
                tune(shared / "xquad", given.limit)
                return 0
            if shared and given.news:
                home = home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
                bench_news(shared / "news", home)
            if home:
                bench_latency(home, shared)
            if shared:
                bench_xquad(shared / "xquad", given.limit)
                bench_corpus(shared, given.limit)
    except (EvaluationError, ModelError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
