"""Running a question set over an archive: resumable, in any order, the same each time."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.answer import Answer, Retrieved
from rag.assistant import Assistant
from rag.evaluation.aggregate import aggregate
from rag.evaluation.archive import (
    answering_code,
    articles_digest,
    build_archive,
    digest,
    model_names,
)
from rag.evaluation.excerpts import Mark, cut_excerpts
from rag.evaluation.gold import Gold, GoldFinder
from rag.evaluation.judge import Judge, average
from rag.evaluation.metrics import answer_verdicts, retrieval_verdicts
from rag.evaluation.questions import (
    EvaluationError,
    Paragraph,
    Question,
    is_squad,
    load_questions,
)
from rag.evaluation.report import write_report
from rag.settings import Settings, default_home, load_settings
from vectorstore.store import StoreError
from vectorstore.types import Article

SEARCH_DEPTH = 10  # spans of each kind that retrieval is judged by
SHOWN_EVIDENCE = 5  # found sentences highlighted in an item's excerpts
_SECRET = {"server_api_key"}

Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""


def evaluate(
    questions: Path,
    *,
    home: Path | None = None,
    archive: Sequence[Path] = (),
    out: Path | None = None,
    retrieval_only: bool = False,
    sample: int | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    judge: Judge | None = None,
    progress: Progress | None = None,
    assistant: Assistant | None = None,
) -> dict[str, Any]:
    """Run a question set and return the document of ``eval --json``.

    ``archive``: files or folders to ask instead of the home; a SQuAD file among them gives the
    paragraphs for SQuAD questions of another language. SQuAD questions without it ask their own
    file's paragraphs. ``out``: folder for items.jsonl, metrics.json and report.html; items of an
    earlier run there are kept where question, archive, models, settings and code are the same.
    ``assistant``: ask this one, which stays open, instead of opening one.

    Raises EvaluationError, and what the assistant raises (ModelError, StoreError).
    """
    progress = progress or _silent
    squads = [path for path in archive if is_squad(path)]
    if len(squads) > 1:
        raise EvaluationError(f"--archive takes one SQuAD file; found {len(squads)}.")
    loaded = load_questions(questions, *squads)
    chosen = _choose(loaded.questions, sample, seed)
    # A SQuAD file brings its paragraphs, unless the archive is given as other files.
    paragraphs = loaded.paragraphs if squads or not archive else ()
    files = [path for path in archive if path not in squads]
    with _opened(assistant, home, files, paragraphs, settings, progress) as asked:
        items = _run(asked, chosen, out, retrieval_only, progress)
        if judge is not None and not retrieval_only:
            for done, item in enumerate(items, start=1):
                item["judge"] = judge.grade(item)
                progress("judge", done, len(items))
        document = aggregate(items)
        if judge is not None and not retrieval_only:
            document["judge"] = average(item["judge"] for item in items)
        document["run"] = {
            "questions": questions.name,
            "sample": sample,
            "seed": seed if sample is not None else None,
            "articles": len(asked.articles()),
            "models": model_names(asked.settings, retrieval_only),
            "settings": asked.settings.model_dump(exclude=_SECRET),
            "code": answering_code()[:16],
        }
    if out is not None:
        progress("report", 0, 1)
        _write_lines(out / "items.jsonl", items)
        text = json.dumps(document, ensure_ascii=False, indent=2)
        _replace(out / "metrics.json", text + "\n")
        write_report(out / "report.html", document, items)
        progress("report", 1, 1)
    return {**document, "items": items}


def _choose(questions: Sequence[Question], sample: int | None, seed: int) -> tuple[Question, ...]:
    """All questions, or ``sample`` of them drawn by seed from the ids in order."""
    if sample is None:
        return tuple(questions)
    if sample < 1:
        raise EvaluationError(f"--sample {sample}: expected 1 or more.")
    ids = sorted(q.id for q in questions)
    drawn = set(random.Random(seed).sample(ids, min(sample, len(ids))))
    return tuple(q for q in questions if q.id in drawn)


@contextmanager
def _opened(
    assistant: Assistant | None,
    home: Path | None,
    files: Sequence[Path],
    paragraphs: Sequence[Paragraph],
    settings: Settings | None,
    progress: Progress,
) -> Iterator[Assistant]:
    if assistant is not None:
        yield assistant
        return
    if files or paragraphs:
        settings = settings or load_settings(home or default_home())
        opened = build_archive(files, paragraphs, settings, progress)
    else:
        opened = Assistant.open(home, settings, read_only=True)
    with opened:
        yield opened


def _run(
    assistant: Assistant,
    questions: Sequence[Question],
    out: Path | None,
    retrieval_only: bool,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The items of all questions, sorted by id; those done before are taken from ``out``."""
    summaries = assistant.articles()
    if not summaries:
        raise EvaluationError("the archive is empty; ingest articles or give --archive.")
    article = lru_cache(maxsize=4096)(assistant.article)
    finder = GoldFinder(summaries, article, assistant.store.copies)
    gold = {q.id: finder.find(q) for q in questions}
    common = [
        answering_code(),
        articles_digest(assistant),
        json.dumps(model_names(assistant.settings, retrieval_only), sort_keys=True),
        assistant.settings.model_dump_json(exclude=_SECRET),
        f"retrieval only: {retrieval_only}",
    ]
    prints = {q.id: digest([*common, json.dumps(q.to_dict(), sort_keys=True)]) for q in questions}
    items = _kept(out, prints)
    missing = [q for q in questions if q.id not in items]
    progress("questions", len(items), len(questions))
    if missing:
        _warm_up(assistant, missing[0], retrieval_only)
    with _appending(out, list(items.values())) as append:
        for question in missing:
            item = _ask(assistant, question, retrieval_only)
            item["fingerprint"] = prints[question.id]
            append(item)
            items[question.id] = item
            progress("questions", len(items), len(questions))
    by_id = {q.id: q for q in questions}
    return [_judged(items[i], by_id[i], gold[i], article) for i in sorted(items)]


