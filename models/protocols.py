"""What the rest of Mustanad may ask of an embedder and of a language model.

Two protocols and their value types. Every implementation (accelerated, reference, in process,
over HTTP, fake) is used through these and nothing else, so a better model is a change of
settings, not of code.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np

from models.token_vectors import TokenVectors


@dataclass(frozen=True)
class EmbedderIdentity:
    """What makes two vectors comparable; an archive refuses an embedder of another identity.

    INT8 and fp32 runs of the same weights share an identity: ``variant`` on the embedder tells
    them apart and is recorded, not compared.
    """

    name: str
    weights_sha256: str
    query_prompt: str
    document_prompt: str
    dimension: int

    @property
    def key(self) -> str:
        """A short stable digest of all the fields, for storing and comparing."""
        joined = "\0".join(f"{k}={v}" for k, v in sorted(asdict(self).items()))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PassageInput:
    """A passage to embed: its text, its article's title, and where its sentences lie in ``text``.

    ``sentences`` are (start, end) code-point offsets relative to ``text``, in order, not
    overlapping, each non-empty.
    """

    text: str
    title: str | None
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PassageVectors:
    """``passage``: (d,) float32; ``sentences``: (n, d) float32, a row a sentence; L2-normalised.

    ``tokens``: compact vectors of the sentences' own tokens, from the same forward passes.
    """

    passage: np.ndarray
    sentences: np.ndarray
    tokens: TokenVectors


@dataclass(frozen=True)
class TextTokens:
    """What an embedder makes of a text's own tokens: (t, d) L2-normalised float32 ``vectors``, and
    the (start, end) of each in the text."""

    vectors: np.ndarray
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class TokenStates:
    """What a model makes of a text's tokens: (n, d) float32, a row a token, and where each ends,
    an offset into the text's UTF-8 bytes."""

    states: np.ndarray
    ends: tuple[int, ...]


class Embedder(Protocol):
    """Text to L2-normalised float32 vectors of ``identity.dimension`` numbers."""

    identity: EmbedderIdentity
    variant: str  # how the weights are run, e.g. "openvino-int8" or "torch-fp32"

    def embed_query(self, text: str) -> np.ndarray:
        """(d,) vector of a question, with the query prompt."""
        ...

    def embed_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Vectors of passages and of their sentences, in the order given.

        Sorting by length, batching and the use of all cores are the embedder's business; callers
        pass some dozens to some hundreds of passages at a time and report progress between calls.
        """
        ...

    def embed_query_tokens(self, text: str) -> TextTokens:
        """The tokens of a question or a sentence, with the query prompt in front, which is left
        out."""
        ...

    def token_states(self, text: str, *, before: str) -> TokenStates:
        """What the tokens of ``text`` are to a middle layer, which sees all of ``before`` and
        ``text`` at once (``embedding_inputs.STATES_AFTER``)."""
        ...


@dataclass(frozen=True)
class Message:
    """One turn of a prompt: role is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Capabilities:
    """What a language model can do beyond generating text."""

    logits: bool  # next_token_probabilities works
    grammar: bool  # GBNF grammars are obeyed
    prefix_state: bool  # a constant prefix is computed once and restored; prepare works
    prefill: bool  # the beginning of the answer can be given
    states: bool = False  # token_states works


LLAMA_CPP = Capabilities(logits=True, grammar=True, prefix_state=True, prefill=True, states=True)


class ModelError(RuntimeError):
    """A model could not be loaded or failed while running; the message says what to do."""


class Cancelled(Exception):
    """Raised out of a generation whose ``cancel`` event was set."""


class LanguageModel(Protocol):
    """A chat model. Deterministic: temperature 0. Calls from several threads are queued."""

    name: str
    identity: str  # SHA-256 of the weights, or the server's URL and model name
    capabilities: Capabilities
    context_tokens: int

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
        """Yield the answer piece by piece, without ``prefill``.

        ``constant``: how many leading messages never change between calls; where the model can,
        their state is computed once, kept, and restored at that exact boundary, so that an answer
        does not depend on what was asked before. Message contents are data: control tokens of the
        model written inside them are read as plain text. Raises Cancelled within a second of
        ``cancel`` being set, ModelError when the model fails.

        ``prefill`` should not end in a space: the models' tokens begin with theirs. Asking again
        with the same messages (another prefill or grammar, or after ``next_token_probabilities``)
        does not read the prompt again.
        """
        ...

    def next_token_probabilities(
        self,
        messages: Sequence[Message],
        options: Sequence[str],
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> dict[str, float]:
        """Probability of each option's first token as the next one, not renormalised.

        Raises ModelError where ``capabilities.logits`` is false.
        """
        ...

    def token_states(
        self,
        text: str,
        *,
        opening: str,
        before: str,
        layer: int,
        cancel: threading.Event | None = None,
    ) -> TokenStates:
        """The residual stream after ``layer``, counted from 0, at the tokens of ``text``.

        ``opening``: how the prompt begins, in the model's own control tokens; ``before``: what
        stands between it and ``text``, plain. Raises ModelError for a text too long, a layer that
        there is none of, and where ``capabilities.states`` is false.
        """
        ...

    def prepare(
        self, messages: Sequence[Message], *, cancel: threading.Event | None = None
    ) -> None:
        """Compute and keep the state of constant messages that a user's turn will follow.

        Only where ``capabilities.prefix_state`` is true; other models need not have this method.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text (estimated at 3 characters each where a server cannot tell)."""
        ...

    def queued(self) -> int:
        """How many calls are waiting or running, for showing a place in the queue."""
        ...

    def close(self) -> None:
        """Free the model; later calls raise ModelError."""
        ...
