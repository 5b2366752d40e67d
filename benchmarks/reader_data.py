"""Questions with texts that answer them and texts that nearly do: what the reader learns from.

Made of SQuAD files of the same questions in several languages. Every question is paired with its
own paragraph (answerable), with the most similar other paragraph that does not hold its answer, and
with its own paragraph from which the sentence that answers is taken out: near in every way, and yet
no answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.protocols import Embedder, PairStates, PassageInput
from rag.sentences import split_sentences
from vectorstore.arabic import fold

MIXES = (("ar", "ar"), ("en", "ar"), ("ar", "en"), ("en", "en"))  # of question and text
CHUNK = 400  # pairs whose states lie in one file


@dataclass(frozen=True)
class Pair:
    """A question and a text. ``start``, ``end``: the answer in ``text``, both -1 where it is not.

    ``story``: the article that the paragraph is of, for folds that share none. ``kind``: "own",
    "other" (paragraph) or "without" (the sentence that answers).
    """

    question_id: str
    question: str
    text: str
    start: int
    end: int
    story: str
    kind: str
    languages: str


@dataclass(frozen=True)
class _Asked:
    question: str
    paragraph: int
    answers: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class _File:
    paragraphs: tuple[str, ...]
    stories: tuple[str, ...]
    asked: dict[str, _Asked]


def _read(path: Path) -> _File:
    paragraphs, stories, asked = [], [], {}
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for q in paragraph["qas"]:
                answers = tuple((a["answer_start"], a["text"]) for a in q["answers"])
                asked[q["id"]] = _Asked(q["question"], len(paragraphs), answers)
            paragraphs.append(paragraph["context"])
            stories.append(article["title"])
    return _File(tuple(paragraphs), tuple(stories), asked)


def make_pairs(folder: Path, embedder: Embedder) -> list[Pair]:
    """All pairs of the files ``dev.LANGUAGE.json`` in a folder, in a fixed order."""
    files = {lang: _read(folder / f"dev.{lang}.json") for lang in {m[1] for m in MIXES}}
    near = _neighbours(files["ar"], embedder)
    pairs = []
    for asks, text in MIXES:
        file = files[text]
        for question_id, asked in files[asks].asked.items():
            held = file.asked[question_id]
            own = file.paragraphs[held.paragraph]
            start, words = held.answers[0]
            common = {
                "question_id": question_id,
                "question": asked.question,
                "story": file.stories[held.paragraph],
                "languages": f"{asks}-{text}",
            }
            pairs.append(Pair(text=own, start=start, end=start + len(words), kind="own", **common))
            other = next(
                file.paragraphs[p]
                for p in near[question_id]
                if p != held.paragraph and fold(words) not in fold(file.paragraphs[p])
            )
            pairs.append(Pair(text=other, start=-1, end=-1, kind="other", **common))
            rest = _without(own, words)
            pairs.append(Pair(text=rest, start=-1, end=-1, kind="without", **common))
    return pairs


def _without(paragraph: str, words: str) -> str:
    """The paragraph without its sentences that hold the words."""
    kept = [
        paragraph[s.start : s.end]
        for s in split_sentences(paragraph)
        if fold(words) not in fold(paragraph[s.start : s.end])
    ]
    return " ".join(kept)


def _neighbours(file: _File, embedder: Embedder) -> dict[str, list[int]]:
    """Paragraphs by cosine to each question, best first."""
    vectors = np.stack(
        [
            embedder.embed_passages([PassageInput(p, None, ())])[0].passage
            for p in tqdm(file.paragraphs, desc="paragraphs", unit="paragraph")
        ]
    )
    return {
        qid: np.argsort(-(vectors @ embedder.embed_query(asked.question)), kind="stable").tolist()
        for qid, asked in tqdm(file.asked.items(), desc="questions", unit="question")
    }


def read_states(
    pairs: Sequence[Pair], embedder: Embedder, folder: Path
) -> Iterator[tuple[Pair, PairStates]]:
    """The pairs with their hidden states (float16), read once and kept in ``folder``.

    What an interrupted call has read is not read again.
    """
    digest = hashlib.sha256(embedder.identity.key.encode())
    digest.update(json.dumps([asdict(p) for p in pairs]).encode())
    folder = folder / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for first in tqdm(range(0, len(pairs), CHUNK), desc="hidden states", unit=f"{CHUNK} pairs"):
        states_file, spans_file = folder / f"{first:06d}.npy", folder / f"{first:06d}.npz"
        chunk = pairs[first : first + CHUNK]
        if not spans_file.exists():
            read = embedder.read_together([(p.question, p.text) for p in chunk])
            np.save(states_file, np.concatenate([r.states for r in read]).astype(np.float16))
            partial = folder / ".partial.npz"
            ends = np.cumsum([len(r.spans) for r in read])
            np.savez(partial, spans=np.concatenate([r.spans for r in read]), ends=ends)
            partial.rename(spans_file)
        states = np.load(states_file, mmap_mode="r")  # together they may be larger than memory
        with np.load(spans_file) as kept:
            spans, ends = kept["spans"], kept["ends"].tolist()
        for pair, a, b in zip(chunk, [0, *ends], ends, strict=False):
            yield pair, PairStates(states[a:b], spans[a:b])
