"""Train the reader, and say how well it reads stories that it has not seen.

    python -m benchmarks.reader FOLDER [--epochs N] [--seed S] [--work DIR] [--write]

FOLDER holds SQuAD files of the same questions, ``dev.LANGUAGE.json`` (``benchmarks.reader_data``
says which pairs are made of them). The network is trained on each half of the stories and tested on
the other (these two are kept in DIR, ``fold0`` and ``fold1``, with the names of the stories that
they have not seen: ``benchmarks.decision`` needs them); then, with ``--write``, on all, and put
where ``models.reader`` finds it. The embedder's hidden states are computed once, in about 10
minutes on two cores, and kept in DIR, some 9 GB.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from sklearn.metrics import roc_auc_score
from torch.nn import functional
from tqdm import tqdm

import models  # noqa: F401  first of all: it turns usage reports off
from benchmarks.reader_data import MIXES, Pair, make_pairs, read_states
from benchmarks.reader_head import ReaderHead, Reduction, Shipped
from models.catalogue import get_spec
from models.embedder import open_embedder
from models.fetch import installed_path
from models.protocols import PairStates
from models.reader import NONE, Reading, reader_path
from rag.evaluation.metrics import token_f1
from rag.sentences import split_sentences
from rag.settings import Settings

BATCH = 24  # pairs
RATE = 6e-4  # AdamW's, falling to zero along a cosine
DECAY = 0.05
FEATURES = 512  # principal components that the head is trained on
SAMPLED = 8  # tokens a pair that they are fitted to
WORK = user_cache_path("mustanad", appauthor=False) / "reader"


@dataclass(frozen=True)
class Example:
    """A pair with the features of its tokens and what they are to become.

    ``features``: (t, f) float32; ``spans``: (t, 2) as in Reading; ``sentence``: (t,) int64 number
    of the token's sentence, -1 outside the text; ``answers``: (s,) float32, 1 for sentences that
    answer; ``start``, ``end``: token indices, 0 (the begin mark) where the text does not answer.
    """

    pair: Pair
    features: torch.Tensor
    spans: np.ndarray
    sentence: np.ndarray
    answers: np.ndarray
    start: int
    end: int

    @property
    def in_text(self) -> np.ndarray:
        """(t,) int64, 1 for tokens of the text."""
        return (self.spans[:, 1] > 0).astype(np.int64)


def example(pair: Pair, read: PairStates, reduction: Reduction) -> Example:
    """What the states of a pair are to be turned into."""
    spans = read.spans
    in_text = spans[:, 1] > 0
    sentences = split_sentences(pair.text)
    number = np.full(len(spans), -1, dtype=np.int64)
    for n, s in enumerate(sentences):
        number[in_text & (spans[:, 1] > s.start) & (spans[:, 0] < s.end)] = n
    answers = np.array(
        [float(pair.start >= 0 and s.start < pair.end and s.end > pair.start) for s in sentences],
        dtype=np.float32,
    )
    held = np.flatnonzero(in_text & (spans[:, 1] > pair.start) & (spans[:, 0] < pair.end))
    start, end = (held[0], held[-1]) if pair.start >= 0 and len(held) else (0, 0)
    features = reduction(torch.from_numpy(read.states.astype(np.float32)))
    return Example(pair, features, spans, number, answers, int(start), int(end))


@dataclass(frozen=True)
class Batch:
    """Examples padded to the longest; ``pools``: (b, s, t) weights that take each sentence's mean,
    all zero for a sentence that an example does not have."""

    features: torch.Tensor
    in_text: torch.Tensor
    mask: torch.Tensor
    pools: torch.Tensor
    answers: torch.Tensor
    whole: torch.Tensor
    ends: tuple[torch.Tensor, torch.Tensor]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Batch:
        def padded(rows: list[torch.Tensor]) -> torch.Tensor:
            return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

        in_text = padded([torch.from_numpy(e.in_text) for e in examples])
        pools = torch.zeros(len(examples), max(len(e.answers) for e in examples), in_text.shape[1])
        for i, e in enumerate(examples):
            for n in range(len(e.answers)):
                inside = np.flatnonzero(e.sentence == n)
                pools[i, n, inside] = 1 / max(1, len(inside))
        return cls(
            features=padded([e.features for e in examples]),
            in_text=in_text,
            mask=padded([torch.ones(len(e.spans), dtype=torch.bool) for e in examples]),
            pools=pools,
            answers=padded([torch.from_numpy(e.answers) for e in examples]),
            whole=torch.tensor([float(e.pair.start >= 0) for e in examples]),
            ends=(
                torch.tensor([e.start for e in examples]),
                torch.tensor([e.end for e in examples]),
            ),
        )


def loss_of(head: ReaderHead, batch: Batch) -> torch.Tensor:
    """Cross entropy of start and end, plus that of sentences and of the whole text."""
    logits = head(batch.features, batch.in_text, batch.mask[:, None, None, :])
    places = batch.in_text.bool()
    places[:, 0] = True  # the begin mark stands for "no answer"
    total = sum(
        functional.cross_entropy(logits[:, :, k].masked_fill(~places, NONE), wanted) / 2
        for k, wanted in enumerate(batch.ends)
    )
    total = total + functional.binary_cross_entropy_with_logits(logits[:, 0, 3], batch.whole)
    there = batch.pools.sum(dim=2) > 0
    each = (batch.pools @ logits[:, :, 2:3])[:, :, 0]
    return total + functional.binary_cross_entropy_with_logits(each[there], batch.answers[there])


def train(examples: Sequence[Example], epochs: int, seed: int) -> ReaderHead:
    """A head fitted to the examples; the same for the same seed and machine."""
    torch.manual_seed(seed)
    head = ReaderHead(examples[0].features.shape[1]).train()
    order = sorted(examples, key=lambda e: len(e.spans))  # of about the same length
    batches = [Batch.of(order[i : i + BATCH]) for i in range(0, len(order), BATCH)]
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    steps = epochs * len(batches)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    shuffling = random.Random(seed)
    with tqdm(total=steps, desc="training", unit="batch") as bar:
        for _ in range(epochs):
            shuffling.shuffle(batches)
            for batch in batches:
                optimiser.zero_grad()
                loss = loss_of(head, batch)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                optimiser.step()
                plan.step()
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return head.eval()


def test(head: ReaderHead, examples: Sequence[Example]) -> None:
    """Print, by languages: AUROC of answerable against each kind of text that is not, how often the
    best sentence is one that answers, and token F1 of the best words of that sentence."""
    print(f"{'':8}{'pairs':>7}{'other':>8}{'without':>9}{'sentence':>10}{'F1':>7}{'F1 any':>8}")
    for mix in (f"{asks}-{text}" for asks, text in MIXES):
        own, scores, first, f1, anywhere = [], {"other": [], "without": []}, [], [], []
        for e in (e for e in examples if e.pair.languages == mix):
            with torch.inference_mode():
                logits = head(e.features[None], torch.from_numpy(e.in_text)[None])[0]
            reading = Reading(logits.numpy(), e.spans)
            if e.pair.kind != "own":
                scores[e.pair.kind].append(reading.answerable)
                continue
            own.append(reading.answerable)
            sentences = split_sentences(e.pair.text)
            best = max(sentences, key=lambda s: reading.sentence(s.start, s.end))
            first.append(best.start < e.pair.end and best.end > e.pair.start)
            gold = e.pair.text[e.pair.start : e.pair.end]
            for start, end, kept in ((best.start, best.end, f1), (0, len(e.pair.text), anywhere)):
                a, b, _ = reading.answer(start, end)
                kept.append(token_f1(e.pair.text[a:b], [gold]))
        aurocs = [
            roc_auc_score([1] * len(own) + [0] * len(other), own + other)
            for other in scores.values()
        ]
        print(
            f"{mix:8}{len(own):7}{aurocs[0]:8.3f}{aurocs[1]:9.3f}{np.mean(first):10.3f}"
            f"{np.mean(f1):7.3f}{np.mean(anywhere):8.3f}",
            flush=True,
        )


def write(shipped: Shipped, layers: int, width: int, target: Path) -> None:
    """Save a head as an OpenVINO model in half precision."""
    import openvino

    shown = torch.zeros(1, 7, layers, width), torch.ones(1, 7, dtype=torch.int64)
    tokens = torch.export.Dim("tokens", min=2, max=4096)
    with torch.no_grad():
        program = torch.export.export(
            shipped.eval(), shown, dynamic_shapes=({1: tokens}, {1: tokens}), strict=False
        )
        model = openvino.convert_model(program)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        openvino.save_model(model, Path(work) / target.name, compress_to_fp16=True)
        for made in sorted(Path(work).iterdir()):
            made.rename(target.parent / made.name)


def reduction_of(read: Sequence[PairStates], seed: int) -> Reduction:
    """Fitted to some of the tokens of all pairs."""
    chosen = np.random.default_rng(seed)
    rows = [r.states[chosen.integers(len(r.states), size=SAMPLED)] for r in read]
    return Reduction.fit(torch.from_numpy(np.concatenate(rows).astype(np.float32)), FEATURES)


def folds(examples: Sequence[Example], seed: int) -> list[set[str]]:
    """The stories in two halves."""
    stories = sorted({e.pair.story for e in examples})
    random.Random(seed).shuffle(stories)
    return [set(stories[::2]), set(stories[1::2])]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, metavar="DIR", default=WORK)
    parser.add_argument("--write", action="store_true", help="train on all stories and keep it")
    args = parser.parse_args()
    name = Settings().embedder
    embedder = open_embedder(installed_path(name), get_spec(name).identity)
    pairs = make_pairs(args.folder, embedder)
    read = [states for _, states in read_states(pairs, embedder, args.work)]
    reduction = reduction_of(read, args.seed)
    examples = [
        example(p, r, reduction)
        for p, r in tqdm(zip(pairs, read, strict=True), desc="features", total=len(pairs))
    ]
    layers, width = read[0].states.shape[1:]
    halves = folds(examples, args.seed)
    for number, unseen in enumerate(halves):
        print(f"trained on {sum(map(len, halves)) - len(unseen)} stories, {len(unseen)} others:")
        head = train([e for e in examples if e.pair.story not in unseen], args.epochs, args.seed)
        test(head, [e for e in examples if e.pair.story in unseen])
        write(Shipped(head, reduction), layers, width, args.work / f"fold{number}.xml")
        (args.work / f"fold{number}.json").write_text(json.dumps(sorted(unseen)), "utf-8")
    if args.write:
        head = train(examples, args.epochs, args.seed)
        write(Shipped(head, reduction), layers, width, reader_path(name))


if __name__ == "__main__":
    main()
