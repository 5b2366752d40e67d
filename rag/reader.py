"""Which words of a sentence answer a question, and whether any do: small heads on the states of a
language model and of the embedder.

The language model reads the sentence, the question, and the sentence once more, so that each token
of the second reading has seen all of both (the repetition is that of Springer et al. 2024,
"Repetition Improves Language Model Embeddings"). The embedder, whose attention goes both ways,
reads the question and the sentence together; its states stand beside the model's, token by token. A
head over one middle layer's states of either, a projection and a GRU in both directions, gives each
token's odds to begin, to end and to be inside the answer (the spans of Devlin et al. 2019, "BERT"),
and the sentence's odds to hold one. It is trained for one language model with one embedder
(``python -m benchmarks.reader``) and lies beside the other fitted data under their names.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import as_file, files

import numpy as np

from models.protocols import Embedder, LanguageModel, TokenStates

# The language model's nineteenth of 28: its states tell most (12, 15 and 21 were tried as well).
LAYER = 18
OPENING = "<|im_start|>user\n"
BEFORE = "Sentence: {sentence}\nQuestion: {question}\nSentence: "
TOGETHER = "task: question answering | query: {question}\nSentence: "  # for the embedder
LONGEST_ANSWER = 14  # words
_PUNCTUATION = " ،.,؛;:؟?!…()[]{}«»“”„\"'–—"
_WORD = re.compile(r"\S+")
_JOINED = re.compile(r"[وفبلك]+(?=\d)")  # particles before a figure


@dataclass(frozen=True)
class Reading:
    """What the head makes of a sentence's tokens.

    ``starts``, ``ends``: (n,) log probabilities that the answer, if there is one, begins and ends
    with a token; ``inside``: (n,) log odds that a token belongs to it; ``answers``: log odds that
    there is one. ``words``: (start, end) of the sentence's words; ``tokens``: their first and last.
    """

    starts: np.ndarray
    ends: np.ndarray
    inside: np.ndarray
    answers: float
    words: tuple[tuple[int, int], ...]
    tokens: tuple[tuple[int, int], ...]

    @cached_property
    def scores(self) -> np.ndarray:
        """(words, words): how well the words from one number to another answer; comparable within
        a sentence."""
        if not self.words:
            return np.empty((0, 0), dtype=np.float32)
        firsts, lasts = np.array(self.tokens).T
        places = list(zip(firsts, lasts + 1, strict=True))
        begins = np.array([np.logaddexp.reduce(self.starts[a:b]) for a, b in places])
        ends = np.array([np.logaddexp.reduce(self.ends[a:b]) for a, b in places])
        inside = np.concatenate([[0.0], np.cumsum(self.inside)])
        long = np.maximum(1, lasts[None] + 1 - firsts[:, None])
        mean = (inside[lasts + 1][None] - inside[firsts][:, None]) / long
        return begins[:, None] + ends[None] + mean

    def best(self) -> tuple[int, int] | None:
        """(start, end) offsets of the words that answer best, without punctuation around them."""
        if not self.words:
            return None
        number = np.arange(len(self.words))
        words = number[None] + 1 - number[:, None]
        spans = np.where((words > 0) & (words <= LONGEST_ANSWER), self.scores, -np.inf)
        first, last = np.unravel_index(spans.argmax(), spans.shape)
        return self.words[first][0], self.words[last][1]

    def score_of(self, start: int, end: int) -> float | None:
        """The score of the words that a run of characters touches, None where it touches none."""
        touched = [i for i, (a, b) in enumerate(self.words) if a < end and start < b]
        return float(self.scores[touched[0], touched[-1]]) if touched else None


class Reader:
    """The heads, trained for one language model with one embedder."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        """``weights``: as ``benchmarks.reader`` writes them, (heads, …) each."""
        self._weights = {name: np.asarray(w, dtype=np.float32) for name, w in weights.items()}

    def subset(self, first: int, step: int) -> Reader:
        """Of the heads, which are averaged, only every ``step``-th from number ``first`` on."""
        return Reader({name: w[first::step] for name, w in self._weights.items()})

    def read(
        self,
        model: LanguageModel,
        embedder: Embedder,
        question: str,
        sentence: str,
        cancel: threading.Event | None = None,
    ) -> Reading:
        """Read a sentence for a question. Raises ModelError and Cancelled as the language model
        does."""
        return self.reading(sentence, states_of(model, embedder, question, sentence, cancel))

    def reading(self, sentence: str, found: TokenStates) -> Reading:
        """The same from the states of the sentence's tokens."""
        w = self._weights
        x = (found.states - w["mean"][:, None]) / w["deviation"][:, None]
        z = _gelu(x @ w["project"].swapaxes(1, 2) + w["project_bias"][:, None])
        back = _gru(z[:, ::-1], w, "backward")[:, ::-1]
        z = z + np.concatenate([_gru(z, w, "forward"), back], axis=2)
        scores = (z @ w["token"].swapaxes(1, 2) + w["token_bias"][:, None]).mean(axis=0)
        answers = (
            np.einsum("kd,kd->k", z.max(axis=1), w["sentence"][:, 0]) + w["sentence_bias"][:, 0]
        )
        words = [m.span() for m in _WORD.finditer(sentence) if m.group().strip(_PUNCTUATION)]
        return Reading(
            _log_softmax(scores[:, 0]),
            _log_softmax(scores[:, 1]),
            scores[:, 2],
            float(answers.mean()),
            tuple(_bare(sentence, *word) for word in words),
            tuple(tokens_of(*word, sentence, found.ends) for word in words),
        )


