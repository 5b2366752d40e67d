"""Train the heads that find the answering words on the models' states, and measure it.

    python -m benchmarks.reader SHARED/xquad [--further FILE] [--write] [--states DIR]
                                [--limit N]

Questions are those of XQuAD's dev half, in Arabic and in English, over its Arabic paragraphs, and
those of the made-up texts in ``made_up`` and, with long sentences, ``made_up_long``. Each is
searched for; the sentence that answers, where it is found, is an example with its answering words
in Arabic, and the best other sentence one without an answer. Reading them takes about two hours on
two cores; what was read is kept in DIR, so that a run can be stopped and taken up again.

Six heads are trained, two without the questions over each third of the paragraphs and articles:
three start anew, three differ by their seed or, with ``--further``, start from the first three of a
file, which may have been trained on the language model's states alone (``widened``). What the two
of a third were not trained on tests their mean: token F1 of the words found in the sentence that
answers, how often that sentence is preferred to the best other one, and AUROC of sentences with and
without an answer. ``--write`` puts all six into ``rag/data``, for the models of the settings; there
they are averaged. ``--limit``: questions of each set and language, to try it out.

Those in the project were trained with ``--further``, from the heads before them, which knew XQuAD
and all of ``made_up`` by the language model's states alone; on XQuAD, ``made_up_long`` and the
sixth of ``made_up`` that had been read anew by then.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import rag
from benchmarks.reading_examples import (
    FOLDS,
    KEPT,
    Example,
    all_examples,
    fold_of,
    read_all,
)
from benchmarks.retrieval import LANGUAGES
from models.protocols import TokenStates
from rag.evaluation.metrics import token_f1
from rag.reader import Reader, heads_file, tokens_of
from rag.settings import Settings

WIDTH = 96  # of the projection; each way of the GRU has half
EPOCHS, BATCH, RATE, DECAY = 8, 16, 1e-3, 0.01
ALIKE = 8  # batches that are sorted by length among themselves
DROPOUT_IN, DROPOUT = 0.3, 0.2


# -- training --------------------------------------------------------------------------------------


class Head(torch.nn.Module):
    """A head of ``rag.reader.Reader`` as it is trained, on (b, n, width) normalised states with a
    mask."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = torch.nn.Dropout(DROPOUT_IN)
        self.project = torch.nn.Linear(width, WIDTH)
        self.recurrent = torch.nn.GRU(WIDTH, WIDTH // 2, bidirectional=True, batch_first=True)
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.token = torch.nn.Linear(WIDTH, 3)
        self.sentence = torch.nn.Linear(WIDTH, 1)

    def forward(self, states: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, ...]:
        z = torch.nn.functional.gelu(self.project(self.before(states)), approximate="tanh")
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            self.dropout(z), lengths, batch_first=True, enforce_sorted=False
        )
        around, _ = torch.nn.utils.rnn.pad_packed_sequence(
            self.recurrent(packed)[0], batch_first=True
        )
        z = self.dropout(z + around)
        padding = torch.arange(z.shape[1])[None] >= lengths[:, None]
        whole = z.masked_fill(padding[..., None], -torch.inf).amax(dim=1)
        tokens = self.token(z).masked_fill(padding[..., None], -1e4)
        return tokens, self.sentence(whole)[:, 0]

    def named(self) -> dict[str, torch.nn.Parameter]:
        """Its parameters under the names of ``rag.reader.Reader``."""
        named = {
            "project": self.project.weight, "project_bias": self.project.bias,
            "token": self.token.weight, "token_bias": self.token.bias,
            "sentence": self.sentence.weight, "sentence_bias": self.sentence.bias,
        }  # fmt: skip
        for way, suffix in (("forward", ""), ("backward", "_reverse")):
            for ours, theirs in (("input", "ih"), ("hidden", "hh")):
                named[f"{way}_{ours}"] = getattr(self.recurrent, f"weight_{theirs}_l0{suffix}")
                named[f"{way}_{ours}_bias"] = getattr(self.recurrent, f"bias_{theirs}_l0{suffix}")
        return named

    def load(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take over those of a head of one number, as ``weights`` gives them."""
        with torch.no_grad():
            for name, parameter in self.named().items():
                parameter.copy_(torch.from_numpy(weights[name][0].astype(np.float32)))

    def weights(self, mean: np.ndarray, deviation: np.ndarray) -> dict[str, np.ndarray]:
        """As ``rag.reader.Reader`` takes them: of one head."""
        named = self.named().items()
        half = {name: w.detach().numpy().astype(np.float16)[None] for name, w in named}
        return {"mean": mean[None], "deviation": deviation[None], **half}


def train(
    examples: Sequence[Example],
    states: Sequence[TokenStates],
    start: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Weights of a head for ``rag.reader.Reader``; ``start``: of one that is trained further."""
    torch.manual_seed(seed)
    head = Head(states[0].states.shape[1])
    if start is None:
        mean, deviation = _spread(states)
    else:
        start = widened(start, states)
        mean, deviation = start["mean"][0], start["deviation"][0]
        head.load(start)
    spans = [
        tokens_of(*e.span, e.sentence, s.ends) if e.span else None
        for e, s in zip(examples, states, strict=True)
    ]
    holds = torch.tensor([float(e.holds) for e in examples])
    rarer = float((1 - holds).sum() / holds.sum())
    lengths_of = np.array([len(s.states) for s in states])
    order = np.random.default_rng(seed)
    steps = len(_batches(lengths_of, order)) * EPOCHS
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps, pct_start=0.1
    )
    head.train()
    for _ in tqdm(range(EPOCHS), desc="training", unit="epoch"):
        for chosen in _batches(lengths_of, order):
            rows = [
                torch.from_numpy((states[i].states.astype(np.float32) - mean) / deviation)
                for i in chosen
            ]
            lengths = torch.tensor([len(row) for row in rows])
            tokens, answers = head(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                answers, holds[chosen], pos_weight=torch.tensor(rarer)
            )
            pointed = [(row, spans[i]) for row, i in enumerate(chosen) if spans[i]]
            if pointed:
                loss = loss + sum(
                    _span_loss(tokens[row, : lengths[row]], *span) for row, span in pointed
                ) / len(pointed)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    head.eval()
    return head.weights(mean, deviation)


