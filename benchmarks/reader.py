"""Train the heads that find the answering words on the language model's states, and measure it.

    python -m benchmarks.reader SHARED/xquad [--further] [--write] [--states DIR]
                                [--limit N]

Questions are those of XQuAD's dev half, in Arabic and in English, over its Arabic paragraphs, and
those of the made-up texts in ``made_up``. Each is searched for; the sentence that answers, where it
is found, is an example with its answering words in Arabic, and the best other sentence one without
an answer. Reading them takes about an hour on two cores; what was read is kept in DIR, so that a
run can be stopped and taken up again. Three heads are trained, each without the questions over a
third of the paragraphs and articles. Copies of them are trained further, each without the same
third, on the questions of ``made_up_long`` and some of XQuAD's: in long sentences the first three
point to fewer right words, of an encyclopedia's the others to fewer, and the mean of the six is
best (reading half an hour more; ``--further`` takes the first three from the project). What a head
was not trained on tests it: token F1 of the words found in the sentence that answers, how often
that sentence is preferred to the best other one, and AUROC of sentences with and without an answer.
``--write`` puts all six into ``rag/data``, for the model of the settings; there they are averaged.
``--limit``: questions of each set and language, to try it out.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import rag
from benchmarks.retrieval import LANGUAGES, MADE_UP
from models.protocols import LanguageModel, TokenStates
from rag.assistant import Assistant, language_model_of
from rag.evaluation.archive import build_archive
from rag.evaluation.metrics import token_f1
from rag.evaluation.questions import Question, load_questions
from rag.excerpts import clip, find_words
from rag.reader import BEFORE, LAYER, OPENING, Reader, states_of, tokens_of
from rag.rereading import LONGEST_READ
from rag.settings import Settings
from vectorstore.arabic import fold

LOOKED_AT = 7  # sentences found for a question
WIDTH = 96  # of the projection; each way of the GRU has half
EPOCHS, BATCH, RATE, DECAY = 8, 16, 1e-3, 0.01
FURTHER_EPOCHS, FURTHER_RATE = 6, 7e-4
FURTHER_XQUAD = 0.3  # share of XQuAD's questions in the second training, which knows them already
ALIKE = 8  # batches that are sorted by length among themselves
DROPOUT_IN, DROPOUT = 0.3, 0.2
FOLDS = 3
MADE_UP_LONG = MADE_UP.parent / "made_up_long"
KEPT = user_cache_path("mustanad", appauthor=False) / "reader-states"


@dataclass(frozen=True)
class Example:
    """A question and a sentence found for it. ``answers``: its answering words as the question set
    has them, none where it does not answer; ``fold``: the part of the data that it is tested in."""

    question: str
    sentence: str
    lang: str
    origin: str
    question_id: str
    fold: int
    holds: bool
    answers: tuple[str, ...]

    @property
    def span(self) -> tuple[int, int] | None:
        """Where in the sentence the first answer stands that does."""
        spans = (find_words(answer, self.sentence) for answer in self.answers)
        return next(filter(None, spans), None) if self.holds else None

    def key(self, model: LanguageModel) -> str:
        """What its states are kept under."""
        parts = (model.identity, str(LAYER), OPENING, BEFORE, self.question, self.sentence)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


# -- examples --------------------------------------------------------------------------------------


def examples_of(
    assistant: Assistant, origin: str, questions: Sequence[tuple[Question, tuple[str, ...], str]]
) -> Iterator[Example]:
    """Examples from questions with their answers in Arabic and the name of their article."""
    weights = assistant._retriever.weights_in
    for q, answers, article in tqdm(questions, desc=origin, unit="question"):
        gold = [fold(words) for words in _gold(q)]
        left = {True: 1, False: 1}
        for e in assistant.search(q.question, LOOKED_AT + 3).evidence[:LOOKED_AT]:
            whole = fold(e.quote)
            holds = any(g in whole or whole in g for g in gold)
            if left[holds]:
                left[holds] -= 1
                start, end = clip(e.quote, weights(q.question, "ar"), LONGEST_READ)
                yield Example(
                    q.question, e.quote[start:end], q.lang, origin, q.id, fold_of(article), holds,
                    answers if holds else (),
                )  # fmt: skip


def _gold(q: Question) -> list[str]:
    if q.paragraph is not None:
        return [q.paragraph.text[q.paragraph.start : q.paragraph.end]]
    return [e.quote for e in q.evidence]


def all_examples(
    xquad: Path, made_up: Path, limit: int | None, share: float = 1.0
) -> list[Example]:
    """Examples from a share of XQuAD's questions and from a folder of made-up news, in a fixed
    order that mixes them."""
    read = {lang: load_questions(xquad / f"dev.{lang}.json", xquad / "dev.ar.json")
            for lang in LANGUAGES}  # fmt: skip
    arabic = {q.id: q.answers for q in read["ar"].questions}
    asked = [
        (q, arabic[q.id], q.paragraph.text)
        for r in read.values()
        for q in r.questions[:limit]
        if zlib.crc32(q.id.encode()) % 100 < 100 * share
    ]
    found: list[Example] = []
    with build_archive([], read["ar"].paragraphs, Settings(), lambda *_: None) as assistant:
        found += examples_of(assistant, "XQuAD", asked)
    articles = articles_of(load_questions(made_up / "questions.jsonl").questions)
    news = [
        (q, q.answers, article)
        for lang in LANGUAGES
        for q, article in [pair for pair in articles if pair[0].lang == lang][:limit]
    ]
    with build_archive([made_up / "articles"], [], Settings(), lambda *_: None) as assistant:
        found += examples_of(assistant, made_up.name, news)
    random.Random(0).shuffle(found)
    return found


def articles_of(questions: Sequence[Question]) -> list[tuple[Question, str]]:
    """Each question with the article that it is about: of one without an answer, that of the
    question before it, since those over one article follow each other."""
    article = ""
    found = []
    for q in questions:
        article = q.evidence[0].doc if q.evidence else article
        found.append((q, article))
    return found


def read_all(examples: Sequence[Example], folder: Path, settings: Settings) -> list[TokenStates]:
    """Their states, from the folder or read now and kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    model = language_model_of(settings)
    try:
        for example in tqdm(examples, desc="reading", unit="sentence"):
            path = folder / f"{example.key(model)}.npz"
            if not path.exists():
                states = states_of(model, example.question, example.sentence)
                part = path.with_suffix(".part")
                with part.open("wb") as file:
                    np.savez(file, states=states.states.astype(np.float16), ends=states.ends)
                part.rename(path)
            with np.load(path) as kept:
                found.append(TokenStates(kept["states"], tuple(map(int, kept["ends"]))))
    finally:
        model.close()
    return found


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
        every = np.concatenate([s.states[::4] for s in states]).astype(np.float32)
        mean, deviation = every.mean(axis=0), every.std(axis=0) + 1e-3
    else:
        mean, deviation = start["mean"][0], start["deviation"][0]
        head.load(start)
    epochs, rate = (EPOCHS, RATE) if start is None else (FURTHER_EPOCHS, FURTHER_RATE)
    spans = [
        tokens_of(*e.span, e.sentence, s.ends) if e.span else None
        for e, s in zip(examples, states, strict=True)
    ]
    holds = torch.tensor([float(e.holds) for e in examples])
    rarer = float((1 - holds).sum() / holds.sum())
    lengths_of = np.array([len(s.states) for s in states])
    order = np.random.default_rng(seed)
    steps = len(_batches(lengths_of, order)) * epochs
    optimiser = torch.optim.AdamW(head.parameters(), lr=rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1
    )
    head.train()
    for _ in tqdm(range(epochs), desc="training", unit="epoch"):
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
) -> tuple[list[tuple[Example, float, str]], list[dict[str, np.ndarray]]]:
    """Each example with the log odds that it answers and the words found in it, by a head that was
    trained without its fold; and the weights of these heads, in the order of the folds.

    ``starts``: heads of the folds, in the same order, that are trained further; then the odds and
    the words are those of both, averaged.
    """
    found, heads = [], []
    for number in range(FOLDS):
        rest = [i for i, e in enumerate(examples) if e.fold != number]
        start = starts[number] if starts is not None else None
        heads.append(train([examples[i] for i in rest], [states[i] for i in rest], start))
        reader = Reader(heads[-1] if start is None else _together([start, heads[-1]]))
        for e, s in zip(examples, states, strict=True):
            if e.fold == number:
                reading = reader.reading(e.sentence, s)
                start, end = reading.best() or (0, 0)
                found.append((e, reading.answers, e.sentence[start:end]))
    return found, heads


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
    return reader.every(FOLDS, fold_of(article))


def fold_of(article: str) -> int:
    """The part of the data that a paragraph, or the article of that name, is tested in."""
    return zlib.crc32(article.encode()) % FOLDS


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
    parser.add_argument("--further", action="store_true", help="only the second training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # more wait for each other in a recurrent layer this small
    settings = Settings()
    path = Path(rag.__file__).parent / "data" / f"reader-{settings.language_model}.npz"
    if arguments.further:
        heads = read_heads(path)[:FOLDS]
    else:
        heads = _trained(arguments, settings, MADE_UP, 1.0, None)
    heads += _trained(arguments, settings, MADE_UP_LONG, FURTHER_XQUAD, heads)
    if arguments.write:
        write_heads(heads, path)
        print(f"written: {path}")


def _trained(
    arguments: argparse.Namespace,
    settings: Settings,
    made_up: Path,
    share: float,
    starts: list[dict[str, np.ndarray]] | None,
) -> list[dict[str, np.ndarray]]:
    """Heads of the folds, after a report of what they make of what they were not trained on."""
    examples = all_examples(arguments.xquad, made_up, arguments.limit, share)
    states = read_all(examples, arguments.states, settings)
    found, heads = held_out(examples, states, starts)
    report(found)
    return heads


if __name__ == "__main__":
    main()
