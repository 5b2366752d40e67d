"""Mustanad against the stock recipe: same weights, same threads, same evaluator, same run.

    MUSTANAD_SHARED=… python -m benchmarks.stock [--limit N] [--timed N] [--out DIR]

Every system runs in a process of its own, warm: it ingests the archive three times (the median
counts), answers the whole question set once (quality), and ``--timed`` questions of it twice
more (for these, the median of three counts as the latency). Memory is the peak of the proportional
set size of the process and its children, sampled twice a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

import models  # noqa: F401  first of all: it turns usage reports off
from models.fetch import installed_path
from models.llama_runtime import default_threads
from rag.evaluation import EvaluationError, evaluate
from rag.evaluation.conditions import figure, shown
from rag.settings import Settings

REPEATS = 3
SYSTEMS = {
    "mustanad": "Mustanad",
    "stock": "stock recipe",
    "chroma-default": "Chroma's default embedder",
}
QUALITY = (
    *("retrieval.hit@1", "retrieval.hit@3", "retrieval.mrr"),
    *("answers.pass", "by_lang.ar.answers.pass", "by_lang.en.answers.pass", "answers.token_f1"),
    *("answers.language_ok", "citations.precision", "citations.recall", "citations.resolvable"),
    *("abstention.declined_unanswerable", "abstention.false_decline", "abstention.auroc"),
)
COSTS = {  # name in the results: name and unit in the table; less is better
    "ingest_s": "ingest, s",
    "evidence_ms": "first evidence, ms",
    "first_token_ms": "first word, ms",
    "total_ms": "whole answer, ms",
    "peak_mb": "peak memory, MB",
}


# -- in the process of one system ------------------------------------------------------------------


def run_system(name: str, corpus: Path, questions: Path, timed: int) -> dict[str, Any]:
    """Ingest, evaluate and time one system; {"skipped": reason} if it cannot be had."""
    settings = Settings(threads=default_threads())
    with tempfile.TemporaryDirectory() as scratch:
        try:
            assistant, ingest_seconds = _prepared(name, settings, corpus, Path(scratch))
        except FileNotFoundError as error:
            return {"skipped": str(error)}
        answers = name != "chroma-default"
        metrics = evaluate(
            questions,
            assistant=assistant,
            retrieval_only=not answers,
            progress=lambda stage, done, total: _say(f"{name}: {stage} {done}/{total}"),
        )
        items = metrics.pop("items")
        # Spread over the set, so that both languages and all kinds of questions are among them.
        timed_items = items[:: max(1, len(items) // timed)][:timed]
        repeats = [timed_items]
        for turn in range(REPEATS - 1):
            _say(f"{name}: timing, turn {turn + 2} of {REPEATS}")
            repeats.append(_again(assistant, timed_items, answers))
        return {
            "metrics": metrics,
            "items": items,
            "ingest_s": statistics.median(ingest_seconds),
            **_latencies(repeats),
        }


def _prepared(
    name: str, settings: Settings, corpus: Path, scratch: Path
) -> tuple[Any, list[float]]:
    """A system over the archive, and how long each of three ingests into nothing took."""
    if name == "mustanad":
        return _mustanad(settings, corpus, scratch)
    from benchmarks.recipe import (
        ChromaDefaultEmbeddings,
        SentenceTransformersEmbeddings,
        StockAssistant,
        open_llama,
    )

    embeddings = (
        ChromaDefaultEmbeddings()
        if name == "chroma-default"
        else SentenceTransformersEmbeddings(installed_path(settings.embedder), settings.threads)
    )
    embeddings.embed_query("warm")
    gguf = installed_path(settings.language_model)
    seconds = []
    for turn in range(REPEATS):
        system = StockAssistant(settings, embeddings, lambda: open_llama(gguf, settings.threads))
        seconds.append(_timed(lambda: system.ingest([corpus], scratch / str(turn))))  # noqa: B023
        _say(f"{name}: ingest {turn + 1} of {REPEATS}, {seconds[-1]:.1f} s")
    return system, seconds


def _mustanad(settings: Settings, corpus: Path, scratch: Path) -> tuple[Any, list[float]]:
    from rag.assistant import Assistant

    seconds, assistant = [], None
    for turn in range(REPEATS):
        if assistant is not None:
            assistant.close()
        assistant = Assistant.open(scratch / str(turn), settings)
        # The embedder is loaded before the clock starts, as it is for the others.
        assistant.search("warm", k=1)
        seconds.append(_timed(lambda: assistant.ingest([corpus])))  # noqa: B023
        _say(f"mustanad: ingest {turn + 1} of {REPEATS}, {seconds[-1]:.1f} s")
    return assistant, seconds


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _again(
    assistant: Any, items: Sequence[Mapping[str, Any]], answers: bool
) -> list[dict[str, Any]]:
    """Questions once more, for their times alone."""
    again = []
    for item in items:
        if answers:
            timings = assistant.ask(item["question"], history=tuple(item["history"])).timings
            times = {
                "retrieve_ms": timings.retrieve_ms,
                "first_token_ms": timings.first_token_ms,
                "total_ms": timings.total_ms,
            }
        else:
            times = {"retrieve_ms": assistant.search(item["question"]).retrieve_ms}
        again.append({"id": item["id"], "timings": times})
    return again


def _latencies(repeats: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, float | None]:
    """For each time, the median over questions of each question's median over the repeats."""
    found: dict[str, float | None] = {}
    for name, key in (
        ("evidence_ms", "retrieve_ms"),
        ("first_token_ms", "first_token_ms"),
        ("total_ms", "total_ms"),
    ):
        by_question: dict[str, list[float]] = {}
        for repeat in repeats:
            for item in repeat:
                value = item["timings"].get(key)
                if value is not None:
                    by_question.setdefault(item["id"], []).append(value)
        medians = [statistics.median(values) for values in by_question.values()]
        found[name] = statistics.median(medians) if medians else None
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# -- in the process that compares ------------------------------------------------------------------


