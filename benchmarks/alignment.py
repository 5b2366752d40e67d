"""Whether the words of an English sentence have counterparts in an Arabic one.

    python -m benchmarks.alignment SHARED/xquad [--limit N]

Sentences of XQuAD's dev half that hold an answer, in both languages, which human translators made.
In the English one the answer, and in turn each of three words, is replaced by others; a figure
tells how well that shows: the area under the ROC curve of the right against the wrong, by the
cosine of the sentences' vectors and by the nearness of the words (``rag.alignment``), which leaves
names and figures out.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from models.catalogue import get_spec
from models.embedder import open_embedder
from models.fetch import installed_path
from models.protocols import Embedder
from rag.alignment import COUNTERPART, nearness
from rag.figures import find_figures
from rag.sentences import split_sentences
from rag.settings import Settings

SEED = 0
LONGEST = 300  # characters of a sentence
REPLACED = 3  # words of a sentence


def sentences(folder: Path) -> Iterator[tuple[str, tuple[int, int], str, list[str]]]:
    """English sentences with the place of the answer, the Arabic ones, and other answers of the
    paragraph; each sentence once, only answers without figures."""
    read = {
        lang: json.loads((folder / f"dev.{lang}.json").read_text("utf-8"))["data"]
        for lang in ("en", "ar")
    }
    arabic = {
        q["id"]: (p["context"], q["answers"][0])
        for article in read["ar"]
        for p in article["paragraphs"]
        for q in p["qas"]
    }
    seen: set[str] = set()
    for article in read["en"]:
        for p in article["paragraphs"]:
            answers = [
                a for a in (q["answers"][0]["text"] for q in p["qas"]) if not find_figures(a)
            ]
            for q in p["qas"]:
                sentence, place = _around(p["context"], q["answers"][0])
                other = [a for a in answers if a not in sentence]
                fits = len(sentence) <= LONGEST and sentence not in seen
                if fits and other and not find_figures(sentence[slice(*place)]):
                    seen.add(sentence)
                    yield sentence, place, _around(*arabic[q["id"]])[0], other


def _around(text: str, answer: dict) -> tuple[str, tuple[int, int]]:
    """The sentence in which an answer begins, and where the answer stands in it."""
    start = answer["answer_start"]
    end = start + len(answer["text"])
    held = next(s for s in split_sentences(text) if s.start <= start < s.end)
    return text[held.start : max(held.end, end)], (start - held.start, end - held.start)


def near(embedder: Embedder, english: str, told: np.ndarray) -> list[tuple[str, int, float]]:
    """The words that ``rag.alignment`` looks at, where they begin, and how near each comes to the
    token vectors of the Arabic sentence, (t, d)."""
    found = nearness(english, embedder.embed_query_tokens(english), [told])
    return [(match.group(), match.start(), value) for match, value in found]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("xquad", type=Path, help="folder with dev.ar.json and dev.en.json")
    parser.add_argument("--limit", type=int, default=None, help="sentences")
    arguments = parser.parse_args()
    name = Settings().embedder
    embedder = open_embedder(installed_path(name), get_spec(name).identity)
    chance = random.Random(SEED)
    rows = list(sentences(arguments.xquad))
    chance.shuffle(rows)
    rows = rows[: arguments.limit]
    told = [embedder.embed_query_tokens(arabic).vectors for _, _, arabic, _ in tqdm(rows, "Arabic")]
    words = [
        near(embedder, english, one)
        for (english, *_), one in zip(tqdm(rows, "right"), told, strict=True)
    ]
    vocabulary = [word for found in words for word, *_ in found]
    cosines: list[tuple[bool, float]] = []
    answers: list[tuple[bool, float]] = []
    singly = [(True, value) for found in words for *_, value in found]
    for (english, (start, end), arabic, others), own, one in zip(
        tqdm(rows, "replaced"), words, told, strict=True
    ):
        other = chance.choice(others)
        wrong = english[:start] + other + english[end:]
        right_words = [value for _, at, value in own if start <= at < end]
        last = start + len(other)
        wrong_words = [v for _, at, v in near(embedder, wrong, one) if start <= at < last]
        if right_words and wrong_words:
            whole = embedder.embed_query(arabic)
            for right, text, values in (
                (True, english, right_words),
                (False, wrong, wrong_words),
            ):
                cosines.append((right, float(embedder.embed_query(text) @ whole)))
                answers.append((right, min(values)))
        for word, at, _ in chance.sample(own, min(REPLACED, len(own))):
            new = chance.choice(vocabulary)
            if new not in english.split():
                changed = english[:at] + new + english[at + len(word) :]
                singly += [(False, v) for _, b, v in near(embedder, changed, one) if b == at]
    for what, found in (
        ("sentences' cosine", cosines), ("answer's words", answers), ("single words", singly)
    ):  # fmt: skip
        labels, values = zip(*found, strict=True)
        print(f"{what}: AUROC {roc_auc_score(labels, values):.3f} (n = {len(found)})")
    for right, name in ((True, "right"), (False, "wrong")):
        apart = [value < COUNTERPART for label, value in singly if label is right]
        print(f"{name} words without a counterpart: {np.mean(apart):.3f} (n = {len(apart)})")
    holding = [any(value < COUNTERPART for *_, value in found) for found in words]
    print(f"right sentences that hold such a word: {np.mean(holding):.3f} (n = {len(holding)})")


if __name__ == "__main__":
    main()