def _warm_up(assistant: Assistant, question: Question, retrieval_only: bool) -> None:
    """Load what the run needs before the first time is taken."""
    if not retrieval_only:
        assistant.warm_up()
    assistant.search(question.question, k=1)


def _ask(assistant: Assistant, question: Question, retrieval_only: bool) -> dict[str, Any]:
    """Ask one question: what was answered and found, without any verdict."""
    item: dict[str, Any] = {"id": question.id, "lang": question.lang, "type": question.type}
    found: Retrieved | Answer
    if retrieval_only:
        found = assistant.search(question.question, k=SEARCH_DEPTH, history=question.history)
        item["answer"] = None
        item["timings"] = {"retrieve_ms": found.retrieve_ms}
    else:
        found = assistant.ask(question.question, history=question.history)
        item["answer"] = found.to_dict()
        item["timings"] = asdict(found.timings)
    span = ("article_id", "start", "end", "score")
    item["retrieval"] = {
        kind: [{key: getattr(one, key) for key in span} for one in spans[:SEARCH_DEPTH]]
        for kind, spans in (("evidence", found.evidence), ("passages", found.passages))
    }
    return item


def _judged(
    item: Mapping[str, Any],
    question: Question,
    gold: Sequence[Gold],
    article: Callable[[str], Article],
) -> dict[str, Any]:
    """An item with its question, gold, verdicts and excerpts: always by the present rules."""
    answer, retrieval = item["answer"], item["retrieval"]
    verdicts = retrieval_verdicts(gold, retrieval)
    cited = answer["citations"] if answer else []
    if answer:
        texts = {c["article_id"]: _text(article, c["article_id"]) for c in cited}
        sources = [
            _text(article, s["article_id"])[s["start"] : s["end"]]
            for s in (*retrieval["passages"], *retrieval["evidence"], *cited)
        ]
        verdicts |= answer_verdicts(question, gold, answer, sources, texts)
    marks = [Mark(p.article_id, p.start, p.end, "gold") for g in gold for p in g.places[:1]]
    marks += [Mark(c["article_id"], c["start"], c["end"], "cited") for c in cited]
    marks += [
        Mark(e["article_id"], e["start"], e["end"], "found")
        for e in retrieval["evidence"][:SHOWN_EVIDENCE]
    ]
    known = [mark for mark in marks if _text(article, mark.article_id)]
    judged = {
        **item,
        "question": question.question,
        "history": list(question.history),
        "answers": list(question.answers),
        "must_include": [list(group) for group in question.must_include],
        "note": question.note,
        "gold": [g.to_dict() for g in gold],
        "verdicts": verdicts,
        "excerpts": [e.to_dict() for e in cut_excerpts(known, article)],
    }
    return json.loads(json.dumps(judged))  # as it is read back from the disk, tuples as lists


def _text(article: Callable[[str], Article], article_id: str) -> str:
    """An article's text; "" for an id that the archive does not have, which is a finding."""
    try:
        return article(article_id).text
    except StoreError:
        return ""


def _kept(out: Path | None, prints: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Items of an earlier run that still hold, by id."""
    path = out / "items.jsonl" if out is not None else None
    if path is None or not path.exists():
        return {}
    items = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            item = json.loads(line)
        except json.JSONDecodeError:
            continue  # a line cut short when the run was interrupted, or the end of the file
        if prints.get(item.get("id")) == item.get("fingerprint"):
            items[item["id"]] = item
    return items


@contextmanager
def _appending(
    out: Path | None, kept: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Items go to disk as they are done, after the kept ones."""
    if out is None:
        yield lambda item: None
        return
    out.mkdir(parents=True, exist_ok=True)
    # Figures of an earlier run must not lie beside the items of this one.
    for stale in ("metrics.json", "report.html"):
        (out / stale).unlink(missing_ok=True)
    _write_lines(out / "items.jsonl", kept)
    with (out / "items.jsonl").open("a", encoding="utf-8") as file:

        def append(item: Mapping[str, Any]) -> None:
            file.write(json.dumps(item, ensure_ascii=False) + "\n")
            file.flush()

        yield append


def _write_lines(path: Path, items: Sequence[Mapping[str, Any]]) -> None:
    _replace(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
