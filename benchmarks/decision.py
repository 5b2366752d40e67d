"""Fit the decision to answer or decline, and say how well it tells the two apart.

    python -m benchmarks.decision QUESTIONS ARCHIVE [--sample N] [--write]

Every question (a SQuAD file; several with commas) is searched twice in ARCHIVE (a SQuAD file whose
paragraphs are the articles): as it is, and with its own paragraph left out, so that the archive
holds near paragraphs, often of the same story, but no answer. A logistic regression on the signals
of retrieval is fitted on these pairs; AUROC is out of fold, five folds by question. ``--write``
puts the coefficients into ``rag/data/decision.json`` under the embedder's name. The threshold is
the lowest probability at which at most 5 % of the answerable pairs are declined.
"""

from __future__ import annotations

import argparse
import json
import random
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
from rag.evaluation.archive import build_archive
from rag.evaluation.questions import load_questions
from rag.settings import Settings
from vectorstore.types import Filters

SIGNALS = tuple(
    "sentence passage late margin coverage crossed crossed_coverage expected names".split()
)
FALSE_DECLINES = 0.05
FOLDS = 5


def collect(
    assistant: Assistant, questions: list[tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(question, paragraph text) pairs to signals (2n, s), answerable (2n,) and groups (2n,)."""
    ids = {assistant.article(a.article_id).text: a.article_id for a in assistant.articles()}
    rows, labels, groups = [], [], []
    for group, (question, paragraph) in enumerate(tqdm(questions, desc="questions", unit="q")):
        others = tuple(i for i in ids.values() if i != ids[paragraph])
        for filters, answerable in ((Filters(), 1), (Filters(article_ids=others), 0)):
            signals = assistant.search(question, 4, filters).signals
            rows.append([signals.get(name, 0.0) for name in SIGNALS])
            labels.append(answerable)
            groups.append(group)
    return np.array(rows), np.array(labels), np.array(groups)


def fit(rows: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> tuple[dict, np.ndarray]:
    """Coefficients on the raw signals with their threshold, and out-of-fold probabilities."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    held_out = cross_val_predict(
        model, rows, labels, groups=groups, cv=GroupKFold(FOLDS), method="predict_proba"
    )[:, 1]
    model.fit(rows, labels)
    scale, regression = model[0], model[1]
    weights = regression.coef_[0] / scale.scale_
    intercept = float(regression.intercept_[0] - weights @ scale.mean_)
    threshold = float(np.quantile(held_out[labels == 1], FALSE_DECLINES))
    row = {
        "intercept": round(intercept, 4),
        "weights": {n: round(float(w), 4) for n, w in zip(SIGNALS, weights, strict=True)},
        "threshold": round(threshold, 4),
    }
    return row, held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("questions", help="SQuAD files, comma-separated")
    parser.add_argument("archive", type=Path, help="SQuAD file with the paragraphs")
    parser.add_argument("--sample", type=int, default=300, help="questions of each file")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    pairs: list[tuple[str, str]] = []
    languages: list[str] = []
    paragraphs: tuple[str, ...] = ()
    for name in arguments.questions.split(","):
        read = load_questions(Path(name), arguments.archive)
        paragraphs = read.paragraphs
        chosen = random.Random(0).sample(
            list(read.questions), min(arguments.sample, len(read.questions))
        )
        pairs += [(q.question, q.paragraph.text) for q in chosen]
        languages += [q.lang for q in chosen]
    settings = Settings()
    bar = tqdm(desc="archive", unit="article")

    def progress(stage: str, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with build_archive([], list(paragraphs), settings, progress) as assistant:
        bar.close()
        rows, labels, groups = collect(assistant, pairs)
    row, held_out = fit(rows, labels, groups)
    of_language = np.array(languages)[groups]
    for language in sorted(set(languages)):
        mine = of_language == language
        print(
            f"{language}: AUROC {roc_auc_score(labels[mine], held_out[mine]):.3f}, n = {mine.sum()}"
        )
        for s, name in enumerate(SIGNALS):
            print(f"  {name:10} alone {roc_auc_score(labels[mine], rows[mine, s]):.3f}")
    declined = held_out < row["threshold"]
    for label, name in enumerate(("unanswerable", "answerable")):
        print(f"declined of {name}: {declined[labels == label].mean():.3f}")
    print(json.dumps(row))
    if arguments.write:
        path = Path(rag.__file__).parent / "data" / "decision.json"
        data = json.loads(path.read_text("utf-8")) | {settings.embedder: row}
        path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
