"""Does a text answer a question, in which sentence, with which words?

A small network over the frozen embedder's hidden states of the question and the text read together
(``benchmarks/reader.py`` trains it and says how well it does; after SQuAD 2's readers, Rajpurkar et
al. 2018). One is shipped for each embedder that it was trained for, under ``models/data/reader``.
It reads all of the embedder's languages, also a question in one and a text in another.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import openvino

from models.protocols import Embedder, ModelError, PairStates

LONGEST_SPAN = 40  # tokens of a short answer
NONE = -1e9  # a logit that no softmax chooses


@dataclass(frozen=True)
class Reading:
    """What the reader sees in one text. ``logits``: (t, 4) float32 of every token that it begins or
    ends the answer, that its sentence answers, that the whole text does; ``spans``: (t, 2) where
    the tokens lie in the text, (-1, -1) outside it."""

    logits: np.ndarray
    spans: np.ndarray

    @property
    def answerable(self) -> float:
        """Log odds that the text answers the question."""
        return float(self.logits[0, 3])

    def sentence(self, start: int, end: int) -> float:
        """Log odds that what stands at these offsets of the text answers the question."""
        inside = self._inside(start, end)
        return float(self.logits[inside, 2].mean()) if len(inside) else NONE

    def answer(self, start: int, end: int) -> tuple[int, int, float] | None:
        """The most probable answer between two offsets of the text: its own offsets and the
        probability of its ends among all places there; None where no token lies there."""
        inside = self._inside(start, end)
        if not len(inside):
            return None
        begins, ends = (_log_softmax(self.logits[inside, k]) for k in (0, 1))
        scores = begins[:, None] + ends[None, :]
        places = np.arange(len(inside))
        length = places[None, :] - places[:, None]
        scores = np.where((length >= 0) & (length < LONGEST_SPAN), scores, NONE)
        first, last = np.unravel_index(int(scores.argmax()), scores.shape)
        a, b = self.spans[inside[first]][0], self.spans[inside[last]][1]
        return int(a), int(b), float(np.exp(scores[first, last]))

    def _inside(self, start: int, end: int) -> np.ndarray:
        return np.flatnonzero((self.spans[:, 1] > start) & (self.spans[:, 0] < end) & self._in_text)

    @property
    def _in_text(self) -> np.ndarray:
        return self.spans[:, 1] > 0


class Reader:
    """Reads with one embedder. Threads may share it."""

    def __init__(self, embedder: Embedder, model: Path) -> None:
        """``model``: an OpenVINO model of (1, t, layers, width) float32 states and (1, t) int64
        marks of the text's tokens to (1, t, 4) logits. Raises ModelError if it cannot be loaded."""
        self._embedder = embedder
        try:
            compiled = openvino.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        except RuntimeError as error:
            raise ModelError(
                f"The reader in {model} cannot be loaded: {error}. Install Mustanad again."
            ) from error
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What each text says to the question."""
        pairs = self._embedder.read_together([(question, text) for text in texts])
        return [self._read(pair) for pair in pairs]

    def _read(self, pair: PairStates) -> Reading:
        in_text = (pair.spans[:, 1] > 0).astype(np.int64)
        with self._turn:
            result = self._request.infer([pair.states[None], in_text[None]])
            return Reading(result[0][0].copy(), pair.spans)


def reader_path(embedder: str) -> Path:
    """Where the reader of an embedder, a name of the catalogue, would lie."""
    return Path(str(files("models"))) / "data" / "reader" / f"{embedder}.xml"


def open_reader(embedder: Embedder) -> Reader | None:
    """The reader that was trained for an embedder, None where there is none."""
    path = reader_path(embedder.identity.name)
    return Reader(embedder, path) if path.exists() else None


def _log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max()
    return x - np.log(np.exp(x).sum())
