"""The reference embedder: plain sentence-transformers in fp32, on a GPU where there is one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from models.embedding_inputs import (
    NO_TITLE,
    STATES_AFTER,
    flatten,
    normalised,
    own_ends,
    own_spans,
    turn_of,
)
from models.protocols import (
    EmbedderIdentity,
    ModelError,
    PassageInput,
    PassageVectors,
    TextTokens,
    TokenStates,
)
from models.token_vectors import compact

BATCH_TEXTS = {"cpu": 4, "mps": 32, "cuda": 64}


class TorchEmbedder:
    """A sentence-transformers folder run as its authors do. Threads may share it."""

    def __init__(self, folder: Path, identity: EmbedderIdentity, device: str, threads: int) -> None:
        """``device``: "cpu", "cuda" or "mps"; ``threads``: of the CPU, 0 for all cores.

        Raises ModelError where the folder cannot be loaded or its prompts are not ours.
        """
        self.identity = identity
        self.variant = f"torch-fp32-{device}"
        if threads and device == "cpu":
            torch.set_num_threads(threads)
        try:
            self.model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"The embedder in {folder} cannot be loaded: {error}") from error
        expected = {
            "query": identity.query_prompt,
            "document": identity.document_prompt.format(title=NO_TITLE),
        }
        for name, prompt in expected.items():
            if self.model.prompts.get(name) != prompt:
                raise ModelError(
                    f"{folder} has the {name} prompt {self.model.prompts.get(name)!r}, expected "
                    f"{prompt!r}. Run: mustanad models verify {identity.name}"
                )
        self._batch = BATCH_TEXTS[device]
        self._turn = threading.Lock()

    def embed_query(self, text: str) -> np.ndarray:
        """(d,) float32 vector of a question."""
        with turn_of(self._turn, self.identity):
            return normalised(self.model.encode_query(text, show_progress_bar=False))

    def embed_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Vectors of passages and of their sentences, in the order given."""
        inputs = flatten(passages, self.identity)
        if not inputs.texts:
            return []
        with turn_of(self._turn, self.identity):
            outputs = self.model.encode_document(
                list(inputs.texts),
                prompt="",  # the texts have their prompts already: titles differ
                batch_size=self._batch,
                output_value=None,
                show_progress_bar=False,
            )
            vectors = torch.stack([output["sentence_embedding"] for output in outputs])
            tokens = {
                i: compact(self._own_tokens(inputs.texts[i], inputs.prompts[i], outputs[i])[0])
                for i in inputs.sentences
            }
        return inputs.assemble(normalised(vectors.cpu().numpy()), tokens)

    def embed_query_tokens(self, text: str) -> TextTokens:
        """The tokens of a question or a sentence, with the query prompt in front."""
        prompt = self.identity.query_prompt
        with turn_of(self._turn, self.identity):
            output = self.model.encode_query(text, output_value=None, show_progress_bar=False)
            vectors, spans = self._own_tokens(prompt + text, len(prompt), output)
            return TextTokens(normalised(vectors), own_spans(spans, len(prompt)))

    @torch.inference_mode()
    def token_states(self, text: str, *, before: str) -> TokenStates:
        """What the tokens of a text are to the middle layer, after what stands before it."""
        with turn_of(self._turn, self.identity):
            read = self.model.tokenizer(
                before + text, truncation=True, return_offsets_mapping=True, return_tensors="pt"
            )
            offsets = [tuple(span) for span in read.pop("offset_mapping")[0].tolist()]
            found = self.model[0].auto_model(
                **read.to(self.model.device), use_cache=False, output_hidden_states=True
            )
        own = [i for i, (_, end) in enumerate(offsets) if end > len(before)]
        spans = own_spans([offsets[i] for i in own], len(before))
        states = found.hidden_states[STATES_AFTER][0, own].float().cpu().numpy()
        return TokenStates(states, own_ends(text, spans))

    @torch.inference_mode()
    def _own_tokens(
        self, text: str, prompt: int, output: dict[str, torch.Tensor]
    ) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """The tokens of ``text`` that follow ``prompt`` characters, (t, d) after all layers, and
        where they stand in ``text``."""
        spans = self.model.tokenizer(text, truncation=True, return_offsets_mapping=True)[
            "offset_mapping"
        ]
        own = [i for i, (_, end) in enumerate(spans) if end > prompt]
        features = {"sentence_embedding": output["token_embeddings"][own]}
        for layer in list(self.model)[2:]:  # after the transformer and the pooling
            features = layer(features)
        return features["sentence_embedding"].cpu().numpy(), [spans[i] for i in own]
