"""Whether the words of an English sentence have counterparts in an Arabic one.

    python -m benchmarks.alignment SHARED/xquad [--limit N]

Sentences of XQuAD's dev half that hold an answer, in both languages, which human translators made.
In the English one the answer, and in turn each of three words, is replaced by others; a figure
tells how well that shows: the area under the ROC curve of the right against the wrong, by the
cosine of the sentences' vectors and by the nearness of the words (``rag.alignment``).
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
from rag.alignment import APART, nearness
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


def near(embedder: Embedder, english: str, arabic: str) -> list[tuple[str, int, float]]:
    """The words that ``rag.alignment`` looks at, where they begin, and how near each comes."""
    told = [embedder.embed_query_tokens(arabic).vectors]
    found = nearness(english, embedder.embed_query_tokens(english), told)
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
    words = [near(embedder, english, arabic) for english, _, arabic, _ in tqdm(rows, "right")]
    vocabulary = [word for found in words for word, *_ in found]
    cosines: dict[bool, list[float]] = {True: [], False: []}
    answers: dict[bool, list[float]] = {True: [], False: []}
    singly: dict[bool, list[float]] = {True: [v for f in words for *_, v in f], False: []}
    for (english, (start, end), arabic, others), own in zip(
        tqdm(rows, "replaced"), words, strict=True
    ):
        other = chance.choice(others)
        wrong = english[:start] + other + english[end:]
        for right, text, last, found in (
            (True, english, end, own),
            (False, wrong, start + len(other), near(embedder, wrong, arabic)),
        ):
            cosines[right].append(float(embedder.embed_query(text) @ embedder.embed_query(arabic)))
            inside = [value for _, at, value in found if start <= at < last]
            if inside:
                answers[right].append(min(inside))
        for word, at, _ in chance.sample(own, min(REPLACED, len(own))):
            new = chance.choice(vocabulary)
            if new not in english:
                changed = english[:at] + new + english[at + len(word) :]
                singly[False] += [v for _, b, v in near(embedder, changed, arabic) if b == at]
    for what, found in (
        ("sentences' cosine", cosines), ("answer's words", answers), ("single words", singly)
    ):  # fmt: skip
        labels = np.repeat([1, 0], [len(found[True]), len(found[False])])
        auroc = roc_auc_score(labels, found[True] + found[False])
        print(
            f"{what}: AUROC {auroc:.3f} (n = {len(found[True])} right, {len(found[False])} wrong)"
        )
    for right, told in ((True, "right"), (False, "wrong")):
        share = np.mean(np.array(singly[right]) < APART)
        print(f"{told} words without a counterpart: {share:.3f}")


if __name__ == "__main__":
    main()
