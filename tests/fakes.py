"""An embedder and a language model that need no weights and count their calls."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from models.protocols import (
    Cancelled,
    Capabilities,
    EmbedderIdentity,
    Message,
    ModelError,
    PassageInput,
    PassageVectors,
    TextTokens,
    TokenStates,
)
from models.token_vectors import compact, together
from rag.reader import Reading
from vectorstore.arabic import fold, fold_aligned

DIMENSION = 64


class FakeEmbedder:
    """Bag of folded words hashed into 64 dimensions: texts that share words are near."""

    variant = "fake"

    def __init__(self, name: str = "fake") -> None:
        self.identity = EmbedderIdentity(name, "0" * 64, "query: ", "text: ", DIMENSION)
        self.queries = 0
        self.passages = 0

    def _vector(self, text: str) -> np.ndarray:
        vector = np.full(DIMENSION, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", fold(text)):
            digest = hashlib.sha256(word.removeprefix("ال").encode()).digest()
            vector[digest[0] % DIMENSION] += 1 if digest[1] % 2 else -1
        return vector / np.linalg.norm(vector)

    def embed_query(self, text: str) -> np.ndarray:
        self.queries += 1
        return self._vector(text)

    def embed_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        self.passages += len(passages)
        return [
            PassageVectors(
                self._vector(p.text),
                np.stack([self._vector(p.text[a:b]) for a, b in p.sentences])
                if p.sentences
                else np.zeros((0, DIMENSION), np.float32),
                together(
                    [compact(self._tokens(p.text[a:b])) for a, b in p.sentences], DIMENSION // 8
                ),
            )
            for p in passages
        ]

    def embed_query_tokens(self, text: str) -> TextTokens:
        folded, places = fold_aligned(text)
        words = re.finditer(r"\w+", folded)
        spans = tuple((places[m.start()], places[m.end() - 1] + 1) for m in words)
        return TextTokens(self._tokens(text), spans)

    def token_states(self, text: str, *, before: str) -> TokenStates:
        """A word a token, each as it is by itself and what stands before all of them."""
        ends = tuple(len(text[: m.end()].encode()) for m in re.finditer(r"\S+", text))
        words = [self._vector(word) + self._vector(before) for word in text.split()]
        return TokenStates(np.stack(words), ends)

    def _tokens(self, text: str) -> np.ndarray:
        """A vector of 64 signs a word: equal words are equal, others nearly at right angles."""
        words = [word.removeprefix("ال") for word in re.findall(r"\w+", fold(text))]
        bits = [np.frombuffer(hashlib.sha256(word.encode()).digest()[:8], "u1") for word in words]
        signs = np.unpackbits(np.reshape(bits, (len(bits), 8)).astype("u1"), axis=1)
        return (signs.astype(np.float32) * 2 - 1) / np.sqrt(DIMENSION)


class FakeLanguageModel:
    """Says what ``reply`` returns for the prompt, word by word; keeps every prompt it was given.

    Under a grammar it says ``copied``; without that it takes none.
    """

    name = "fake"
    identity = "fake"
    context_tokens = 4096

    def __init__(
        self, reply=lambda messages: "لا أعرف", probabilities=None, copied: str | None = None
    ) -> None:
        self.reply = reply
        self.copied = copied
        self.probabilities = probabilities
        self.capabilities = Capabilities(
            logits=probabilities is not None,
            grammar=copied is not None,
            prefix_state=False,
            prefill=True,
        )
        self.prompts: list[tuple[Message, ...]] = []
        self.prefills: list[str] = []
        self.closed = False

    def generate(
        self,
        messages: Sequence[Message],
        *,
        constant: int = 0,
        prefill: str = "",
        max_tokens: int = 200,
        stop: Sequence[str] = (),
        grammar: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[str]:
        if self.closed:
            raise ModelError("the fake model is closed")
        self.prompts.append(tuple(messages))
        self.prefills.append(prefill)
        said = self.reply(list(messages)) if grammar is None else self.copied
        for piece in re.findall(r"\s*\S+|\n", said):
            if cancel is not None and cancel.is_set():
                raise Cancelled
            yield piece

    def next_token_probabilities(
        self,
        messages: Sequence[Message],
        options: Sequence[str],
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> dict[str, float]:
        if self.probabilities is None:
            raise ModelError("the fake model was made without probabilities")
        self.prompts.append(tuple(messages))
        return {option: self.probabilities.get(option, 0.0) for option in options}

    def count_tokens(self, text: str) -> int:
        return max(1, len(text) // 3)

    def queued(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


class FakeReader:
    """Points to the words it was told, in the sentences that hold them; ``answers``: words to the
    log odds that their sentence answers, and how sure it is of them. It keeps what it read."""

    def __init__(self, answers: dict[str, tuple[float, float]]) -> None:
        self.answers = answers
        self.sentences: list[str] = []
        self.questions: list[str] = []

    def read(self, model, embedder, question, sentence, cancel=None) -> Reading:
        self.embedder = embedder
        self.sentences.append(sentence)
        self.questions.append(question)
        spans = [m.span() for m in re.finditer(r"[^\s.،؟]+", sentence)]
        told, odds, sure = "", -3.0, -9.0
        for words, known in self.answers.items():
            if words in sentence:
                told, (odds, sure) = words, known
        start = sentence.index(told)
        starts = np.array([sure / 2 if told and a == start else -9.0 for a, _ in spans])
        ends = np.array([sure / 2 if told and b == start + len(told) else -9.0 for _, b in spans])
        tokens = tuple((i, i) for i in range(len(spans)))
        return Reading(starts, ends, np.zeros(len(spans)), odds, tuple(spans), tokens)
