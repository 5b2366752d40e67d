"""Fit the decision to answer or decline, and say how well it tells the two apart.

    python -m benchmarks.decision QUESTIONS ARCHIVE [--sample N] [--readers DIR] [--write]

Every question (a SQuAD file; several with commas) is searched twice in ARCHIVE (a SQuAD file whose
paragraphs are the articles): as it is, and with its own paragraph left out, so that the archive
holds near paragraphs, often of the same story, but no answer. What is found is read as in the
product, with the two readers that ``python -m benchmarks.reader`` keeps in DIR, each question with
the one that has not seen its story. A logistic regression on the signals is fitted on these pairs;
AUROC is out of fold, five folds by story. ``--write`` puts the coefficients into
``rag/data/decision.json`` under the embedder's name. The threshold is the lowest probability at
which at most 5 % of the answerable pairs are declined.

It also says how often the sentence that answers comes first, for several weights of the reader's
odds (``rag.reading.ODDS``).
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
from benchmarks.reader import WORK
from models.reader import Reader
from rag.answer import Evidence, Retrieved
from rag.assistant import Assistant
from rag.evaluation.archive import build_archive
from rag.evaluation.questions import Paragraph, Question, load_questions
from rag.reading import ODDS, UNREAD, EvidenceReader
from rag.settings import Settings
from vectorstore.types import Filters

SIGNALS = tuple(
    "sentence passage late margin coverage crossed crossed_coverage expected names answerable "
    "answering words".split()
)
FALSE_DECLINES = 0.05
FOLDS = 5
TRIED = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2)  # weights of the odds


@dataclass(frozen=True)
class Row:
    """A question with what was found for it in the archive with or without its paragraph."""

    language: str
    story: str
    answerable: bool
    found: Retrieved
    gold: tuple[str, int, int] | None  # article id and offsets of the sentence that answers


def collect(
    assistant: Assistant, questions: Sequence[Question], readers: dict[str, EvidenceReader]
) -> list[Row]:
    """Two rows a question; ``readers``: by story."""
    articles = {a.article_id: assistant.article(a.article_id) for a in assistant.articles()}
    ids = {article.text: i for i, article in articles.items()}
    rows = []
    for q in tqdm(questions, desc="questions", unit="question"):
        own = ids[q.paragraph.text]
        others = tuple(i for i in ids.values() if i != own)
        story = articles[own].title
        gold = (own, q.paragraph.start, q.paragraph.end)
        for filters, answerable in ((Filters(), True), (Filters(article_ids=others), False)):
            found = assistant.search(q.question, 10, filters)
            read = readers[story].read(q.question, found)
            rows.append(Row(q.lang, story, answerable, read, gold if answerable else None))
    return rows


def sentence_first(rows: Sequence[Row], weight: float, within: int) -> float:
    """How often one of the first sentences overlaps the answer, for a weight of the odds."""

    def score(e: Evidence) -> float:
        odds = e.answering.odds if e.answering is not None else UNREAD
        return e.score + (weight - ODDS) * odds

    held = []
    for row in rows:
        best = sorted(row.found.evidence, key=score, reverse=True)[:within]
        held.append(
            any(
                e.article_id == row.gold[0] and e.start < row.gold[2] and e.end > row.gold[1]
                for e in best
            )
        )
    return float(np.mean(held))


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


def open_readers(folder: Path, assistant: Assistant) -> dict[str, EvidenceReader]:
    """For every story the reader that was trained on other stories."""
    readers = {}
    for path in sorted(folder.glob("fold*.json")):
        reader = Reader(assistant._checked_embedder(), path.with_suffix(".xml"))
        for story in json.loads(path.read_text("utf-8")):
            readers[story.replace("_", " ")] = EvidenceReader(lambda reader=reader: reader)
    if not readers:
        raise SystemExit(f"No readers in {folder}: run python -m benchmarks.reader first.")
    return readers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("questions", help="SQuAD files, comma-separated")
    parser.add_argument("archive", type=Path, help="SQuAD file with the paragraphs")
    parser.add_argument("--sample", type=int, default=300, help="questions of each file")
    parser.add_argument("--readers", type=Path, metavar="DIR", default=WORK)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    chosen: list[Question] = []
    paragraphs: tuple[Paragraph, ...] = ()
    for name in arguments.questions.split(","):
        read = load_questions(Path(name), arguments.archive)
        paragraphs = read.paragraphs
        chosen += random.Random(0).sample(
            list(read.questions), min(arguments.sample, len(read.questions))
        )
    settings = Settings()
    bar = tqdm(desc="archive", unit="article")

    def progress(stage: str, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with build_archive([], list(paragraphs), settings, progress) as assistant:
        bar.close()
        rows = collect(assistant, chosen, open_readers(arguments.readers, assistant))
    signals = np.array([[r.found.signals.get(name, 0.0) for name in SIGNALS] for r in rows])
    labels = np.array([int(r.answerable) for r in rows])
    row, held_out = fit(signals, labels, np.array([r.story for r in rows]))
    for language in sorted({r.language for r in rows}):
        mine = np.array([r.language == language for r in rows])
        print(
            f"{language}: AUROC {roc_auc_score(labels[mine], held_out[mine]):.3f}, n = {mine.sum()}"
        )
        for s, name in enumerate(SIGNALS):
            print(f"  {name:16} alone {roc_auc_score(labels[mine], signals[mine, s]):.3f}")
        answerable = [r for r in rows if r.language == language and r.answerable]
        for weight in TRIED:
            first, five = (sentence_first(answerable, weight, k) for k in (1, 5))
            print(f"  odds x {weight:4}: sentence first {first:.3f}, in five {five:.3f}")
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