class _PeakMemory(threading.Thread):
    """Watches a process and its children until it ends; ``bytes`` is their peak together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self.bytes = 0

    def run(self) -> None:
        while self._root.is_running():
            try:
                if self._root.status() == psutil.STATUS_ZOMBIE:
                    return
                self.bytes = max(self.bytes, _memory(self._root))
            except psutil.NoSuchProcess:
                pass  # it, or a child of it, ended while it was looked at
            time.sleep(0.5)


def _memory(process: psutil.Process) -> int:
    """Bytes of a process and its children; what they share counts once where the system tells."""
    used = [p.memory_full_info() for p in [process, *process.children(recursive=True)]]
    return sum(getattr(memory, "pss", memory.uss) for memory in used)


def measure(name: str, corpus: Path, questions: Path, timed: int, out: Path) -> dict[str, Any]:
    """Run one system in a process of its own. Raises RuntimeError if it fails."""
    result = out / f"{name}.json"
    command = [sys.executable, "-m", "benchmarks.stock", "--system", name, "--corpus", str(corpus)]
    command += ["--questions", str(questions), "--timed", str(timed), "--result", str(result)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    watcher = _PeakMemory(process.pid)
    watcher.start()
    if process.wait() != 0:
        raise RuntimeError(f"{SYSTEMS[name]} failed with exit code {process.returncode}")
    watcher.join()
    found = json.loads(result.read_text(encoding="utf-8"))
    if "skipped" not in found:
        found["peak_mb"] = watcher.bytes / 1e6
    return found


def prepare() -> None:
    """Convert the embedder if this machine has not yet: once in its life, so not measured."""
    code = (
        "import tempfile; from rag.assistant import Assistant; from rag.settings import Settings\n"
        "with tempfile.TemporaryDirectory() as d, Assistant.open(d, Settings()) as a:\n"
        "    a.search('warm', k=1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One table: a row a figure, a column a system, and Mustanad's ratio to the stock recipe."""
    names = [n for n in SYSTEMS if n in results and "skipped" not in results[n]]
    lines = ["| figure | " + " | ".join(SYSTEMS[n] for n in names) + " | Mustanad / stock |"]
    lines.append("| --- |" + " ---: |" * (len(names) + 1))
    rows: list[tuple[str, dict[str, float | None]]] = [
        (name, {n: _quality(results[n]["metrics"], name) for n in names}) for name in QUALITY
    ]
    rows += [(label, {n: results[n].get(key) for n in names}) for key, label in COSTS.items()]
    for label, values in rows:
        ours, theirs = values.get("mustanad"), values.get("stock")
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else "–"
        cells = " | ".join(shown(values[n]) for n in names)
        lines.append(f"| {label} | {cells} | {ratio} |")
    lines += [
        f"\n{SYSTEMS[n]}: skipped: {results[n]['skipped']}"
        for n in results
        if "skipped" in results[n]
    ]
    return "\n".join(lines)


def _quality(metrics: Mapping[str, Any], name: str) -> float | None:
    """A figure; None too where a limited set has no question of the group."""
    try:
        return figure(metrics, name)
    except EvaluationError:
        return None


def machine() -> str:
    """The machine in a line."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass  # not Linux: the name above must do
    memory = psutil.virtual_memory().total / 2**30
    return f"{processor}, {default_threads()} threads, {memory:.0f} GiB"


def _limited(questions: Path, limit: int | None, out: Path) -> Path:
    """The question set, or a copy of its first lines."""
    if limit is None:
        return questions
    lines = [x for x in questions.read_text(encoding="utf-8").splitlines() if x.strip()]
    copy = out / questions.name
    copy.write_text("\n".join(lines[:limit]) + "\n", encoding="utf-8")
    return copy


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stock", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="archive (default: $MUSTANAD_SHARED/corpus)")
    parser.add_argument("--questions", type=Path, help="default: …/questions/dev.jsonl")
    parser.add_argument("--limit", type=int, help="only the first N questions")
    parser.add_argument("--timed", type=int, default=8, help="questions that are timed three times")
    parser.add_argument("--out", type=Path, help="folder for the results as JSON")
    parser.add_argument("--only", choices=SYSTEMS, action="append", help="only these systems")
    parser.add_argument("--system", choices=SYSTEMS, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    shared = os.environ.get("MUSTANAD_SHARED")
    if not shared and (given.corpus is None or given.questions is None):
        parser.error("set MUSTANAD_SHARED, or give --corpus and --questions")
    corpus = given.corpus or Path(shared, "corpus")
    questions = given.questions or Path(shared, "questions", "dev.jsonl")
    if given.system:
        try:
            found = run_system(given.system, corpus, questions, given.timed)
        except EvaluationError as error:
            _say(str(error))
            return 1
        given.result.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        chosen = _limited(questions, given.limit, out)
        prepare()
        results = {
            name: measure(name, corpus, chosen, given.timed, out) for name in given.only or SYSTEMS
        }
    print(f"{machine()}; {questions.name}, {_count(results)} questions over {corpus.name}\n")
    print(table(results))
    return 0


def _count(results: Mapping[str, Mapping[str, Any]]) -> int:
    return max((r["metrics"]["n"] for r in results.values() if "metrics" in r), default=0)


if __name__ == "__main__":
    sys.exit(main())
