"""How good an archive's answers are, and what changed between two runs.

    evaluate(questions, *, home=None, archive=(), out=None, retrieval_only=False, sample=None,
             seed=0, settings=None, judge=None, progress=None, assistant=None) -> dict
        Runs a question set (JSON Lines or SQuAD) and returns the document that
        ``mustanad eval --json`` prints. With ``out`` it also writes ``items.jsonl`` (an item a
        line, appended as it is done: an interrupted run resumes), ``metrics.json`` and
        ``report.html``. ``progress(stage, done, total)`` is called with stage "archive",
        "questions", "judge" or "report".
    compare(a, b, *, out=None) -> dict
        Two output folders item by item, with paired significance tests; with ``out`` (a file)
        also as HTML.
    parse_condition("answers.pass=0.8") -> (name, value)     for --fail-under; EvaluationError
    unmet(metrics, ["answers.pass=0.8", …]) -> list[str]      a line for every condition not met
    summarise(metrics) -> str                                 a table for the terminal
    summarise_comparison(comparison) -> str                   the same for ``compare``

All raise EvaluationError, whose message is one clear line, on a bad question set or output folder.
"""

from __future__ import annotations

from rag.evaluation.compare import compare, summarise_comparison
from rag.evaluation.conditions import parse_condition, summarise, unmet
from rag.evaluation.questions import EvaluationError, Question, load_questions
from rag.evaluation.runner import evaluate

__all__ = [
    "EvaluationError",
    "Question",
    "compare",
    "evaluate",
    "load_questions",
    "parse_condition",
    "summarise",
    "summarise_comparison",
    "unmet",
]
