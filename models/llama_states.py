"""What llama.cpp's model makes of each token, at one of its middle layers.

A second context over the same weights: the callback that hands a layer out is asked about every
operation, which would slow the context that writes answers down.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import llama_cpp
import numpy as np
from llama_cpp._ggml import libggml

from models.protocols import Cancelled, ModelError

_SEQUENCE = 0

libggml.ggml_get_name.restype = ctypes.c_char_p
libggml.ggml_get_name.argtypes = [ctypes.c_void_p]
libggml.ggml_nbytes.restype = ctypes.c_size_t
libggml.ggml_nbytes.argtypes = [ctypes.c_void_p]
libggml.ggml_backend_tensor_get.restype = None
libggml.ggml_backend_tensor_get.argtypes = [
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_size_t,
]


class LlamaStates:
    """Reads texts up to one layer. Not thread-safe. Use it while the model is open."""

    def __init__(self, model: ctypes.c_void_p, *, tokens: int, threads: int) -> None:
        """``tokens``: of the longest text, all of which are read at once."""
        self.tokens = tokens
        self._width = llama_cpp.llama_model_n_embd(model)
        self._layers = llama_cpp.llama_model_n_layer(model)
        self._wanted = b""
        self._found: np.ndarray | None = None
        self._should_stop: Callable[[], bool] = lambda: False
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = tokens
        parameters.n_outputs_max = 1
        parameters.n_threads = parameters.n_threads_batch = threads
        # The callbacks must outlive the context, which keeps only their addresses.
        self._on_tensor = llama_cpp.ggml_backend_sched_eval_callback(self._take)
        self._on_abort = llama_cpp.ggml_abort_callback(lambda _data: self._should_stop())
        parameters.cb_eval = self._on_tensor
        parameters.abort_callback = self._on_abort
        self._context = llama_cpp.llama_init_from_model(model, parameters)
        if not self._context:
            raise ModelError(
                f"no second context of {tokens} tokens could be opened beside the model's own. "
                "Free some memory"
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(tokens, 0, 1)

    def read(
        self, tokens: Sequence[int], layer: int, should_stop: Callable[[], bool]
    ) -> np.ndarray:
        """(n, width) float32: the residual stream after a layer, counted from 0, at each token.

        Raises Cancelled as soon as ``should_stop()`` is true, and ModelError for too many tokens
        or a layer that the model does not hand out.
        """
        if not 0 <= layer < self._layers or not 0 < len(tokens) <= self.tokens:
            raise ModelError(
                f"layer {layer} of {len(tokens)} tokens was asked for, of a model with "
                f"{self._layers} layers and room for {self.tokens} tokens; shorten the text or "
                "name a layer that there is"
            )
        llama_cpp.llama_memory_clear(self._memory, False)
        for i, token in enumerate(tokens):
            self._batch.token[i] = token
            self._batch.pos[i] = i
            self._batch.n_seq_id[i] = 1
            self._batch.seq_id[i][0] = _SEQUENCE
            self._batch.logits[i] = i == len(tokens) - 1
        self._batch.n_tokens = len(tokens)
        self._wanted, self._found, self._should_stop = f"l_out-{layer}".encode(), None, should_stop
        try:
            code = llama_cpp.llama_decode(self._context, self._batch)
        finally:
            self._should_stop = lambda: False
        if should_stop():
            raise Cancelled
        if self._found is None or len(self._found) != len(tokens):
            raise ModelError(f"llama.cpp (code {code}) handed out nothing of layer {layer}")
        return self._found

    def _take(self, tensor: int, ask: bool, _data: object) -> bool:
        """Asked whether an operation's result is wanted; then given it, and whether to go on."""
        if libggml.ggml_get_name(tensor) != self._wanted:
            return not ask
        if ask:
            return True
        states = np.empty(libggml.ggml_nbytes(tensor) // 4, dtype=np.float32)
        libggml.ggml_backend_tensor_get(tensor, states.ctypes.data, 0, states.nbytes)
        self._found = states.reshape(-1, self._width)
        return False  # the layers above are not needed

    def close(self) -> None:
        """Free the context."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
