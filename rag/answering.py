"""From a question to a verified answer.

``Answerer.stream`` is the way of a question: rewrite, retrieve, decide, generate, verify, compose;
where it asks several things, each is decided and answered by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from models.protocols import Cancelled, Embedder
from rag import conversation
from rag.answer import (
    Answer,
    AnswerReady,
    Event,
    EvidenceFound,
    FoundPassage,
    Reason,
    Retrieved,
    Timings,
    Token,
)
from rag.authoring import Author, Task, Written
from rag.composing import Composed
from rag.decision import load_decision, load_doubt
from rag.imperatives import as_question
from rag.joining import UNSUPPORTED, joined
from rag.language import answer_language, in_script_of
from rag.phrases import phrase
from rag.retrieval import Retriever
from rag.settings import Settings
from vectorstore.outlets import display_name
from vectorstore.store import Store
from vectorstore.types import Filters

_T = TypeVar("_T")

TITLE_WORDS = 8  # of an article without a title


class Answerer:
    """Answers questions over one store with one embedder and one language model."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        author: Author,
        settings: Settings,
        embedder: Callable[[], Embedder],
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._author = author
        self._settings = settings
        self._embedder = embedder

    def stream(
        self,
        question: str,
        *,
        language: str = "auto",
        filters: Filters | None = None,
        history: Sequence[Mapping[str, str]] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Evidence first, then the model's unverified words, then the verified answer.

        Where the model fails while it writes, the answer, or what of it is not yet written, is the
        articles' own sentences; ``model_error`` says so. Raises ModelError for a model that cannot
        be opened at all.
        """
        clock = _Clock()
        filters = filters or Filters()
        history = conversation.bounded(history)
        language = answer_language(question, language)
        if reply := conversation.small_talk(question, language):
            yield AnswerReady(self._said(question, language, reply, clock))
            return
        before = conversation.asked_before(question, history)
        retrieved = self._retriever.retrieve(question, filters=filters, before=before)
        yield EvidenceFound(retrieved)
        parts = retrieved.parts or (retrieved,)
        tasks = [_task(part, language, len(parts), cancel) for part in parts]
        try:
            written = yield from clock.watching(self._write(tasks))
        except Cancelled:
            yield AnswerReady(self._declined(retrieved, language, "cancelled", 0.0, clock))
            return
        if written.composed is None:
            reason = self._reason(retrieved, filters)
            confidence = 1 - written.probability
            answer = self._declined(retrieved, language, reason, confidence, clock)
        else:
            answer = self._answered(
                retrieved, written.composed, language, written.probability, clock
            )
        yield AnswerReady(replace(answer, model_error=written.model_error))

    def _write(self, tasks: Sequence[Task]) -> Generator[Token, None, Written]:
        """What is written for each part of a question, together; nothing for a part that what was
        found does not answer."""
        embedder = self._embedder().identity.name
        decision = load_decision(embedder)
        language = tasks[0].language
        doubted = load_doubt(embedder, self._settings.language_model, language) is not None
        written: list[Written] = []
        for task in tasks:
            if written and written[-1].composed is not None:  # whose words were shown
                yield Token("\n")
            asks = any(map(str.isalnum, task.asked))  # «؟!» has a vector too, but asks nothing
            probability = decision.probability(task.retrieved.signals) if asks else 0.0
            if not task.retrieved.evidence or probability < decision.least(doubted=doubted):
                written.append(Written(None, probability))
            else:
                written.append((yield from self._author.write(task, probability)))
        return joined([task.retrieved.question for task in tasks], written, language)

    def _answered(
        self,
        retrieved: Retrieved,
        composed: Composed,
        language: str,
        probability: float,
        clock: _Clock,
    ) -> Answer:
        if not composed.sentences:
            return self._declined(retrieved, language, "unsupported", UNSUPPORTED, clock)
        told = [s.support for s in composed.sentences if s.citations]
        support = sum(told) / len(told)
        return self._answer(
            retrieved, language, clock,
            answered=True, text="\n".join(s.text for s in composed.sentences), reason=None,
            short=composed.short, confidence=round(probability * support, 4), path=composed.path,
            sentences=composed.sentences, citations=composed.citations,
        )  # fmt: skip

    def _reason(self, retrieved: Retrieved, filters: Filters) -> Reason:
        if self._store.passage_count() == 0:
            return "empty_archive"
        return "not_in_archive" if retrieved.evidence or not filters else "no_match_for_filters"

    def _declined(
        self, retrieved: Retrieved, language: str, reason: Reason, confidence: float, clock: _Clock
    ) -> Answer:
        text = phrase(reason, language)
        titles = dict.fromkeys(filter(None, (_title(p, language) for p in retrieved.passages[:3])))
        if reason in ("not_in_archive", "unsupported") and titles:
            text += " " + phrase("nearest", language, titles=" · ".join(titles))
        return self._answer(
            retrieved, language, clock, answered=False, text=text, short=None, reason=reason,
            confidence=round(confidence, 4), path="declined",
        )  # fmt: skip

    def _said(self, question: str, language: str, reply: str, clock: _Clock) -> Answer:
        return self._answer(
            Retrieved(question, (), ()), language, clock,
            answered=True, text=reply, short=None, reason=None, confidence=1.0, path="conversation",
        )  # fmt: skip

    def _answer(self, retrieved: Retrieved, language: str, clock: _Clock, **fields) -> Answer:
        return Answer(
            question=retrieved.question,
            language=language,
            evidence=retrieved.evidence,
            passages=retrieved.passages,
            timings=Timings(round(retrieved.retrieve_ms, 1), clock.first_token_ms, clock.now_ms()),
            embedder=self._settings.embedder,
            llm=self._settings.language_model,
            **fields,
        )


def _task(part: Retrieved, language: str, parts: int, cancel: threading.Event | None) -> Task:
    """What is to be answered for one part of a question, of which there are ``parts``."""
    question = as_question(part.question)
    return Task(
        question,
        conversation.standalone(question, part.before),
        conversation.in_context(question, part.before),
        part, language, parts, cancel,
    )  # fmt: skip


class _Clock:
    """Milliseconds since it was made, and when the first token came."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.first_token_ms: float | None = None

    def now_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 1)

    def watching(self, tokens: Generator[Token, None, _T]) -> Generator[Token, None, _T]:
        """The same tokens and result; the first of them is timed."""
        try:
            while True:
                token = next(tokens)
                if self.first_token_ms is None:
                    self.first_token_ms = self.now_ms()
                yield token
        except StopIteration as end:
            return end.value
        finally:
            tokens.close()


def _title(passage: FoundPassage, language: str) -> str | None:
    """What to call an article in a language: its title, else its outlet, else its first words."""
    words = passage.quote.split()
    beginning = " ".join(words[:TITLE_WORDS]) + ("…" if len(words) > TITLE_WORDS else "")
    source = display_name(passage.source, language) if passage.source else None
    names = (passage.title, source, beginning)
    return next((name for name in names if name and in_script_of(name, language)), None)
