"""The assistant: one object for an archive, its models, and questions to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from models.catalogue import get_spec, load_catalogue
from models.embedder import open_embedder
from models.fetch import installed_path
from models.language_model import open_language_model
from models.protocols import Embedder, LanguageModel
from rag.answer import Answer, AnswerReady, Event, Retrieved
from rag.answering import Answerer
from rag.authoring import Author
from rag.composing import Composer
from rag.conversation import LONGEST_QUESTION, asked_before, bounded
from rag.generation import Writer
from rag.ingest import IngestProgress, IngestReport, ingest
from rag.names import Glossary
from rag.prompts import answer_prompt, translation_prompt
from rag.retrieval import Retriever
from rag.settings import Settings, default_home, load_settings
from rag.translation import Translator
from rag.verification import Verifier
from vectorstore.store import Store
from vectorstore.types import Article, ArticleSummary, Filters

NO_MODEL = "none"  # the setting that answers with quotes alone


class _Once:
    """Calls a factory on first need, from whichever thread comes first."""

    def __init__(self, factory: Callable[[], object]) -> None:
        self._factory = factory
        self._lock = threading.Lock()
        self.value: object | None = None

    def __call__(self):
        with self._lock:
            if self.value is None:
                self.value = self._factory()
            return self.value


class _Listener:
    """Who hears of a model being prepared; nobody until ``warm_up`` says who."""

    def __init__(self) -> None:
        self.callback: Callable[[str, float], None] | None = None

    def __call__(self, stage: str, fraction: float) -> None:
        if self.callback is not None:
            self.callback(stage, fraction)


class Assistant:
    """Answers from one archive. Safe to use from several threads; close it when done.

    ``embedder`` and ``language_model`` are called once, on first need; without a language model
    (None) answers are quotes.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        embedder: Callable[[], Embedder],
        language_model: Callable[[], LanguageModel] | None,
        listener: _Listener | None = None,
    ) -> None:
        self._listener = listener or _Listener()
        self.store = store
        self.settings = settings
        self._embedder = _Once(embedder)
        self._language_model = _Once(language_model) if language_model is not None else None
        self._glossary = glossary = Glossary(settings.names)
        self._retriever = Retriever(store, self._checked_embedder, glossary)
        composer = Composer(
            store, Verifier(self._embedder, glossary), glossary, self._retriever.weights_in
        )
        writer = Writer(Translator(glossary), settings.answer_tokens)
        self._author = Author(
            store,
            self._retriever,
            writer,
            composer,
            self._language_model,
            settings,
            self._embedder,
        )
        self._answerer = Answerer(store, self._retriever, self._author, settings, self._embedder)

    @classmethod
    def open(
        cls,
        home: Path | str | None = None,
        settings: Settings | None = None,
        *,
        read_only: bool = False,
    ) -> Assistant:
        """The assistant of a data folder, by default the user's. Never downloads anything.

        ``read_only`` opens beside another process that writes. Raises StoreError, SettingsError;
        a missing model raises ModelError on first need, with the command that fetches it.
        """
        home = Path(home) if home is not None else default_home()
        settings = settings or load_settings(home)
        store = Store.open(
            home, read_only=read_only, exact_search_passages=settings.exact_search_passages
        )
        listener = _Listener()
        return cls(
            store,
            settings,
            listener=listener,
            embedder=lambda: embedder_of(settings, listener),
            language_model=None
            if settings.language_model == NO_MODEL
            else lambda: language_model_of(settings),
        )

    @property
    def home(self) -> Path:
        """The data folder."""
        return self.store.home

    def _checked_embedder(self) -> Embedder:
        embedder = self._embedder()
        self.store.use_embedder(embedder.identity, embedder.variant)
        return embedder

    # -- the archive -----------------------------------------------------------------------------

    def ingest(
        self,
        paths: Sequence[Path | str],
        *,
        progress: Callable[[IngestProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> IngestReport:
        """Add or update the articles of files and folders; unchanged ones cost nothing."""
        return ingest(
            self.store, self._embedder, [Path(p) for p in paths], progress=progress, cancel=cancel
        )

    def remove(self, article_ids: Sequence[str]) -> list[str]:
        """Purge articles; returns the ids that were there."""
        return self.store.remove(article_ids)

    def article(self, article_id: str) -> Article:
        """One article with its text. Raises StoreError if there is none of that id."""
        return self.store.get(article_id).article

    def articles(self, filters: Filters | None = None) -> list[ArticleSummary]:
        """The articles that a filter leaves, newest first."""
        return self.store.summaries(filters or Filters())

    def status(self) -> dict:
        """Counts, sizes, schema version, embedder and language model."""
        return self.store.status() | {"model": self.settings.language_model}

    # -- questions -------------------------------------------------------------------------------

    def search(
        self,
        question: str,
        k: int = 5,
        filters: Filters | None = None,
        *,
        history: Sequence[Mapping[str, str]] = (),
    ) -> Retrieved:
        """The ``k`` best passages and evidence sentences, without the language model.

        ``history``: the turns before a follow-up. Raises ValueError for an empty or overlong
        question, a malformed history, or a ``k`` below 1.
        """
        _check(question)
        if k < 1:
            raise ValueError(f"k is {k}; expected at least 1")
        before = asked_before(question, bounded(history))
        return self._retriever.retrieve(
            question, filters=filters, passages=k, evidence=k, before=before
        )

    def stream(
        self,
        question: str,
        *,
        language: str = "auto",
        filters: Filters | None = None,
        history: Sequence[Mapping[str, str]] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """EvidenceFound, then Tokens that nothing vouches for, then AnswerReady, verified.

        Raises ValueError for an empty or overlong question or a malformed history, ModelError for
        a model that is missing. Where the language model fails while it writes, the rest of
        the answer is quotes and its ``model_error`` says why.
        """
        _check(question)
        return self._answerer.stream(
            question, language=language, filters=filters, history=history, cancel=cancel
        )

    def ask(
        self,
        question: str,
        *,
        language: str = "auto",
        filters: Filters | None = None,
        history: Sequence[Mapping[str, str]] = (),
        cancel: threading.Event | None = None,
    ) -> Answer:
        """The verified answer; the last event of ``stream``."""
        events = self.stream(
            question, language=language, filters=filters, history=history, cancel=cancel
        )
        return next(e.answer for e in events if isinstance(e, AnswerReady))

    def conversation(self, history: Sequence[Mapping[str, str]] = ()) -> Conversation:
        """A chat that remembers its turns."""
        return Conversation(self, history)

    def as_runnable(self):
        """A LangChain Runnable from question to Answer."""
        from rag.langchain import answer_runnable

        return answer_runnable(self)

    def as_retriever(self, k: int = 5):
        """A LangChain retriever of evidence sentences."""
        from rag.langchain import EvidenceRetriever

        return EvidenceRetriever(assistant=self, k=k)

    # -- models ----------------------------------------------------------------------------------

    def on_preparing(self, progress: Callable[[str, float], None] | None) -> None:
        """``progress(stage, fraction)`` is told of a first conversion, whatever asks for it."""
        self._listener.callback = progress

    def warm_up(self, progress: Callable[[str, float], None] | None = None) -> None:
        """Load both models and the glossary and read the constant part of every prompt, so that a
        question is not the first to wait; ``progress(stage, fraction)`` tells of a first conversion
        in place of whom ``on_preparing`` named."""
        if progress is not None:
            self._listener.callback = progress
        self._glossary.load()
        self._checked_embedder()
        self.store.search_vectors(self._embedder().embed_query("مرحبا"), 1)  # loads the vectors
        if self._language_model is not None:
            model = self._language_model()
            if model.capabilities.prefix_state:
                prompts = [answer_prompt("ar"), answer_prompt("en")]
                prompts += [translation_prompt(answer=answer) for answer in (False, True)]
                for prompt in prompts:
                    model.prepare(prompt.fixed)

    def queued(self) -> int:
        """Calls that wait for or use the language model."""
        model = self._language_model.value if self._language_model else None
        return model.queued() if model is not None else 0

    def close(self) -> None:
        """Free the model and the archive."""
        if self._language_model is not None and self._language_model.value is not None:
            self._language_model.value.close()
        self.store.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Conversation:
    """Questions and answers in turn; ``history`` is a list of {"role", "content"}."""

    def __init__(self, assistant: Assistant, history: Sequence[Mapping[str, str]] = ()) -> None:
        bounded(history)  # raises ValueError now, not at the first question
        self._assistant = assistant
        self.history: list[dict[str, str]] = [dict(turn) for turn in history]

    def stream(self, question: str, **options) -> Iterator[Event]:
        """As ``Assistant.stream``; the turn is remembered once it is answered."""
        for event in self._assistant.stream(question, history=tuple(self.history), **options):
            if isinstance(event, AnswerReady):
                self.history += [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": event.answer.text},
                ]
            yield event

    def ask(self, question: str, **options) -> Answer:
        """As ``Assistant.ask``, with what was said before."""
        events = self.stream(question, **options)
        return [e.answer for e in events if isinstance(e, AnswerReady)][-1]


def _check(question: str) -> None:
    if not question.strip():
        raise ValueError("the question is empty")
    if len(question) > LONGEST_QUESTION:
        raise ValueError(
            f"the question has {len(question)} characters; at most {LONGEST_QUESTION} are read. "
            "Ask in fewer words."
        )


def embedder_of(
    settings: Settings, progress: Callable[[str, float], None] | None = None
) -> Embedder:
    """The embedder that the settings name. Raises ModelError."""
    return open_embedder(
        installed_path(settings.embedder),
        get_spec(settings.embedder).identity,
        backend=settings.embedder_backend,
        threads=settings.threads,
        progress=progress,
    )


def language_model_of(settings: Settings) -> LanguageModel:
    """The language model that the settings name. Raises ModelError."""
    location = settings.language_model
    if location in load_catalogue():
        location = str(installed_path(location))
    return open_language_model(
        location,
        threads=settings.threads,
        context_tokens=settings.context_tokens,
        gpu_layers=settings.gpu_layers,
        server_model=settings.server_model,
        server_api_key=settings.server_api_key,
        allow_remote=settings.allow_remote_model,
    )
