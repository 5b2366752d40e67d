"""The language model in process: prompts, saved prefixes, greedy decoding, over llama.cpp.

An answer depends on the prompt alone. A prompt is read in segments that are always cut at the
same places (constant messages, the rest up to the model's turn, the given beginning of the
answer), and the state after each of the first two is kept and restored bit for bit, so whatever
was asked before, the same numbers come out.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.chat_template import ChatTemplate, PromptPart, constant_parts
from models.llama_runtime import LlamaRuntime
from models.prefix_states import PrefixStates
from models.protocols import LLAMA_CPP, Cancelled, Message, ModelError, TokenStates
from models.streams import until_stop, without_thoughts

STATES_TOKENS = 1024  # of the longest text whose states can be asked for, with its prompt


class LlamaEngine:
    """A LanguageModel in this process, for one thread at a time (``count_tokens`` from any).

    Use it through ``models.worker``: a crash of native code takes the whole process with it.
    """

    capabilities = LLAMA_CPP

    def __init__(
        self,
        path: Path,
        *,
        identity: str,
        threads: int = 0,
        context_tokens: int = 4096,
        gpu_layers: int = 0,
        state_folder: Path | None = None,
    ) -> None:
        """Load the weights. ``identity``: their SHA-256. Raises ModelError."""
        self._runtime = LlamaRuntime(
            path, threads=threads, context_tokens=context_tokens, gpu_layers=gpu_layers
        )
        self.name = self._runtime.metadata("general.name") or path.stem
        self.identity = identity
        self.context_tokens = self._runtime.context_tokens
        self._template = ChatTemplate(
            self._runtime.metadata("tokenizer.chat_template"),
            bos=self._runtime.mark("bos"),
            eos=self._runtime.mark("eos"),
        )
        self._states = PrefixStates(f"{identity}|{self._runtime.conditions}", state_folder)
        self._token_states = None  # opened when first asked for

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
        """See ``LanguageModel.generate``. A grammar constrains what comes after ``prefill``."""
        cancel = cancel or threading.Event()
        segments = self.segments(messages, constant=constant, prefill=prefill)
        self._check_room(segments, max_tokens)
        pieces = self._pieces(segments, max_tokens, grammar, cancel)
        return until_stop(without_thoughts(pieces), stop)

    def next_token_probabilities(
        self,
        messages: Sequence[Message],
        options: Sequence[str],
        *,
        constant: int = 0,
        prefill: str = "",
        cancel: threading.Event | None = None,
    ) -> dict[str, float]:
        """See ``LanguageModel.next_token_probabilities``."""
        segments = self.segments(messages, constant=constant, prefill=prefill)
        self._check_room(segments, 1)
        logits = self._read(segments, cancel or threading.Event())
        log_probabilities = _log_softmax(logits)
        first = {option: self._runtime.tokenise(option, control=False)[:1] for option in options}
        if not all(first.values()):
            raise ModelError("an option without any text has no first token")
        return {o: float(np.exp(log_probabilities[token])) for o, (token,) in first.items()}

    def token_states(
        self,
        text: str,
        *,
        opening: str,
        before: str,
        layer: int,
        cancel: threading.Event | None = None,
    ) -> TokenStates:
        """See ``LanguageModel.token_states``."""
        if self._token_states is None:
            self._token_states = self._runtime.open_states(STATES_TOKENS)
        head = [*self._runtime.tokenise(opening, control=True), *self._plain(before)]
        tokens = self._plain(text)
        should_stop = (cancel or threading.Event()).is_set
        states = self._token_states.read([*head, *tokens], layer, should_stop)
        ends = np.cumsum([len(self._runtime.piece(token)) for token in tokens])
        return TokenStates(states[len(head) :], tuple(map(int, ends)))

    def prepare(
        self, messages: Sequence[Message], *, cancel: threading.Event | None = None
    ) -> None:
        """See ``LanguageModel.prepare``."""
        followed = [*messages, Message("user", "")]
        head, _, _ = self.segments(followed, constant=len(messages), prefill="")
        self._check_room([head], 0)
        self._read([head, [], []], cancel or threading.Event())

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text."""
        return len(self._plain(text))

    def queued(self) -> int:
        """Always 0: calls are not queued here."""
        return 0

    def close(self) -> None:
        """Free the weights. No method may be called afterwards."""
        if self._token_states is not None:
            self._token_states.close()
        self._runtime.close()

    def segments(
        self, messages: Sequence[Message], *, constant: int, prefill: str
    ) -> list[list[int]]:
        """Token ids of the constant messages, the rest of the prompt, and ``prefill``."""
        parts = self._template.render(messages)
        boundary = constant_parts(parts, len(messages), constant)
        head, rest = self._tokens(parts[:boundary]), self._tokens(parts[boundary:])
        first = self._runtime.first_token()
        opening = head or rest
        if first is not None and opening[:1] != [first]:
            opening.insert(0, first)
        return [head, rest, self._plain(prefill)]

    def _tokens(self, parts: Sequence[PromptPart]) -> list[int]:
        tokens: list[int] = []
        for part in parts:
            if part.message is None:
                tokens += self._runtime.tokenise(part.text, control=True)
            else:
                tokens += self._plain(part.text)
        return tokens

    def _plain(self, text: str) -> list[int]:
        """Tokens of a text that is data.

        llama.cpp reads tokens which the model's makers added by hand ("<think>") even where it
        is told to read plain text; those are taken apart again.
        """
        tokens: list[int] = []
        for token in self._runtime.tokenise(text, control=False) if text else []:
            written = self._runtime.token_text(token)
            if len(written) > 1 and written.strip() and self._runtime.is_markup(token):
                for piece in (written[0], written[1:]):
                    tokens += self._runtime.tokenise(piece, control=False)
            else:
                tokens.append(token)
        return tokens

    def _check_room(self, segments: Sequence[Sequence[int]], max_tokens: int) -> None:
        prompt = sum(map(len, segments))
        if prompt + max_tokens > self.context_tokens:
            raise ModelError(
                f"a prompt of {prompt} tokens and an answer of up to {max_tokens} do not fit "
                f"into the context of {self.context_tokens} tokens; shorten the prompt or raise "
                "context_tokens"
            )

    def _read(self, segments: Sequence[Sequence[int]], cancel: threading.Event) -> np.ndarray:
        """(vocabulary,) logits after the last segment, from the longest saved beginning on."""
        if cancel.is_set():
            raise Cancelled
        kept = [s for s in segments[:2] if s]
        logits, done = None, 0
        for count in range(len(kept), 0, -1):
            state = self._states.get(self._states.key(kept[:count]))
            if state and self._runtime.restore(state, sum(map(len, kept[:count]))):
                logits, done = state.logits, count
                break
        else:
            self._runtime.clear()
        for count in range(done + 1, len(kept) + 1):
            logits = self._runtime.read(kept[count - 1], cancel.is_set)
            constant = count == 1 and bool(segments[0])
            state = self._runtime.save(logits)
            self._states.put(self._states.key(kept[:count]), state, to_disk=constant)
        if segments[2]:
            logits = self._runtime.read(segments[2], cancel.is_set)
        if logits is None:
            raise ModelError("the prompt is empty")
        return logits

    def _pieces(
        self,
        segments: Sequence[Sequence[int]],
        max_tokens: int,
        grammar: str | None,
        cancel: threading.Event,
    ) -> Iterator[str]:
        rules = self._runtime.grammar(grammar) if grammar else None
        # A character may be split over tokens; half a character at the very end is dropped.
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        try:
            logits = self._read(segments, cancel)
            for left in range(max_tokens, 0, -1):
                token = rules.best(logits) if rules else int(logits.argmax())
                if self._runtime.ends_answer(token):
                    return
                if rules:
                    rules.accept(token)
                text = decoder.decode(self._runtime.piece(token))
                if text:
                    yield text
                if cancel.is_set():
                    raise Cancelled
                if left > 1:
                    logits = self._runtime.read([token], cancel.is_set)
        finally:
            if rules:
                rules.close()


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """(vocabulary,) float64 log probabilities."""
    shifted = logits.astype(np.float64) - float(logits.max())
    return shifted - np.log(np.exp(shifted).sum())
