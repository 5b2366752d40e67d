"""What the language model is asked: to translate evidence, whether it answers, and to answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace

from models.protocols import LanguageModel, Message, ModelError
from rag.answer import Token
from rag.drafts import Draft, parse_draft
from rag.expectations import meets
from rag.figures import missing_figures
from rag.pointing import copying_grammar
from rag.prompts import AnswerPrompt, answer_prompt
from rag.sources import Source, narrowed
from rag.translation import Translator

LEAST = 1e-4  # probability below which the model's doubt says nothing more
POINTED_TOKENS = 40  # of a short answer that is copied, about 120 characters of Arabic


@dataclass(frozen=True)
class Asked:
    """A question with its evidence, as the model gets it."""

    prompt: AnswerPrompt
    messages: tuple[Message, ...]


class Writer:
    """Asks a language model. The same question and evidence give the same words."""

    def __init__(self, translator: Translator, answer_tokens: int) -> None:
        self._translator = translator
        self._answer_tokens = answer_tokens

    def ask(
        self,
        model: LanguageModel,
        question: str,
        sources: list[Source],
        language: str,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, Asked]:
        """What to ask; ``sources`` of another language are translated in place, whose words are
        yielded as they come."""
        if language == "en":
            for i, source in enumerate(sources):
                if source.language == "ar" and not source.translated:
                    sources[i] = yield from self._in_english(model, source, question, cancel)
        prompt = answer_prompt(language)
        sentences = prompt.numbered([(s.heading, s.shown) for s in sources])
        return Asked(prompt, tuple(prompt.messages(sentences=sentences, question=question)))

    def _in_english(
        self,
        model: LanguageModel,
        source: Source,
        question: str,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, Source]:
        """A source with its words translated; where a figure among those that the reader is sure of
        got lost on the way, as in long sentences, those of their clause alone."""
        text = yield from self._translator.translate(
            model, source.shown, question, source.text, cancel
        )
        clause = narrowed(source)
        if clause is not None:
            answering = source.evidence.quote[slice(*source.pointed.span)]
            if missing_figures(answering, text):
                part = yield from self._translator.translate(
                    model, clause.shown, question, source.text, cancel
                )
                if not missing_figures(answering, part):
                    return replace(clause, shown=part, translated=True)
        return replace(source, shown=text, translated=True)

    def translated(
        self,
        model: LanguageModel,
        words: str,
        question: str,
        source: Source,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, tuple[str, ...]]:
        """Some Arabic words of a source in English: as what answers the question and by themselves,
        since a small model hits upon the one or the other; Latin ones as they are. Yields them as
        they come. Raises ModelError where neither could be had."""
        if words.isascii():
            return (words,)
        tried: list[str] = []
        for answer in (True, False):
            try:
                english = yield from self._translator.translate(
                    model, words, question, source.text, cancel, answer=answer
                )
            except ModelError:
                if not tried:
                    raise
            else:
                tried.append(english)
                yield Token("\n")
        return tuple(tried)

    def doubt(
        self, model: LanguageModel, asked: Asked, cancel: threading.Event | None
    ) -> float | None:
        """Natural log of the probability that the model says that the sentences do not tell.

        None for a model that gives no probabilities. Costs nothing where an answer is asked for
        next: the prompt is read once.
        """
        if not model.capabilities.logits:
            return None
        found = model.next_token_probabilities(
            asked.messages,
            asked.prompt.unstated,
            constant=asked.prompt.constant,
            prefill=asked.prompt.short,
            cancel=cancel,
        )
        return math.log(max(LEAST, sum(found.values())))

    def point(
        self,
        model: LanguageModel,
        asked: Asked,
        question: str,
        source: Source,
        cancel: threading.Event | None,
    ) -> str | None:
        """The run of a source's words, of those asked about, that the model gives as the short
        answer when it can only copy; None where it finds no end, has no words to begin with, or
        cannot be held to any, and where they are not of the kind that is asked for."""
        able = model.capabilities.grammar and model.capabilities.prefill
        grammar = copying_grammar(source.shown, question) if able else None
        if grammar is None:
            return None
        copied = "".join(
            model.generate(
                asked.messages,
                constant=asked.prompt.constant,
                prefill=asked.prompt.short,
                max_tokens=POINTED_TOKENS,
                grammar=grammar,
                cancel=cancel,
            )
        )
        return copied.strip() if copied.endswith("\n") and meets(copied, question) else None

    def draft(
        self,
        model: LanguageModel,
        asked: Asked,
        cancel: threading.Event | None,
        *,
        decided: bool,
        short: str | None = None,
    ) -> Generator[Token, None, Draft | None]:
        """Yield the model's words and return them taken apart.

        None where it says that the sentences do not tell, unless it is ``decided`` that they do.
        ``short``: the short answer, where it is known; the model writes the sentence to it.
        """
        prompt = asked.prompt
        written = f"{prompt.short} {short}\n{prompt.long}" if short else ""
        for piece in model.generate(
            asked.messages,
            constant=prompt.constant,
            prefill=written,
            max_tokens=self._answer_tokens,
            stop=("\n\n",),
            cancel=cancel,
        ):
            written += piece
            yield Token(piece)
        if not decided and written.startswith(prompt.refusal):
            return None
        return parse_draft(written, prompt)
