"""The archive against a plain dictionary, through any sequence of what may be done to it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from archive import put
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fakes import FakeEmbedder
from vectorstore.chroma import FOLDER_NAME
from vectorstore.store import Store
from vectorstore.types import Article, Filters, StoreError

IDS = st.sampled_from([f"a{i}" for i in range(8)])
# Diacritics, tatweel, bidi marks, both kinds of digits, emoji, leading space, line ends.
PIECES = st.sampled_from(
    [
        *"رصيف الرصيف العاصفةُ محـــمد ١٧ 17 1,000 ٪5 Harbour café g20 . ؟ ! ،".split(),
        *("\u200fتوقيع\u200e", "🚢", " ", "\n", "\r\n", "  «اقتباس»  ", "كلمة " * 90),
    ]
)
TEXTS = (
    st.lists(PIECES, min_size=1, max_size=30)
    .map(" ".join)
    .filter(lambda t: any(map(str.isalnum, t)))
)
ARTICLES = st.builds(
    Article,
    path=st.sampled_from(["/news/one.txt", "/news/two.txt"]),
    record=st.just(""),
    text=TEXTS,
    title=st.one_of(st.none(), st.just("عنوان")),
    source=st.sampled_from([None, "شينخوا", "Harbour Gazette"]),
    date=st.sampled_from([None, "2020-05-10", "2020-05-11T09:00:00Z"]),
    language=st.sampled_from(["ar", "en"]),
)


class Archive(RuleBasedStateMachine):
    limit = 100_000

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="mustanad-test-"))
        self.embedder = FakeEmbedder()
        self.model: dict[str, Article] = {}
        self.store = Store.open(self.home, exact_search_passages=self.limit)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.home)

    @initialize()
    def begin(self) -> None:
        self.store.use_embedder(self.embedder.identity, "fake")

    @rule(articles=st.dictionaries(IDS, ARTICLES, min_size=1, max_size=4))
    def write(self, articles: dict[str, Article]) -> None:
        put(self.store, self.embedder, articles)
        self.model.update(articles)

    @rule(ids=st.lists(IDS, min_size=1, max_size=3))
    def remove(self, ids: list[str]) -> None:
        if set(ids) <= set(self.model):
            assert set(self.store.remove(ids)) == set(ids)
            for article_id in set(ids):
                del self.model[article_id]
        else:
            with pytest.raises(StoreError):
                self.store.remove(ids)

    @rule()
    def update_index(self) -> None:
        self.store.update_index()

    @rule(lose_index=st.booleans())
    def reopen(self, lose_index: bool) -> None:
        self.store.close()
        if lose_index:
            shutil.rmtree(self.home / FOLDER_NAME, ignore_errors=True)
        self.store = Store.open(self.home, exact_search_passages=self.limit)

    @invariant()
    def holds_what_was_written(self) -> None:
        assert {s.article_id for s in self.store.summaries()} == set(self.model)
        total = 0
        for article_id, article in self.model.items():
            assert self.store.get(article_id).article == article
            passages = self.store.passages(article_id)
            total += len(passages)
            quotes = [article.text[s.start : s.end] for p in passages for s in p.sentences]
            assert all(quote.strip() == quote != "" for quote in quotes)
            assert "".join("".join(quotes).split()) == "".join(article.text.split())
        assert self.store.passage_count() == total

    @invariant()
    def finds_what_is_there_and_nothing_else(self) -> None:
        query = self.embedder.embed_query("الرصيف 17 Harbour")
        by_vector = self.store.search_vectors(query, 1000)
        assert len(by_vector) == self.store.passage_count()
        by_word = self.store.search_keywords("الرصيف 17 Harbour كلمة", 1000)
        for passage, _ in (*by_vector, *by_word):
            text = self.model[passage.article_id].text
            assert 0 <= passage.start < passage.end <= len(text)
        scores = [score for _, score in by_vector]
        assert scores == sorted(scores, reverse=True)
        english = {i for i, article in self.model.items() if article.language == "en"}
        found = self.store.search_vectors(query, 1000, Filters(language="en"))
        assert {p.article_id for p, _ in found} == english

    @invariant()
    def keeps_nothing_of_what_is_gone(self) -> None:
        status = self.store.status()
        assert (status["vectors"] == 0) == (status["passages"] == 0)
        assert status["vectors"] <= status["passages"]
        for article_id in self.model:
            copies = self.store.copies(article_id)
            assert {s.article_id for s in copies} <= set(self.model) - {article_id}


class ArchiveWithChroma(Archive):
    limit = 6


_settings = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestArchive = Archive.TestCase
TestArchive.settings = _settings
TestArchiveWithChroma = ArchiveWithChroma.TestCase
TestArchiveWithChroma.settings = settings(_settings, max_examples=15)
