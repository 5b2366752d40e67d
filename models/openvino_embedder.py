"""The accelerated embedder: the same weights in INT8 on all cores, without PyTorch.

About four times as fast as stock sentence-transformers in fp32 on a CPU, with a mean cosine to
it of .999 (``benchmarks/embedding.py`` measures both). Inputs are batched with others of their
length, so hardly any padding is computed and a text's vector does not depend on its company.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openvino
from tokenizers import Encoding, Tokenizer

from models.embedding_inputs import (
    Inputs,
    flatten,
    normalised,
    own_ends,
    own_spans,
    padded_length,
    plan_batches,
    turn_of,
)
from models.openvino_conversion import converted
from models.protocols import (
    EmbedderIdentity,
    ModelError,
    PassageInput,
    PassageVectors,
    TextTokens,
    TokenStates,
)
from models.token_vectors import DIMENSIONS, compact

MAX_TOKENS = 2048
# Batches of about a thousand tokens measured best: larger ones outgrow the processor's caches,
# smaller ones leave cores idle.
BATCH_TOKENS = 1024
BATCH_TEXTS = 64


class OpenVINOEmbedder:
    """EmbeddingGemma through OpenVINO. Threads may share it: batches take turns.

    A question waits for the batch that is running, not for the whole ingest.
    """

    variant = "openvino-int8"

    def __init__(self, folder: Path, identity: EmbedderIdentity, model: Path, threads: int) -> None:
        """``folder`` holds ``tokenizer.json``, ``model`` what ``converted`` made of it.

        Raises ModelError where the files cannot be used.
        """
        self.identity = identity
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128",
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            with ThreadPoolExecutor(1) as pool:  # both take about a second and use one core
                tokenizer = pool.submit(load_tokenizer, folder / "tokenizer.json")
                compiled = openvino.Core().compile_model(model / "model.xml", "CPU", options)
                self._tokenizer = tokenizer.result()
            self._dense = np.load(model / "dense.npy")
        except (RuntimeError, OSError, ValueError) as error:
            raise ModelError(
                f"The converted embedder in {model} cannot be loaded: {error}. "
                "Remove that folder; it is made anew at the next start."
            ) from error
        if self._dense.shape[1] != identity.dimension:
            raise ModelError(
                f"{model} gives vectors of {self._dense.shape[1]} numbers, {identity.name} has "
                f"{identity.dimension}. Remove that folder; it is made anew at the next start."
            )
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()
        self._last_question: tuple[str, Encoding, np.ndarray] | None = None

    def embed_query(self, text: str) -> np.ndarray:
        """(d,) float32 vector of a question."""
        _, hidden = self._question(text)
        return normalised(hidden.mean(axis=0) @ self._dense)

    def embed_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Vectors of passages and of their sentences, in the order given."""
        inputs = flatten(passages, self.identity)
        return inputs.assemble(*self._vectors(inputs))

    def embed_query_tokens(self, text: str) -> TextTokens:
        """The tokens of a question or a sentence, with the query prompt in front."""
        encoding, hidden = self._question(text)
        before = len(self.identity.query_prompt)
        own = _own(before, encoding)
        spans = own_spans([encoding.offsets[i] for i in own], before)
        return TextTokens(normalised(hidden[own] @ self._dense), spans)

    def token_states(self, text: str, *, before: str) -> TokenStates:
        """What the tokens of a text are to the middle layer, after what stands before it."""
        found: list[TokenStates] = []

        def keep(_: int, encoding: Encoding, states: np.ndarray) -> None:
            own = _own(len(before), encoding)
            spans = own_spans([encoding.offsets[i] for i in own], len(before))
            found.append(TokenStates(states[own], own_ends(text, spans)))

        self._run([before + text], keep, middle=True)
        return found[0]

    def _question(self, text: str) -> tuple[Encoding, np.ndarray]:
        """The tokens of a question with its prompt, and the output for all, (t, width).

        That of the last question is kept: its vector and its tokens are asked for in turn.
        """
        last = self._last_question
        if last is None or last[0] != text:
            kept: list[tuple[Encoding, np.ndarray]] = []
            prompted = self.identity.query_prompt + text
            self._run([prompted], lambda _, e, h: kept.append((e, h.copy())))
            last = self._last_question = (text, *kept[0])
        return last[1:]

    def _vectors(self, inputs: Inputs) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """(n, d) float32: mean of the token vectors, dense layers, length 1; sentences' tokens."""
        means = np.zeros((len(inputs.texts), self._dense.shape[0]), dtype=np.float32)
        kept = np.ascontiguousarray(self._dense[:, :DIMENSIONS])
        sentences = inputs.sentences
        tokens: dict[int, np.ndarray] = {}

        def keep(index: int, encoding: Encoding, hidden: np.ndarray) -> None:
            means[index] = hidden.mean(axis=0)
            if index in sentences:
                tokens[index] = compact(hidden[_own(inputs.prompts[index], encoding)] @ kept)

        self._run(inputs.texts, keep)
        return normalised(means @ self._dense), tokens

    def _run(
        self,
        texts: Sequence[str],
        keep: Callable[[int, Encoding, np.ndarray], None],
        middle: bool = False,
    ) -> None:
        """Call ``keep`` with the index, the tokens and the (t, width) output of every text: of the
        last layer, or of the middle one.

        The output is a view that the next batch overwrites.
        """
        encodings = self._tokenizer.encode_batch(list(texts))
        for batch in plan_batches([len(e.ids) for e in encodings], BATCH_TOKENS, BATCH_TEXTS):
            width = padded_length(len(encodings[batch[0]].ids))
            ids = np.zeros((len(batch), width), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(batch):
                ids[row, : len(encodings[i].ids)] = encodings[i].ids
                mask[row, : len(encodings[i].ids)] = 1
            with turn_of(self._turn, self.identity):
                outputs = self._request.infer([ids, mask], share_inputs=True, share_outputs=True)
                output = outputs[1 if middle else 0]
                for row, i in enumerate(batch):
                    keep(i, encodings[i], output[row, : len(encodings[i].ids)])


def _own(prompt: int, encoding: Encoding) -> list[int]:
    """Indices of the tokens of what follows a prompt of so many characters, without the marks."""
    return [i for i, (_, end) in enumerate(encoding.offsets) if end > prompt]


def load_tokenizer(path: Path) -> Tokenizer:
    """The model's tokenizer, cutting at 2,048 tokens, beginning and end marks included."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more specific
        raise ModelError(f"{path} is not a tokenizer that can be read: {error}") from error
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def open_openvino(
    folder: Path,
    identity: EmbedderIdentity,
    threads: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> OpenVINOEmbedder:
    """The accelerated embedder, converting the weights first where that was not done yet."""
    return OpenVINOEmbedder(folder, identity, converted(folder, identity, progress), threads)
