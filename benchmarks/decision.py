"""Fit the decision to answer or decline, and say how well it tells the two apart.

    python -m benchmarks.decision QUESTIONS ARCHIVE [--sample N] [--model-sample M] [--write]

Every question (a SQuAD file; several with commas) is asked three times of ARCHIVE (a SQuAD file
whose paragraphs are the articles): as it is; with its own paragraph left out, so that the archive
holds near paragraphs, often of the same story, but no answer; and with its own paragraph put in
without the sentence that answers, which is as near as can be. Logistic regressions are fitted on
these: one on the signals of retrieval, and for each language of the questions one on its log odds
and the language model's own doubt (``rag.generation.Writer.doubt``), with ``--model-sample``
questions of each file, since the model takes seconds for each. AUROC is out of fold, five folds by
question. ``--write`` puts the coefficients into ``rag/data/decision.json``, under the names of the
models. The first threshold is the probability at which 2 % of the answerable are declined, or 0.5 %
where the model is asked next, the second one follows from UNANSWERABLE and WORSE.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

import rag
from rag.assistant import Assistant
from rag.decision import DOUBT, FOUND, doubt_key, log_odds
from rag.evaluation.archive import build_archive
from rag.evaluation.questions import Paragraph, Question, load_questions
from rag.settings import Settings
from vectorstore.types import Filters

SIGNALS = tuple(
    "sentence passage late unmet unmet_whole margin coverage crossed crossed_coverage expected "
    "names".split()
)
FALSE_DECLINES = 0.02  # of the answerable: to be sent away wrongly is worse than a near answer
BEFORE_DOUBT = 0.005  # the same where the model is asked next: what it can judge is left to it
# Questions without an answer among those that people ask, as in the two question sets over news
# that were at hand (11 of 95), and how much worse it is to answer one of them than to decline one
# that has an answer: a guess. The fits weigh both sides alike; the threshold follows from the two.
# All of this was settled with those questions in view, where thresholds from the fit alone declined
# too much: declines measured on them are no independent test.
UNANSWERABLE = 1 / 9
WORSE = 2
FOLDS = 5
KINDS = ("own", "other", "without")  # of archive that a question is asked of


@dataclass(frozen=True)
class Row:
    """A question asked of one kind of archive; ``doubt`` where the model was asked."""

    language: str
    group: int
    kind: str
    signals: tuple[float, ...]
    doubt: float | None


def near_miss(question: Question) -> Paragraph:
    """The question's paragraph without the sentence that answers."""
    p = question.paragraph
    return Paragraph(None, f"{p.text[: p.start]}{p.text[p.end :]}".strip())


def collect(
    assistant: Assistant, questions: Sequence[Question], misses: Sequence[Paragraph], asked: int
) -> list[Row]:
    """Three rows a question; the model is asked about the first ``asked`` of each language."""
    ids = {assistant.article(a.article_id).text: a.article_id for a in assistant.articles()}
    extra = {ids[m.text] for m in misses}
    rows, seen = [], dict.fromkeys({q.lang for q in questions}, 0)
    for group, (q, miss) in enumerate(
        zip(tqdm(questions, desc="questions", unit="question"), misses, strict=True)
    ):
        seen[q.lang] += 1
        own = ids[q.paragraph.text]
        others = [i for i in ids.values() if i not in extra and i != own]
        archives = ([*others, own], others, [*others, ids[miss.text]])
        for kind, articles in zip(KINDS, archives, strict=True):
            filters = Filters(article_ids=tuple(articles))
            found = assistant.search(q.question, 10, filters)
            doubt = None
            if seen[q.lang] <= asked:
                doubt = assistant._answerer.doubt(q.question, found)
            values = tuple(found.signals.get(name, 0.0) for name in SIGNALS)
            rows.append(Row(q.lang, group, kind, values, doubt))
    return rows