def widened(
    head: Mapping[str, np.ndarray], states: Sequence[TokenStates]
) -> Mapping[str, np.ndarray]:
    """A head that was trained on the first numbers of the states alone, those of the language
    model, with nothing made of the others yet."""
    lacking = states[0].states.shape[1] - head["mean"].shape[1]
    if not lacking:
        return head
    others = [TokenStates(s.states[:, -lacking:], s.ends) for s in states]
    mean, deviation = (
        np.concatenate([head[name], found[None]], axis=1)
        for name, found in zip(("mean", "deviation"), _spread(others), strict=True)
    )
    nothing = np.zeros((*head["project"].shape[:2], lacking), head["project"].dtype)
    project = np.concatenate([head["project"], nothing], axis=2)
    return {**head, "mean": mean, "deviation": deviation, "project": project}


def _spread(states: Sequence[TokenStates]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each number of the states, over a quarter of the tokens."""
    every = np.concatenate([s.states[::4] for s in states]).astype(np.float32)
    return every.mean(axis=0), every.std(axis=0) + 1e-3


def _batches(lengths: np.ndarray, order: np.random.Generator) -> list[np.ndarray]:
    """All numbers of examples in random batches of like length, which need little padding."""
    chunks = np.array_split(order.permutation(len(lengths)), -(-len(lengths) // (BATCH * ALIKE)))
    batches = [
        batch
        for chunk in chunks
        for batch in np.array_split(chunk[np.argsort(lengths[chunk])], -(-len(chunk) // BATCH))
    ]
    order.shuffle(batches)
    return batches


def _span_loss(tokens: torch.Tensor, first: int, last: int) -> torch.Tensor:
    inside = torch.zeros(len(tokens))
    inside[first : last + 1] = 1
    begins, ends = torch.log_softmax(tokens[:, :2], dim=0).T
    between = torch.nn.functional.binary_cross_entropy_with_logits(tokens[:, 2], inside)
    return between - begins[first] - ends[last]


# -- measuring -------------------------------------------------------------------------------------


def held_out(
    examples: Sequence[Example],
    states: Sequence[TokenStates],
    starts: Sequence[Mapping[str, np.ndarray]] | None = None,
    seed: int = 0,
) -> list[dict[str, np.ndarray]]:
    """Weights of heads that were trained without a fold each, in the order of the folds.

    ``starts``: heads of the folds, in the same order, that are trained further.
    """
    heads = []
    for number in range(FOLDS):
        rest = [i for i, e in enumerate(examples) if e.fold != number]
        if not rest:
            raise SystemExit("all examples are of one third of the articles: raise --limit")
        start = starts[number] if starts is not None else None
        heads.append(train([examples[i] for i in rest], [states[i] for i in rest], start, seed))
    return heads


def measured(
    examples: Sequence[Example],
    states: Sequence[TokenStates],
    heads: Sequence[Mapping[str, np.ndarray]],
) -> list[tuple[Example, float, str]]:
    """Each example with the log odds that it answers and the words found in it, by the mean of the
    heads that were trained without its fold; ``heads``: of the folds, once or more in their order.
    """
    reader = Reader(_together(heads))
    readers = [reader.subset(number, FOLDS) for number in range(FOLDS)]
    found = []
    for e, s in zip(tqdm(examples, desc="testing", unit="sentence"), states, strict=True):
        reading = readers[e.fold].reading(e.sentence, s)
        start, end = reading.best() or (0, 0)
        found.append((e, reading.answers, e.sentence[start:end]))
    return found


def write_heads(heads: Sequence[Mapping[str, np.ndarray]], path: Path) -> None:
    """Heads of the folds, once or more in their order, in one file for ``rag.reader.Reader``."""
    np.savez_compressed(path, **_together(heads))


def _together(heads: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([head[name] for head in heads]) for name in heads[0]}


def read_heads(path: Path) -> list[dict[str, np.ndarray]]:
    """The heads of a file that ``write_heads`` wrote."""
    with np.load(path) as together:
        weights = dict(together)
    return [{n: w[i : i + 1] for n, w in weights.items()} for i in range(len(weights["mean"]))]


def head_without(reader: Reader, article: str) -> Reader:
    """Of the heads that are averaged, those that were trained without a paragraph or an article of
    that name; their odds are a little more spread than the mean of all."""
    return reader.subset(fold_of(article), FOLDS)


def report(found: Sequence[tuple[Example, float, str]]) -> None:
    by_set: Mapping[tuple[str, str], list] = defaultdict(list)
    for row in found:
        by_set[row[0].origin, row[0].lang].append(row)
    for (origin, lang), rows in sorted(by_set.items()):
        f1 = [token_f1(words, e.answers) for e, _, words in rows if e.span]
        best: dict[str, dict[bool, float]] = defaultdict(dict)
        for e, odds, _ in rows:
            best[e.question_id][e.holds] = max(odds, best[e.question_id].get(e.holds, -np.inf))
        both = [b[True] > b[False] for b in best.values() if len(b) == 2]
        auroc = roc_auc_score([e.holds for e, *_ in rows], [odds for _, odds, _ in rows])
        print(
            f"{origin}, {LANGUAGES[lang]}: F1 {np.mean(f1):.3f} (n = {len(f1)}), preferred "
            f"{np.mean(both):.3f} (n = {len(both)}), AUROC {auroc:.3f} (n = {len(rows)})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("xquad", type=Path, help="folder with dev.ar.json and dev.en.json")
    parser.add_argument("--write", action="store_true")
    parser.add_argument(
        "--states", type=Path, metavar="DIR",
        default=KEPT,
    )  # fmt: skip
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--further", type=Path, metavar="FILE", help="heads to start from")
    arguments = parser.parse_args()
    if arguments.write and arguments.limit is not None:
        parser.error("--write wants heads trained on all questions: leave --limit out")
    torch.set_num_threads(1)  # more wait for each other in a recurrent layer this small
    settings = Settings()
    file = heads_file(settings.language_model, settings.embedder)
    path = Path(rag.__file__).parent / "data" / file
    if arguments.further and not arguments.further.exists():
        parser.error(f"no heads to train further in {arguments.further}: leave --further out")
    starts = read_heads(arguments.further)[:FOLDS] if arguments.further else None
    examples = all_examples(arguments.xquad, arguments.limit)
    states = read_all(examples, arguments.states, settings)
    heads = held_out(examples, states, starts, seed=1) + held_out(examples, states)
    report(measured(examples, states, heads))
    if arguments.write:
        write_heads(heads, path)
        print(f"written: {path}")


if __name__ == "__main__":
    main()