def states_of(
    model: LanguageModel,
    embedder: Embedder,
    question: str,
    sentence: str,
    cancel: threading.Event | None = None,
) -> TokenStates:
    """The states of a sentence's tokens after the question, as the head wants them: the language
    model's and then the embedder's in a row, for each of the language model's tokens."""
    before = BEFORE.format(sentence=sentence, question=question)
    states = model.token_states(
        sentence, opening=OPENING, before=before, layer=LAYER, cancel=cancel
    )
    return beside(
        states, embedder.token_states(sentence, before=TOGETHER.format(question=question))
    )


def beside(states: TokenStates, others: TokenStates) -> TokenStates:
    """States of a text's tokens, with the mean of those of another model's tokens that each of them
    touches: behind where that model's limit cut the text, those of its last token; zeros where it
    read none of the text."""
    if not others.ends:
        nothing = np.zeros((len(states.ends), others.states.shape[1]), dtype=np.float32)
        return TokenStates(np.concatenate([states.states, nothing], axis=1), states.ends)
    begins = (0, *states.ends[:-1])
    most = len(others.ends) - 1
    firsts = np.minimum(np.searchsorted(others.ends, begins, side="right"), most)
    lasts = np.clip(np.searchsorted(others.ends, states.ends, side="left"), firsts, most)
    sums = np.cumsum(others.states, axis=0, dtype=np.float64)
    touched = sums[lasts] - sums[firsts] + others.states[firsts]
    mean = (touched / (lasts + 1 - firsts)[:, None]).astype(np.float32)
    return TokenStates(np.concatenate([states.states, mean], axis=1), states.ends)


def heads_file(language_model: str, embedder: str) -> str:
    """The name of the file in ``rag/data`` with the heads for two models of the catalogue."""
    return f"reader-{language_model}-{embedder}.npz"


@cache
def load_reader(language_model: str, embedder: str) -> Reader | None:
    """The heads for two models' catalogue names, if any were trained."""
    file = files("rag").joinpath("data", heads_file(language_model, embedder))
    if not file.is_file():
        return None
    with as_file(file) as path, np.load(path) as weights:
        return Reader(dict(weights))


def tokens_of(start: int, end: int, text: str, ends: Sequence[int]) -> tuple[int, int]:
    """Numbers of the first and the last token of ``text[start:end]``; ``ends``: as in
    TokenStates."""
    first = len(text[:start].encode())
    last = first + len(text[start:end].encode())
    i = int(np.searchsorted(ends, first, side="right"))
    return i, max(i, int(np.searchsorted(ends, last, side="left")))


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """A word without the punctuation around it, a figure without what is joined to it."""
    word = text[start:end]
    first = end - len(word.lstrip(_PUNCTUATION))
    if joined := _JOINED.match(text, first, end):
        first = joined.end()
    return first, start + len(word.rstrip(_PUNCTUATION))


def _gru(x: np.ndarray, w: Mapping[str, np.ndarray], way: str) -> np.ndarray:
    """(heads, n, h) states of gated recurrent units over (heads, n, d), PyTorch's weights and their
    order."""
    inputs = x @ w[f"{way}_input"].swapaxes(1, 2) + w[f"{way}_input_bias"][:, None]
    recurrent, bias = w[f"{way}_hidden"], w[f"{way}_hidden_bias"]
    heads, length, _ = x.shape
    size = recurrent.shape[2]
    state = np.zeros((heads, size), dtype=np.float32)
    states = np.empty((heads, length, size), dtype=np.float32)
    for i in range(length):
        row, kept = inputs[:, i], (recurrent @ state[..., None])[..., 0] + bias
        reset = _sigmoid(row[:, :size] + kept[:, :size])
        update = _sigmoid(row[:, size : 2 * size] + kept[:, size : 2 * size])
        new = np.tanh(row[:, 2 * size :] + reset * kept[:, 2 * size :])
        state = states[:, i] = (1 - update) * new + update * state
    return states


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def _gelu(x: np.ndarray) -> np.ndarray:
    """With the tanh approximation."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.logaddexp.reduce(x)
