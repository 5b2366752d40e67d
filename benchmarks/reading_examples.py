"""Examples for the heads that find the answering words: questions with sentences found for them,
and the language model's and the embedder's states of these.

See ``benchmarks.reader``, which trains and measures the heads on them.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from tqdm import tqdm

from benchmarks.retrieval import LANGUAGES, MADE_UP
from models.embedding_inputs import STATES_AFTER
from models.protocols import Embedder, LanguageModel, TokenStates
from rag.assistant import Assistant, embedder_of, language_model_of
from rag.evaluation.archive import build_archive
from rag.evaluation.questions import Question, load_questions
from rag.excerpts import clip, find_words
from rag.reader import BEFORE, LAYER, OPENING, TOGETHER, states_of
from rag.rereading import LONGEST_READ
from rag.settings import Settings
from vectorstore.arabic import fold

LOOKED_AT = 7  # sentences found for a question
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

    def key(self, model: LanguageModel, embedder: Embedder) -> str:
        """What its states are kept under."""
        one = (model.identity, str(LAYER), OPENING, BEFORE)
        other = (embedder.identity.key, embedder.variant, str(STATES_AFTER), TOGETHER)
        parts = (*one, *other, self.question, self.sentence)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def fold_of(article: str) -> int:
    """The part of the data that a paragraph, or the article of that name, is tested in."""
    return zlib.crc32(article.encode()) % FOLDS


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


def all_examples(xquad: Path, limit: int | None) -> list[Example]:
    """Examples from XQuAD's questions and from both folders of made-up news, in a fixed order that
    mixes them."""
    read = {lang: load_questions(xquad / f"dev.{lang}.json", xquad / "dev.ar.json")
            for lang in LANGUAGES}  # fmt: skip
    arabic = {q.id: q.answers for q in read["ar"].questions}
    asked = [
        (q, arabic[q.id], q.paragraph.text) for r in read.values() for q in r.questions[:limit]
    ]
    found: list[Example] = []
    with build_archive([], read["ar"].paragraphs, Settings(), lambda *_: None) as assistant:
        found += examples_of(assistant, "XQuAD", asked)
    for made_up in (MADE_UP, MADE_UP_LONG):
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
    embedder = embedder_of(settings)
    model = language_model_of(settings)
    try:
        for example in tqdm(examples, desc="reading", unit="sentence"):
            path = folder / f"{example.key(model, embedder)}.npz"
            if not path.exists():
                states = states_of(model, embedder, example.question, example.sentence)
                part = path.with_suffix(".part")
                with part.open("wb") as file:
                    np.savez(file, states=states.states.astype(np.float16), ends=states.ends)
                part.rename(path)
            with np.load(path) as kept:
                found.append(TokenStates(kept["states"], tuple(map(int, kept["ends"]))))
    finally:
        model.close()
    return found