def fit(
    values: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    names: Sequence[str],
    declines: float,
) -> tuple[dict, np.ndarray]:
    """Coefficients on the raw values with their threshold, and out-of-fold probabilities."""
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    held_out = cross_val_predict(
        model, values, labels, groups=groups, cv=GroupKFold(FOLDS), method="predict_proba"
    )[:, 1]
    model.fit(values, labels)
    scale, regression = model[0], model[1]
    weights = regression.coef_[0] / scale.scale_
    intercept = float(regression.intercept_[0] - weights @ scale.mean_)
    row = {
        "intercept": round(intercept, 4),
        "weights": {n: round(float(w), 4) for n, w in zip(names, weights, strict=True)},
        "threshold": round(float(np.quantile(held_out[labels == 1], declines)), 4),
    }
    return row, held_out


def report(rows: Sequence[Row], probabilities: np.ndarray, threshold: float) -> None:
    """Print AUROC and shares declined, by language and kind of archive."""
    for language in sorted({r.language for r in rows}):
        of = {
            kind: probabilities[[r.language == language and r.kind == kind for r in rows]]
            for kind in KINDS
        }
        for kind in KINDS[1:]:
            both = np.concatenate([of["own"], of[kind]])
            labels = [1] * len(of["own"]) + [0] * len(of[kind])
            print(
                f"{language}: AUROC against {kind:8} {roc_auc_score(labels, both):.3f}, declined "
                f"{(of[kind] < threshold).mean():.3f} (n = {len(of[kind])})"
            )
        print(f"{language}: answerable declined {(of['own'] < threshold).mean():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("questions", help="SQuAD files, comma-separated")
    parser.add_argument("archive", type=Path, help="SQuAD file with the paragraphs")
    parser.add_argument("--sample", type=int, default=300, help="questions of each file")
    parser.add_argument("--model-sample", type=int, default=60, help="of these, for the model")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    chosen: list[Question] = []
    paragraphs: tuple[Paragraph, ...] = ()
    for name in arguments.questions.split(","):
        read = load_questions(Path(name), arguments.archive)
        paragraphs = read.paragraphs
        # A paragraph of one sentence has nothing left without it.
        usable = [q for q in read.questions if q.paragraph is not None and near_miss(q).text]
        chosen += random.Random(0).sample(usable, min(arguments.sample, len(usable)))
    misses = [near_miss(q) for q in chosen]
    settings = Settings()
    bar = tqdm(desc="archive", unit="article")

    def progress(stage: str, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    everything = list(dict.fromkeys([*paragraphs, *misses]))
    with build_archive([], everything, settings, progress) as assistant:
        bar.close()
        rows = collect(assistant, chosen, misses, arguments.model_sample)
    labels = np.array([int(r.kind == "own") for r in rows])
    groups = np.array([r.group for r in rows])
    values = np.array([r.signals for r in rows])
    asked = np.array([r.doubt is not None for r in rows])
    declines = BEFORE_DOUBT if asked.any() else FALSE_DECLINES
    row, held_out = fit(values, labels, groups, SIGNALS, declines)
    print("From what was found:")
    report(rows, held_out, row["threshold"])
    for s, name in enumerate(SIGNALS):
        print(f"  {name:18} alone {roc_auc_score(labels, values[:, s]):.3f}")
    fitted = {settings.embedder: row}
    if asked.any():
        print("With the model's doubt:")
        for language in sorted({r.language for r in rows}):
            own = asked & np.array([r.language == language for r in rows])
            some = [r for r, mine in zip(rows, own, strict=True) if mine]
            odds = [log_odds(p) for p in held_out[own]]
            both = np.column_stack([odds, [r.doubt for r in some]])
            row, apart = fit(both, labels[own], groups[own], (FOUND, DOUBT), FALSE_DECLINES)
            row["threshold"] = round(
                WORSE * UNANSWERABLE / (WORSE * UNANSWERABLE + 1 - UNANSWERABLE), 4
            )
            report(some, apart, row["threshold"])
            print(f"  doubt alone {roc_auc_score(1 - labels[own], both[:, 1]):.3f}")
            fitted[doubt_key(settings.embedder, settings.language_model, language)] = row
    print(json.dumps(fitted))
    if arguments.write:
        path = Path(rag.__file__).parent / "data" / "decision.json"
        data = json.loads(path.read_text("utf-8")) | fitted
        path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
