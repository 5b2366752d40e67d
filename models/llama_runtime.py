"""A GGUF model and one sequence of its context, over llama.cpp's C interface.

The high-level ``llama_cpp.Llama`` reuses what the last call left behind and cannot be interrupted
inside a batch, so answers would depend on history and cancelling would wait; the C calls can do
better and are few.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import llama_cpp
import numpy as np
import psutil

from models.prefix_states import State
from models.protocols import Cancelled, ModelError

if TYPE_CHECKING:
    from models.llama_states import LlamaStates

BATCH_TOKENS = 512
UBATCH_TOKENS = 256
_SEQUENCE = 0
_ABORTED = 2  # llama_decode's code
_WARNING, _ERROR = 3, 4  # ggml's log levels
_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

_log: deque[str] = deque(maxlen=20)


@llama_cpp.llama_log_callback
def _keep_log(level: int, text: bytes, _data: object) -> None:
    if level in (_WARNING, _ERROR) and text.strip():
        _log.append(text.decode("utf-8", "replace").strip())


def default_threads() -> int:
    """Physical cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))


class LlamaRuntime:
    """Tokens in, logits out. Not thread-safe, but for ``tokenise``."""

    def __init__(self, path: Path, *, threads: int, context_tokens: int, gpu_layers: int) -> None:
        """Load the weights memory-mapped. Raises ModelError with llama.cpp's reason."""
        self.threads = threads or default_threads()
        self._should_stop: Callable[[], bool] = lambda: False
        llama_cpp.llama_log_set(_keep_log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        parameters.load_mode = llama_cpp.LLAMA_LOAD_MODE_MMAP
        # Repacking the weights costs a second copy in memory and 1.5 s a start, and on x86 it
        # makes reading slower (by a third, measured with Q4_K); ARM gains by it.
        repack = platform.machine().lower() not in ("x86_64", "amd64")
        parameters.use_extra_bufts = repack
        self._placement = f"{gpu_layers}/{repack}"
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load {path}: {_reason()}. "
                "Fetch the file again or choose another GGUF"
            )
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.context_tokens = min(context_tokens, llama_cpp.llama_model_n_ctx_train(self._model))
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._context = self._open_context()
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)
        # The callback object must outlive the context, which keeps only its address.
        self._abort_callback = llama_cpp.ggml_abort_callback(lambda _data: self._should_stop())
        llama_cpp.llama_set_abort_callback(self._context, self._abort_callback, ctypes.c_void_p(0))
        self._position = 0

    def _open_context(self) -> ctypes.c_void_p:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = self.context_tokens
        parameters.n_batch = BATCH_TOKENS
        parameters.n_ubatch = UBATCH_TOKENS
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not context:
            # Some architectures cannot use flash attention; slower is better than not at all.
            parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
            context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not context:
            llama_cpp.llama_model_free(self._model)
            raise ModelError(
                f"no context of {self.context_tokens} tokens could be opened: {_reason()}. "
                "Free some memory or lower context_tokens"
            )
        return context

    @property
    def conditions(self) -> str:
        """All but the weights and the tokens that a saved state depends on."""
        return "|".join(
            (
                llama_cpp.__version__,
                llama_cpp.llama_version().decode(),
                llama_cpp.llama_print_system_info().decode(),
                f"{self.context_tokens}/{BATCH_TOKENS}/{UBATCH_TOKENS}/{self.threads}",
                self._placement,
            )
        )

    def metadata(self, key: str) -> str | None:
        """A string of the file's metadata, e.g. "tokenizer.chat_template"."""
        size = 1 << 10
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_model_meta_val_str(self._model, key.encode(), buffer, size)
            if length < 0:
                return None
            if length < size:
                return buffer.value.decode("utf-8", "replace")
            size = length + 1

    # Tokens

    def tokenise(self, text: str, *, control: bool) -> list[int]:
        """Token ids of ``text``; control tokens written in it are read as such if ``control``."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 2
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, room, False, control)
        if count < 0:
            raise ModelError(f"a text of {len(text)} characters could not be tokenised")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for in an answer; none for a control token."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def token_text(self, token: int) -> str:
        """How the vocabulary writes a token."""
        return (llama_cpp.llama_vocab_get_text(self._vocab, token) or b"").decode(
            "utf-8", "replace"
        )

    def is_markup(self, token: int) -> bool:
        """Whether a token is one of control or one that the model's makers added by hand."""
        marks = (
            llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
            | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
            | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        )
        return bool(llama_cpp.llama_vocab_get_attr(self._vocab, token) & marks)

    def ends_answer(self, token: int) -> bool:
        """Whether a token is one of those with which the model ends its turn."""
        return llama_cpp.llama_vocab_is_eog(self._vocab, token)

    def first_token(self) -> int | None:
        """The token that this model wants before any text, if it wants one."""
        wanted = llama_cpp.llama_vocab_get_add_bos(self._vocab)
        return llama_cpp.llama_vocab_bos(self._vocab) if wanted else None

    def mark(self, which: str) -> str:
        """The text of the "bos" or "eos" token, "" where the model has none."""
        get = llama_cpp.llama_vocab_bos if which == "bos" else llama_cpp.llama_vocab_eos
        token = get(self._vocab)
        return self.token_text(token) if token >= 0 else ""

    # The sequence

    def clear(self) -> None:
        """Forget all tokens."""
        llama_cpp.llama_memory_clear(self._memory, False)
        self._position = 0

    def read(self, tokens: Sequence[int], should_stop: Callable[[], bool]) -> np.ndarray:
        """Append tokens, at least one; (vocabulary,) float32 logits after the last.

        Raises Cancelled, with the sequence cleared, as soon as ``should_stop()`` is true: it is
        asked between the operations of a batch, some hundreds of times a batch.
        """
        for start in range(0, len(tokens), BATCH_TOKENS):
            chunk = tokens[start : start + BATCH_TOKENS]
            last = start + len(chunk) == len(tokens)
            for i, token in enumerate(chunk):
                self._batch.token[i] = token
                self._batch.pos[i] = self._position + i
                self._batch.n_seq_id[i] = 1
                self._batch.seq_id[i][0] = _SEQUENCE
                self._batch.logits[i] = last and i == len(chunk) - 1
            self._batch.n_tokens = len(chunk)
            self._decode(should_stop)
            self._position += len(chunk)
        return self._logits(len(chunk) - 1)

    def _decode(self, should_stop: Callable[[], bool]) -> None:
        self._should_stop = should_stop
        try:
            code = llama_cpp.llama_decode(self._context, self._batch)
        finally:
            self._should_stop = lambda: False
        if code == 0:
            return
        self.clear()
        if code == _ABORTED or should_stop():
            raise Cancelled
        raise ModelError(f"llama.cpp failed with code {code} while reading: {_reason()}")

    def _logits(self, row: int) -> np.ndarray:
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, (self.vocabulary,)).copy()

    def save(self, logits: np.ndarray) -> State:
        """A copy of the sequence as it stands, with the logits after its last token."""
        size = llama_cpp.llama_state_seq_get_size(self._context, _SEQUENCE)
        buffer = (ctypes.c_uint8 * size)()
        written = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, _SEQUENCE)
        return State(bytes(memoryview(buffer)[:written]), logits)

    def restore(self, state: State, tokens: int) -> bool:
        """Replace the sequence by a saved one of ``tokens`` tokens; False if llama.cpp refuses."""
        self.clear()
        size = len(state.data)
        source = (ctypes.c_uint8 * size).from_buffer_copy(state.data)
        if not llama_cpp.llama_state_seq_set_data(self._context, source, size, _SEQUENCE):
            self.clear()
            return False
        self._position = tokens
        return True

    def open_states(self, tokens: int) -> LlamaStates:
        """A reader of token states over the same weights; to be closed before this."""
        try:
            # It uses what llama-cpp-python keeps to itself, and other versions may not have.
            from models.llama_states import LlamaStates
        except (ImportError, AttributeError) as error:
            raise ModelError(
                f"this llama-cpp-python hands out no states ({error}); run make setup"
            ) from error
        return LlamaStates(self._model, tokens=tokens, threads=self.threads)

    def grammar(self, source: str) -> Grammar:
        """A GBNF grammar to sample under. Raises ModelError where it is not valid."""
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocab, source.encode(), b"root")
        if not sampler:
            raise ModelError(f"not a valid GBNF grammar with a rule 'root': {source[:200]!r}")
        return Grammar(sampler)

    def close(self) -> None:
        """Free the context and the weights."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)


class Grammar:
    """The position in a GBNF grammar of one answer."""

    _FIRST_LOOK = 64  # candidates; the whole vocabulary is tested only when none of these fits

    def __init__(self, sampler: ctypes.c_void_p) -> None:
        self._sampler = sampler

    def best(self, logits: np.ndarray) -> int:
        """The likeliest token that the grammar allows next.

        Testing a whole vocabulary takes longer than computing its logits, and the likeliest token
        nearly always fits, so candidates are tested in order of their logits, few at first.
        """
        few = np.argpartition(-logits, self._FIRST_LOOK)[: self._FIRST_LOOK]
        for candidates in (logits.argmax(keepdims=True), few, np.arange(len(logits))):
            allowed = np.sort(self._allowed(candidates, logits))
            if len(allowed):
                return int(allowed[logits[allowed].argmax()])  # of equals, the lowest id
        raise ModelError("the grammar allows no token here")

    def _allowed(self, candidates: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Those of the candidate tokens, an array of ids, that the grammar allows."""
        data = np.zeros(len(candidates), dtype=_TOKEN_DATA)
        data["id"], data["logit"] = candidates, logits[candidates]
        array = llama_cpp.llama_token_data_array(
            data.ctypes.data_as(llama_cpp.llama_token_data_p), len(data), -1, False
        )
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return data["id"][np.isfinite(data["logit"])]

    def accept(self, token: int) -> None:
        """Move on by a token that ``best`` returned."""
        llama_cpp.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free the grammar."""
        llama_cpp.llama_sampler_free(self._sampler)


def _reason() -> str:
    return "; ".join(list(_log)[-3:]) or "no reason was given"
