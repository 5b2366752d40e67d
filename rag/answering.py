"""From a question to a verified answer.

``Answerer.stream`` is the way of a question: rewrite, retrieve, decide, generate, verify, compose.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from models.protocols import Cancelled, Embedder, LanguageModel, ModelError
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
from rag.composing import Composed, Composer, Draft
from rag.decision import DOUBT, FOUND, load_decision, load_doubt, log_odds
from rag.generation import Asked, Writer
from rag.language import answer_language, in_script_of
from rag.parts import asks_several
from rag.phrases import phrase
from rag.premises import speaks_against
from rag.retrieval import Retriever
from rag.settings import Settings
from rag.sources import Source, read_sources
from vectorstore.outlets import display_name
from vectorstore.store import Store
from vectorstore.types import Filters

log = logging.getLogger(__name__)
_T = TypeVar("_T")

REFUSAL = math.log(0.5)  # of the model's doubt, ``Writer.doubt``
TITLE_WORDS = 8  # of an article without a title


class Answerer:
    """Answers questions over one store with one embedder and one language model."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        writer: Writer,
        composer: Composer,
        language_model: Callable[[], LanguageModel] | None,
        settings: Settings,
        embedder: Callable[[], Embedder],
    ) -> None:
        self._store = store
        self._retriever = retriever
        self._writer = writer
        self._composer = composer
        self._language_model = language_model
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

        Where the model fails while it writes, the answer is the articles' own sentences and says
        so in ``model_error``. Raises ModelError for a model that cannot be opened at all.
        """
        clock = _Clock()
        filters = filters or Filters()
        history = conversation.bounded(history)
        language = answer_language(question, language)
        if reply := conversation.small_talk(question, language):
            yield AnswerReady(self._said(question, language, reply, clock))
            return
        asked = conversation.standalone(question, history)
        before = conversation.asked_before(question, history)
        retrieved = self._retriever.retrieve(question, filters=filters, before=before)
        yield EvidenceFound(retrieved)
        embedder = self._embedder().identity.name
        decision = load_decision(embedder)
        doubted = load_doubt(embedder, self._settings.language_model, language) is not None
        asks = any(map(str.isalnum, asked))  # «؟!» has a vector too, but asks nothing
        probability = decision.probability(retrieved.signals) if asks else 0.0
        if not retrieved.evidence or probability < decision.least(doubted=doubted):
            reason = self._reason(retrieved, filters)
            yield AnswerReady(self._declined(retrieved, language, reason, 1 - probability, clock))
            return
        sources = self._sources(asked, retrieved, language)
        said = conversation.in_context(question, history)
        try:
            writing = self._write(question, asked, said, sources, language, probability, cancel)
            written = yield from clock.watching(writing)
        except Cancelled:
            yield AnswerReady(self._declined(retrieved, language, "cancelled", 0.0, clock))
            return
        if written.composed is None:
            confidence = 1 - written.probability
            answer = self._declined(retrieved, language, "not_in_archive", confidence, clock)
        else:
            answer = self._answered(
                retrieved, written.composed, language, written.probability, clock
            )
        yield AnswerReady(replace(answer, model_error=written.model_error))

    def doubt(self, question: str, retrieved: Retrieved) -> float | None:
        """How much the language model doubts that what was found answers: ``Writer.doubt``."""
        language = answer_language(question, "auto")
        asking = self._writer.ask(
            self._language_model(), question, self._sources(question, retrieved, language),
            language, None,
        )  # fmt: skip
        try:
            while True:
                next(asking)
        except StopIteration as end:
            return self._writer.doubt(self._language_model(), end.value, None)

    def _sources(self, asked: str, retrieved: Retrieved, language: str) -> list[Source]:
        return read_sources(
            self._store,
            retrieved.evidence,
            lambda text_language: self._retriever.weights_in(asked, text_language),
            language,
            self._settings.evidence_sentences,
            several=asks_several(retrieved.question),
        )

    def _write(
        self,
        question: str,
        asked: str,
        said: str,
        sources: list[Source],
        language: str,
        probability: float,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, _Written]:
        """Yield the model's words and return what became of them.

        Where nothing that it wrote is supported, it is asked once more.
        """
        if self._language_model is None or not sources:
            composed = self._composer.compose(question, asked, sources, Draft("", ()), language)
            return _Written(composed, probability)
        model = self._language_model()
        quoted: Composed | None = None
        try:
            ask = yield from self._writer.ask(model, said, sources, language, cancel)
            probability, decided = self._judge(model, ask, language, probability, cancel)
            if decided is False:
                return self._correction(question, asked, sources, language, probability)
            draft = yield from self._writer.draft(model, ask, cancel, decided=bool(decided))
            if draft is None:  # its own verdict, where nothing was fitted for it
                return self._correction(question, asked, sources, language, probability)
            quoted = self._composer.compose(question, asked, sources, draft, language)
            settled = quoted.path == "generated" or not quoted.sentences
            if settled or asks_several(question):  # one run of words answers one question
                return _Written(quoted, probability)
            again = yield from self._again(
                model, ask, question, asked, said, sources, language, cancel
            )
            if again is not None and again.path == "generated":
                return _Written(replace(again, path="repaired"), probability)
            if again is not None and again.short is not None and quoted.short is None:
                quoted = again
            return _Written(quoted, probability)
        except ModelError as error:
            log.warning("the language model failed, the answer is a quote: %s", error)
            if quoted is None:
                quoted = self._composer.compose(question, asked, sources, Draft("", ()), language)
            return _Written(quoted, probability, str(error))

    def _correction(
        self, question: str, asked: str, sources: list[Source], language: str, probability: float
    ) -> _Written:
        """No answer, unless the best sentence says the opposite of what the question takes for
        granted: that is told, as surely as the question would be declined."""
        best = min(sources, key=lambda s: s.rank)
        if speaks_against(question, best.evidence.quote):
            composed = self._composer.compose(question, asked, [best], Draft("", ()), language)
            if composed.sentences:
                return _Written(composed, 1 - probability)
        return _Written(None, probability)

    def _again(
        self,
        model: LanguageModel,
        ask: Asked,
        question: str,
        asked: str,
        said: str,
        sources: list[Source],
        language: str,
        cancel: threading.Event | None,
    ) -> Generator[Token, None, Composed | None]:
        """A second answer: to the words of the best sentence that the model points to; where it
        cannot be held to any, or they are another language's or badly translated, with that
        sentence alone, if there were others: a small model is often led away by them."""
        best = min(sources, key=lambda s: s.rank)
        short = None
        if in_script_of(best.shown, language) and self._composer.quoter.faithful(best):
            short = self._writer.point(model, ask, question, best, cancel)
        if short is None:
            if len(sources) == 1:
                return None
            sources = [best]
            ask = yield from self._writer.ask(model, said, sources, language, cancel)
        draft = yield from self._writer.draft(model, ask, cancel, decided=True, short=short)
        return self._composer.compose(question, asked, sources, draft, language)

    def _judge(
        self,
        model: LanguageModel,
        ask: Asked,
        language: str,
        probability: float,
        cancel: threading.Event | None,
    ) -> tuple[float, bool | None]:
        """The probability that there is an answer, with the model's doubt, and whether to answer;
        as it was, and None, for a model whose doubt is not known or that nothing was fitted for."""
        embedder = self._embedder().identity.name
        decision = load_doubt(embedder, self._settings.language_model, language)
        doubt = self._writer.doubt(model, ask, cancel) if decision is not None else None
        if decision is None or doubt is None:
            return probability, None
        probability = decision.probability({FOUND: log_odds(probability), DOUBT: doubt})
        if doubt >= REFUSAL:  # it would rather refuse than answer
            return min(probability, 1 - math.exp(doubt)), False
        return probability, probability >= decision.threshold

    def _answered(
        self,
        retrieved: Retrieved,
        composed: Composed,
        language: str,
        probability: float,
        clock: _Clock,
    ) -> Answer:
        if not composed.sentences:
            return self._declined(retrieved, language, "unsupported", 0.5, clock)
        support = sum(s.support for s in composed.sentences) / len(composed.sentences)
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


@dataclass(frozen=True)
class _Written:
    """The verified answer, None where the model's doubt decided against one; the probability that
    the archive answers; why the model failed, if it did."""

    composed: Composed | None
    probability: float
    model_error: str | None = None


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
