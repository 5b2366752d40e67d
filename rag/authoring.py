"""From what was found to a verified answer: read again, judge, draft, verify, and once more."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace

from models.protocols import Embedder, LanguageModel, ModelError
from rag.answer import Evidence, Retrieved, Token
from rag.composing import Composed, Composer
from rag.countries import countries, names_all
from rag.decision import DOUBT, FOUND, READ, load_decision, load_doubt, log_odds
from rag.drafts import Draft
from rag.expectations import asks_who_said
from rag.generation import Asked, Writer
from rag.language import answer_language, in_script_of
from rag.orders import printable
from rag.parts import asks_of_several_articles
from rag.premises import denies_premise
from rag.quoting import best_of
from rag.reader import Reader, load_reader
from rag.rereading import Reread, reread
from rag.retrieval import Retriever
from rag.settings import Settings
from rag.sources import BEHIND, Source, narrowed, read_sources
from vectorstore.store import Store
from vectorstore.types import UnknownArticle

log = logging.getLogger(__name__)

REFUSAL = math.log(0.5)  # of the model's doubt, ``Writer.doubt``
ABOUT_ANOTHER = 0.2  # probability that an article without a country of the question answers it


@dataclass(frozen=True)
class Task:
    """A question to be answered from what was found.

    ``asked``: the question as it is read for, a follow-up with what it points to; ``said``: as the
    model gets it, with what was said before; ``language``: of the answer; ``parts``: how many
    questions are answered together, of which this is one.
    """

    question: str
    asked: str
    said: str
    retrieved: Retrieved
    language: str
    parts: int = 1
    cancel: threading.Event | None = None

    @property
    def several(self) -> bool:
        """Whether the question is about several articles: one run of words answers for one."""
        return asks_of_several_articles(self.question)

    @property
    def pointable(self) -> bool:
        """Whether words that were pointed to can answer it: what was read for a follow-up may
        answer the question before it."""
        return not self.several and self.asked == self.question


@dataclass(frozen=True)
class Written:
    """The verified answer, None where it was decided against one; the probability that
    the archive answers; why the model failed, if it did."""

    composed: Composed | None
    probability: float
    model_error: str | None = None


class Author:
    """Writes answers with one language model, or with none: then they are quotes."""

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

    def write(self, task: Task, probability: float) -> Generator[Token, None, Written]:
        """Yield the model's words and return what became of them.

        ``probability``: that what was found answers. Where nothing that the model wrote is
        supported, it is asked once more. Raises Cancelled; where the model fails while it writes,
        the answer is the articles' own sentences; ModelError for one that cannot be opened.
        """
        evidence = self._of_its_countries(task)
        if task.retrieved.evidence and not evidence:
            return Written(None, min(probability, ABOUT_ANOTHER))
        task = replace(task, retrieved=replace(task.retrieved, evidence=evidence))
        sources = self._sources(task, Reread(evidence))
        if self._language_model is None or not sources:
            return Written(self._compose(task, sources, Draft("", ())), probability)
        model = self._language_model()
        quoted: Composed | None = None
        try:
            reader = load_reader(self._settings.language_model, self._settings.embedder)
            found = self._reread(model, task, reader)
            sources = self._sources(task, found)
            ask = yield from self._ask(model, task, sources)
            probability, decided = self._judge(model, ask, found, task, probability)
            if decided is False:
                return self._correction(task, sources, probability)
            draft = yield from self._writer.draft(model, ask, task.cancel, decided=bool(decided))
            if draft is None:  # its own verdict, where nothing was fitted for it
                return self._correction(task, sources, probability)
            quoted = self._compose(task, sources, draft)
            words = self._surer(task, sources, draft) if quoted.sentences else None
            if words is not None:
                draft = yield from self._writer.draft(
                    model, ask, task.cancel, decided=True, short=words
                )
                redrafted = self._compose(task, sources, draft)
                quoted = redrafted if redrafted.sentences else quoted
            settled = quoted.path == "generated" or not quoted.sentences
            # What the model took from another sentence is quoted with it.
            settled = settled or (
                quoted.short is not None
                and self._composer.elsewhere(task.question, sources, draft, task.language)
            )
            if not settled and not task.several:
                again = yield from self._again(model, ask, task, sources, words)
                if again is not None and again.path == "generated":
                    quoted = replace(again, path="repaired")
                elif again is not None and _tells_more(again, quoted, task.language):
                    quoted = again
            quoted = yield from self._worded(model, quoted, task, sources)
            return Written(quoted, probability)
        except ModelError as error:
            if quoted is not None and quoted.path == "generated":
                return Written(quoted, probability)  # it failed while it tried to do better
            log.warning("a model failed, the answer is a quote: %s", error)
            if quoted is None:
                quoted = self._compose(task, sources, Draft("", ()))
            return Written(quoted, probability, str(error))

    def second_look(
        self, question: str, retrieved: Retrieved, reader: Reader | None
    ) -> dict[str, float]:
        """What the decision hears of the language model about what was found: the odds that it
        answers (``rag.rereading``, with that head), and the model's doubt (``Writer.doubt``)."""
        model = self._language_model()
        task = Task(question, question, question, retrieved, answer_language(question, "auto"))
        found = self._reread(model, task, reader)
        asking = self._ask(model, task, self._sources(task, found))
        try:
            while True:
                next(asking)
        except StopIteration as end:
            return _heard(self._writer.doubt(model, end.value, None), found)

    def _reread(self, model: LanguageModel, task: Task, reader: Reader | None) -> Reread:
        """What was found, read by the model, where there is a head for it and it can be. No
        sentence alone answers for several articles: reading would tell nothing of them."""
        evidence = task.retrieved.evidence
        if reader is None or task.several or not model.capabilities.states:
            return Reread(evidence)

        def weights(sentence: str) -> Mapping[str, float]:
            language = "ar" if in_script_of(sentence, "ar") else "en"
            return self._retriever.weights_in(task.asked, language)

        try:
            return reread(
                reader, model, self._embedder(), task.asked, evidence, weights, cancel=task.cancel
            )
        except ModelError as error:
            log.warning("what was found could not be read again: %s", error)
            return Reread(evidence)

    def _sources(self, task: Task, found: Reread) -> list[Source]:
        return read_sources(
            self._store,
            found,
            lambda text_language: self._retriever.weights_in(task.asked, text_language),
            task.language,
            self._settings.evidence_sentences,
            several=task.several,
        )

    def _of_its_countries(self, task: Task) -> tuple[Evidence, ...]:
        """What was found in articles that name all countries of the question, none of it where what
        comes near the best is of others; all of it for a question about several articles, which may
        be about a country each."""
        evidence = task.retrieved.evidence
        named = {} if task.several else countries(task.question, self._composer.glossary)
        if not named:
            return evidence
        fitting: dict[str, bool] = {}
        for e in evidence:
            if e.article_id not in fitting:
                text = f"{e.source} {e.title} {self._text(e.article_id)}"
                fitting[e.article_id] = names_all(text, named)
        kept = tuple(e for e in evidence if fitting[e.article_id])
        return kept if kept and evidence[0].score - kept[0].score <= BEHIND else ()

    def _text(self, article_id: str) -> str:
        """An article's text; none of one that was removed meanwhile."""
        try:
            return self._store.get(article_id).article.text
        except UnknownArticle:
            return ""

    def _ask(
        self, model: LanguageModel, task: Task, sources: list[Source]
    ) -> Generator[Token, None, Asked]:
        return self._writer.ask(model, task.said, sources, task.language, task.cancel)

    def _compose(self, task: Task, sources: Sequence[Source], draft: Draft) -> Composed:
        return self._composer.compose(
            task.question, task.asked, sources, draft, task.language, parts=task.parts
        )

    def _judge(
        self, model: LanguageModel, ask: Asked, found: Reread, task: Task, probability: float
    ) -> tuple[float, bool | None]:
        """The probability that there is an answer, with what the model makes of it, and whether to
        answer. Without that (its doubt is not known, nothing was fitted for it, the question is
        about several articles) the probability is as it was, and None leaves the verdict to the
        model's words, unless what was found alone says no."""
        embedder = self._embedder().identity.name
        decision = load_doubt(embedder, self._settings.language_model, task.language)
        doubt = self._writer.doubt(model, ask, task.cancel) if decision is not None else None
        heard = _heard(doubt, found)
        if doubt is not None and doubt >= REFUSAL:  # it would rather refuse than answer
            return min(probability, 1 - math.exp(doubt)), False
        if decision is None or doubt is None or decision.weights.keys() - {FOUND, *heard}:
            least = load_decision(embedder).threshold
            return probability, None if probability >= least else False
        probability = decision.probability({FOUND: log_odds(probability), **heard})
        return probability, probability >= decision.threshold

    def _correction(self, task: Task, sources: Sequence[Source], probability: float) -> Written:
        """No answer, unless the best sentence says the opposite of what the question takes for
        granted: that is told, as surely as the question would be declined."""
        best = best_of(sources)
        if denies_premise(task.question, best.evidence.quote):
            composed = self._compose(task, [best], Draft("", ()))
            if composed.sentences:
                return Written(composed, 1 - probability)
        return Written(None, probability)

    def _surer(self, task: Task, sources: Sequence[Source], draft: Draft) -> str | None:
        if not task.pointable:
            return None
        return self._composer.surer(task.question, sources, draft, task.language)

    def _again(
        self,
        model: LanguageModel,
        ask: Asked,
        task: Task,
        sources: list[Source],
        tried: str | None,
    ) -> Generator[Token, None, Composed | None]:
        """A second answer: to the words of the best sentence that the model points to, others than
        those ``tried``; where it cannot be held to any, or they are another language's or badly
        translated, with that sentence alone, if there were others: a small model is often led away
        by them. Of a badly translated one the clause that answers is translated alone;
        who says it may be named in another."""
        best = best_of(sources)
        short = clause = None
        faithful = self._composer.quoter.faithful(best)
        if in_script_of(best.shown, task.language) and faithful:
            short = self._surer(task, sources, Draft("", ())) if tried is None else None
            short = short or self._writer.point(model, ask, task.question, best, task.cancel)
        elif not faithful and not asks_who_said(task.question):
            clause = narrowed(best)
        if short is None:
            if clause is None and len(sources) == 1:
                return None
            sources = [clause or best]
            ask = yield from self._ask(model, task, sources)
        draft = yield from self._writer.draft(model, ask, task.cancel, decided=True, short=short)
        return self._compose(task, sources, draft)

    def _worded(
        self, model: LanguageModel, composed: Composed, task: Task, sources: Sequence[Source]
    ) -> Generator[Token, None, Composed]:
        """An answer without a short one, with the words of the best sentence that answer,
        translated."""
        wanted = composed.sentences and composed.short is None and not composed.corrects
        best = best_of(sources)
        if not wanted or not task.pointable or (best.language, task.language) != ("ar", "en"):
            return composed
        alone = composed.untranslated(task.language)
        words = self._composer.pointed(task.question, sources, likely=alone)
        if words is None:
            return composed
        try:
            english = yield from self._writer.translated(
                model, printable(words), task.question, best, task.cancel
            )
        except ModelError as error:  # the answer stands without
            log.warning("the language model failed to translate a short answer: %s", error)
            return composed
        quoted, held = composed.citations[0], best.evidence
        first = alone and (quoted.article_id, quoted.start) == (held.article_id, held.start)
        return self._composer.worded(
            composed, words, english, task.question, task.language, first=first
        )


def _tells_more(again: Composed, quoted: Composed, language: str) -> bool:
    """Whether a second answer has a short one where the first has none, or the answer's language,
    and no less of the other."""
    if not again.sentences:
        return False
    shorter = again.short is not None and quoted.short is None
    readable = quoted.untranslated(language) and not again.untranslated(language)
    return shorter or (readable and (again.short is None) <= (quoted.short is None))


def _heard(doubt: float | None, found: Reread) -> dict[str, float]:
    """What the second decision can weigh of the model."""
    heard = {DOUBT: doubt, READ: found.answers}
    return {name: value for name, value in heard.items() if value is not None}
