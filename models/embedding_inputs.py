"""From passages to the strings an embedder reads, and back: what every backend does alike.

A passage is read as ``title: TITLE | text: PASSAGE``. Its sentences are read one by one in the
same form, which orders the sentences of a passage far better than pooling each from the
passage's own pass: over XQuAD's Arabic dev half the gold sentence comes first for .74 instead of
.68 of Arabic questions, and for .77 with the article's title in front of each sentence.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from models.protocols import EmbedderIdentity, ModelError, PassageInput, PassageVectors
from models.token_vectors import compact, together

NO_TITLE = "none"  # what the model was trained to see where there is no title
# Of EmbeddingGemma's 24 layers those that ``token_states`` have passed: heads over question and
# sentence learn from these, while of what the last one gives they learnt nothing (tried once, by a
# copy of ``benchmarks.reader``).
STATES_AFTER = 17
TITLE_CHARACTERS = 200  # a longer one is cut: it is read again with every sentence

TitledText = tuple[str | None, str]  # an article's title and a text of it


def document_prompt(identity: EmbedderIdentity, title: str | None) -> str:
    """The prompt in front of a text of an article: one line, a long title cut at a word."""
    shown = " ".join((title or "").split())
    if len(shown) > TITLE_CHARACTERS:
        shown = shown[: TITLE_CHARACTERS + 1].rsplit(" ", 1)[0][:TITLE_CHARACTERS]
    return identity.document_prompt.format(title=shown or NO_TITLE)


def own_spans(offsets: Sequence[tuple[int, int]], before: int) -> tuple[tuple[int, int], ...]:
    """Where tokens stand in a text, from their offsets in the text with a prompt of ``before``
    characters in front; the first may begin in the prompt."""
    return tuple((max(0, start - before), end - before) for start, end in offsets)


def own_ends(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Where tokens end in the UTF-8 bytes of a text, from their ``own_spans``."""
    bytes_before = [0, *accumulate(len(character.encode()) for character in text)]
    return tuple(bytes_before[end] for _, end in spans)


@contextmanager
def turn_of(lock: threading.Lock, identity: EmbedderIdentity) -> Iterator[None]:
    """Hold the lock while the model runs; its library's failures and a lack of memory become
    ModelErrors."""
    with lock:
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            raise ModelError(
                f"The embedder {identity.name} failed while it ran: {error}. Try again; if it "
                "fails again, close what takes much memory."
            ) from error


@dataclass(frozen=True)
class Inputs:
    """Distinct prompted texts of some passages, and where the vector of each belongs.

    ``prompts`` has the length of each text's prompt in characters. ``places`` has, for every
    passage, the index into ``texts`` of the passage and of each of its sentences. A passage of one
    sentence is one text.
    """

    texts: tuple[str, ...]
    prompts: tuple[int, ...]
    places: tuple[tuple[int, tuple[int, ...]], ...]

    @property
    def sentences(self) -> frozenset[int]:
        """Indices of the texts that are sentences: those whose tokens are kept."""
        return frozenset(i for _, sentences in self.places for i in sentences)

    def assemble(
        self, vectors: np.ndarray, tokens: Mapping[int, np.ndarray]
    ) -> list[PassageVectors]:
        """Vectors of the passages from those of ``texts``, (len(texts), d).

        ``tokens``: compact token vectors (t, w) of each of ``sentences``.
        """
        width = len(compact(vectors[:1])[0]) if len(vectors) else 0
        return [
            PassageVectors(
                vectors[passage].copy(),
                vectors[list(sentences)],
                together([tokens[i] for i in sentences], width),
            )
            for passage, sentences in self.places
        ]


def flatten(passages: Sequence[PassageInput], identity: EmbedderIdentity) -> Inputs:
    """All texts to embed for ``passages``, each once."""
    index: dict[str, int] = {}
    prompts: dict[int, int] = {}
    places = []
    for passage in passages:
        prompt = document_prompt(identity, passage.title)
        whole = index.setdefault(prompt + passage.text, len(index))
        sentences = tuple(
            index.setdefault(prompt + passage.text[start:end], len(index))
            for start, end in passage.sentences
        )
        for i in (whole, *sentences):
            prompts.setdefault(i, len(prompt))
        places.append((whole, sentences))
    return Inputs(tuple(index), tuple(prompts[i] for i in range(len(index))), tuple(places))


def padded_length(tokens: int) -> int:
    """The width at which an input of so many tokens is computed: its length and little more.

    It depends on the input alone: in 8-bit arithmetic the width shifts a vector by about as much
    as the rounding itself, so inputs padded to whatever lies beside them would not repeat. Few
    widths also mean that few shapes have to be prepared by the runtime.
    """
    step = 4 if tokens <= 64 else 8 if tokens <= 128 else 16 if tokens <= 256 else 32
    return -(-tokens // step) * step


def plan_batches(lengths: Sequence[int], padded_tokens: int, texts: int) -> list[list[int]]:
    """Indices of inputs in batches of one padded length each, shortest first.

    A batch holds at most ``texts`` inputs and, padding included, ``padded_tokens`` tokens; an
    input that is longer by itself makes a batch of its own. Every index appears once.
    """
    widths = [padded_length(length) for length in lengths]
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (widths[i], i)):
        if (
            not batches
            or widths[batches[-1][0]] != widths[i]
            or len(batches[-1]) >= texts
            or widths[i] * (len(batches[-1]) + 1) > padded_tokens
        ):
            batches.append([])
        batches[-1].append(i)
    return batches


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; an all-zero row stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
