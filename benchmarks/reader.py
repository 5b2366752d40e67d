"""Train the reader, and say how well it reads stories that it has not seen.

    python -m benchmarks.reader FOLDER [--epochs N] [--seed S] [--work DIR] [--write]

FOLDER holds SQuAD files of the same questions, ``dev.LANGUAGE.json`` (``benchmarks.reader_data``
says which pairs are made of them). The network is trained on each half of the stories and tested on
the other (these two are kept in DIR, ``fold0`` and ``fold1``, with the names of the stories that
they have not seen: ``benchmarks.decision`` needs them); then, with ``--write``, on all, and put
where ``models.reader`` finds it. The embedder's hidden states are computed once, in about 25
minutes on two cores, and kept in DIR, some 12 GB.
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
from benchmarks.reader_data import Pair, make_pairs, read_states
from benchmarks.reader_head import ReaderHead
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
WORK = user_cache_path("mustanad", appauthor=False) / "reader"
MIXES_SHOWN = ("ar-ar", "en-ar", "ar-en", "en-en")


@dataclass(frozen=True)
class Example:
    """A pair with its states and what every token is to become.

    ``sentence``: (t,) int64 number of the token's sentence, -1 outside the text; ``answers``: (s,)
    float32, 1 for sentences that answer; ``start``, ``end``: token indices, 0 (the begin mark)
    where the text does not answer.
    """

    pair: Pair
    states: np.ndarray
    spans: np.ndarray
    sentence: np.ndarray
    answers: np.ndarray
    start: int
    end: int


def example(pair: Pair, read: PairStates) -> Example:
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
    return Example(pair, read.states, spans, number, answers, int(start), int(end))


def loss_of(head: ReaderHead, batch: Sequence[Example]) -> torch.Tensor:
    """Cross entropy of start and end, plus that of sentences and of the whole text."""
    longest = max(len(e.spans) for e in batch)
    states = torch.zeros(len(batch), longest, *batch[0].states.shape[1:])
    in_text = torch.zeros(len(batch), longest, dtype=torch.int64)
    mask = torch.zeros(len(batch), longest, dtype=torch.bool)
    for i, e in enumerate(batch):
        t = len(e.spans)
        states[i, :t] = torch.from_numpy(np.asarray(e.states, dtype=np.float32))
        in_text[i, :t] = torch.from_numpy((e.spans[:, 1] > 0).astype(np.int64))
        mask[i, :t] = True
    logits = head(states, in_text, mask[:, None, None, :])
    places = in_text.bool()
    places[:, 0] = True  # the begin mark stands for "no answer"
    total = torch.zeros(())
    for k, wanted in ((0, [e.start for e in batch]), (1, [e.end for e in batch])):
        scores = logits[:, :, k].masked_fill(~places, NONE)
        total = total + functional.cross_entropy(scores, torch.tensor(wanted)) / 2
    whole = torch.tensor([float(e.pair.start >= 0) for e in batch])
    total = total + functional.binary_cross_entropy_with_logits(logits[:, 0, 3], whole)
    each, right = [], []
    for i, e in enumerate(batch):
        number = torch.from_numpy(e.sentence)
        for n in range(len(e.answers)):
            inside = torch.nonzero(number == n)[:, 0]
            if len(inside):
                each.append(logits[i, inside, 2].mean())
                right.append(float(e.answers[n]))
    return total + functional.binary_cross_entropy_with_logits(
        torch.stack(each), torch.tensor(right)
    )


def train(examples: Sequence[Example], epochs: int, seed: int) -> ReaderHead:
    """A head fitted to the examples; the same for the same seed and machine."""
    torch.manual_seed(seed)
    order = random.Random(seed)
    layers, width = examples[0].states.shape[1:]
    head = ReaderHead(layers, width).train()
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    batches = _batches(examples)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=epochs * len(batches), pct_start=0.1
    )
    with tqdm(total=epochs * len(batches), desc="training", unit="batch") as bar:
        for _ in range(epochs):
            order.shuffle(batches)
            for batch in batches:
                optimiser.zero_grad()
                loss = loss_of(head, [examples[i] for i in batch])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                optimiser.step()
                plan.step()
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return head.eval()


def _batches(examples: Sequence[Example]) -> list[list[int]]:
    """Indices of examples of about the same length."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].spans), i))
    return [order[i : i + BATCH] for i in range(0, len(order), BATCH)]


def test(head: ReaderHead, examples: Sequence[Example]) -> None:
    """Print, by languages: AUROC of answerable against each kind of text that is not, how often the
    best sentence is one that answers, and token F1 of the best words of that sentence."""
    print(f"{'':8}{'pairs':>7}{'other':>8}{'without':>9}{'sentence':>10}{'F1':>7}{'F1 any':>8}")
    for mix in MIXES_SHOWN:
        own, scores, first, f1, anywhere = [], {"other": [], "without": []}, [], [], []
        for e in (e for e in examples if e.pair.languages == mix):
            reading = _read(head, e)
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


def _read(head: ReaderHead, e: Example) -> Reading:
    with torch.inference_mode():
        states = torch.from_numpy(np.asarray(e.states, dtype=np.float32))[None]
        in_text = torch.from_numpy((e.spans[:, 1] > 0).astype(np.int64))[None]
        return Reading(head(states, in_text)[0].numpy(), e.spans)


def write(head: ReaderHead, example: Example, target: Path) -> None:
    """Save the head as an OpenVINO model in half precision."""
    import openvino

    states = torch.from_numpy(np.asarray(example.states, dtype=np.float32))[None]
    in_text = torch.from_numpy((example.spans[:, 1] > 0).astype(np.int64))[None]
    tokens = torch.export.Dim("tokens", min=2, max=4096)
    with torch.no_grad():
        program = torch.export.export(
            head, (states, in_text), dynamic_shapes=({1: tokens}, {1: tokens}), strict=False
        )
        model = openvino.convert_model(program)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        openvino.save_model(model, Path(work) / target.name, compress_to_fp16=True)
        for made in sorted(Path(work).iterdir()):
            made.rename(target.parent / made.name)


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
    examples = [example(p, s) for p, s in read_states(pairs, embedder, args.work)]
    halves = folds(examples, args.seed)
    for number, unseen in enumerate(halves):
        print(f"trained on {sum(map(len, halves)) - len(unseen)} stories, {len(unseen)} others:")
        head = train([e for e in examples if e.pair.story not in unseen], args.epochs, args.seed)
        test(head, [e for e in examples if e.pair.story in unseen])
        write(head, examples[0], args.work / f"fold{number}.xml")
        (args.work / f"fold{number}.json").write_text(json.dumps(sorted(unseen)), "utf-8")
    if args.write:
        write(train(examples, args.epochs, args.seed), examples[0], reader_path(name))


if __name__ == "__main__":
    main()
