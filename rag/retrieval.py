"""From a question to passages and evidence sentences.

Dense and keyword search each bring candidate passages; their scores are added. The sentences of
the best passages are ranked by their own similarity, their passage's score and the question's rare
words that they hold, and the best few of these by late interaction as well: how near each token of
the question comes to some token of the sentence (ColBERT's MaxSim, Khattab and Zaharia 2020, its
mean). Passages are ranked by their best sentence. For a question in one language over text in
another the keyword part counts only what crosses languages (figures, Latin strings, names and
terms that the glossary translates), so it can help and hardly hurt.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from models.protocols import Embedder
from rag.answer import Evidence, FoundPassage, Retrieved
from rag.expectations import expected, meets
from rag.language import detect_language
from rag.names import Glossary
from rag.parts import parts
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.outlets import find_outlets, same_outlet
from vectorstore.store import Store
from vectorstore.types import Article, Filters, Span, StoredPassage, UnknownArticle

_T = TypeVar("_T")

CANDIDATES = 50  # passages taken from each of the two searches
READ_PASSAGES = 12  # passages whose sentences are ranked
RESCORED = 5  # sentences that late interaction looks at: each costs some 60 ms


@dataclass(frozen=True)
class Weights:
    """Weights of the scores; chosen on the dev half of XQuAD.

    ``python -m benchmarks.retrieval --tune`` chooses them anew.

    ``keyword``: of a passage's BM25, as a share of the question's inverse document frequencies,
    beside its cosine. ``passage``, ``overlap``, ``late``: of its passage's score, its share of the
    question's words and its MaxSim beside a sentence's own cosine. ``outlet``: for an article of an
    outlet that the question names. ``expected``: for a sentence that holds the kind of words asked
    for.
    """

    keyword: float = 0.3
    passage: float = 0.7
    overlap: float = 0.15
    late: float = 1.0
    outlet: float = 0.1
    expected: float = 0.04


@dataclass(frozen=True)
class _Candidate:
    passage: StoredPassage
    article: Article
    dense: float  # cosine
    score: float  # fused


@dataclass(frozen=True)
class _Scored:
    evidence: Evidence
    passage_id: int
    cosine: float
    late: float = 0.0


class Retriever:
    """Searches one store with one embedder."""

    def __init__(
        self,
        store: Store,
        embedder: Callable[[], Embedder],
        glossary: Glossary,
        weights: Weights | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._glossary = glossary
        self.weights = weights or Weights()

    def retrieve(
        self,
        question: str,
        *,
        filters: Filters | None = None,
        passages: int = 10,
        evidence: int = 10,
    ) -> Retrieved:
        """The best passages and evidence sentences, best first; ties by article and place.

        Where a question asks several things, each part is searched as well and the findings are
        taken in turn, so that no part is left without evidence.
        """
        started = time.perf_counter()
        filters = filters or Filters()
        words, candidates, found = self._find(question, filters)
        signals = self._signals(question, words, candidates, found)
        for part in parts(question):
            _, more, rest = self._find(part, filters)
            found = _in_turn(found, rest)
            candidates = _in_turn(candidates, more)
        return Retrieved(
            question=question,
            evidence=tuple(s.evidence for s in _without_repeats(found)[:evidence]),
            passages=tuple(_found(c) for c in _one_a_story(candidates)[:passages]),
            dropped_undated=self._store.undated(filters),
            retrieve_ms=(time.perf_counter() - started) * 1000,
            signals=signals,
        )

    def _find(
        self, question: str, filters: Filters
    ) -> tuple[_Words, list[_Candidate], list[_Scored]]:
        """Passages by their best sentence, and sentences, best first."""
        vector = self._embedder().embed_query(question)
        words = _Words(self, question, detect_language(question))
        candidates = self._rank_passages(question, words, vector, filters)
        found = self._rank_sentences(question, words, vector, candidates[:READ_PASSAGES])
        best = {i: rank for rank, i in reversed(list(enumerate(s.passage_id for s in found)))}
        candidates.sort(key=lambda c: best.get(c.passage.passage_id, len(found)))
        return words, candidates, _without_repeats(found)

    def crossing_terms(self, question: str, language: str) -> str:
        """What of a question can be searched in text of the other language."""
        return self._glossary.crossing_terms(question, language)

    def word_weights(self, question: str, crossed: bool = False) -> dict[str, float]:
        """Share of each of a question's tokens in the sum of their inverse document frequencies.

        ``crossed``: of what of the question can be found in text of the other language.
        """
        if crossed:
            question = self.crossing_terms(question, detect_language(question))
        idf = self._idf(question)
        total = sum(idf.values())
        return {t: value / total for t, value in idf.items()}

    def weights_in(self, question: str, language: str) -> dict[str, float]:
        """``word_weights`` of a question for text of a language."""
        return self.word_weights(question, language != detect_language(question))

    def _idf(self, text: str) -> dict[str, float]:
        tokens = list(dict.fromkeys(analyse(text)))
        count = self._store.passage_count()
        frequencies = self._store.document_frequencies(tokens) if tokens else {}
        return {
            t: math.log1p((count - f + 0.5) / (f + 0.5))
            for t in tokens
            for f in (frequencies.get(t, 0),)
        }

    def _rank_passages(
        self, question: str, words: _Words, vector: np.ndarray, filters: Filters
    ) -> list[_Candidate]:
        dense = self._store.search_vectors(vector, CANDIDATES, filters)
        found = {p.passage_id: p for p, _ in dense}
        keyword: dict[bool, dict[int, float]] = {}
        for crossed in (False, True):
            text = words.text(crossed)
            hits = self._store.search_keywords(text, CANDIDATES, filters) if text else []
            total = sum(self._idf(text).values()) or 1.0
            keyword[crossed] = {p.passage_id: score / total for p, score in hits}
            found |= {p.passage_id: p for p, _ in hits}
        cosine = {p.passage_id: score for p, score in dense}
        missing = [i for i in found if i not in cosine]
        if missing:
            rows = self._store.passage_vectors(missing)
            cosine |= {i: float(row @ vector) for i, row in rows.items()}
        named = find_outlets(question)
        articles = self._articles({p.article_id for p in found.values()})
        candidates = []
        for i, passage in found.items():
            article = articles.get(passage.article_id)
            if article is None or i not in cosine:  # removed since it was found
                continue
            crossed = article.language != words.language
            score = cosine[i] + self.weights.keyword * keyword[crossed].get(i, 0.0)
            if any(same_outlet(name, article.source) for name in named):
                score += self.weights.outlet
            candidates.append(_Candidate(passage, article, cosine[i], score))
        return sorted(candidates, key=lambda c: (-c.score, c.passage.article_id, c.passage.start))

    def _articles(self, ids: Iterable[str]) -> dict[str, Article]:
        """Articles by id; one that was removed meanwhile is left out."""
        articles = {}
        for article_id in ids:
            with suppress(UnknownArticle):
                articles[article_id] = self._store.get(article_id).article
        return articles

    def _rank_sentences(
        self,
        question: str,
        words: _Words,
        vector: np.ndarray,
        candidates: Sequence[_Candidate],
    ) -> list[_Scored]:
        rows = self._store.sentence_vectors([c.passage.passage_id for c in candidates])
        kind = expected(question)
        scored: list[_Scored] = []
        for c in candidates:
            if c.passage.passage_id not in rows:  # removed since it was found
                continue
            weights = words.weights(c.article.language != words.language)
            cosines = rows[c.passage.passage_id] @ vector
            for span, cosine in zip(c.passage.sentences, cosines, strict=True):
                quote = c.article.text[span.start : span.end]
                score = (
                    float(cosine)
                    + self.weights.passage * c.score
                    + self.weights.overlap * _overlap(weights, quote)
                    + self.weights.expected * meets(quote, kind)
                )
                scored.append(
                    _Scored(_evidence(c, span, quote, score), c.passage.passage_id, float(cosine))
                )
        scored.sort(key=_order)
        return self._rescored(question, scored[:RESCORED]) + scored[RESCORED:]

    def _rescored(self, question: str, scored: Sequence[_Scored]) -> list[_Scored]:
        """The same sentences, ordered with late interaction added to their scores."""
        if not scored:
            return []
        asked = self._embedder().embed_query_tokens(question)
        tokens = self._embedder().embed_sentence_tokens(
            [(s.evidence.title, s.evidence.quote) for s in scored]
        )
        late = [float((asked @ t.T).max(axis=1).mean()) if len(t) else 0.0 for t in tokens]
        added = [
            replace(
                s,
                evidence=replace(
                    s.evidence, score=round(s.evidence.score + self.weights.late * x, 4)
                ),
                late=x,
            )
            for s, x in zip(scored, late, strict=True)
        ]
        return sorted(added, key=_order)

    def _signals(
        self,
        question: str,
        words: _Words,
        candidates: Sequence[_Candidate],
        found: Sequence[_Scored],
    ) -> dict[str, float]:
        """Raw measures of how well the best found fits: cosines, and the question's words held."""
        if not found:
            return {}
        top = found[0]
        crossed = candidates[0].article.language != words.language
        best = " ".join(s.evidence.quote for s in found[:3])
        return {
            "passage": max(c.dense for c in candidates[:3]),
            "sentence": max(s.cosine for s in found[:3]),
            "late": top.late,
            "margin": top.evidence.score - found[min(3, len(found) - 1)].evidence.score,
            "coverage": 0.0 if crossed else _overlap(words.weights(False), best),
            "crossed_coverage": _overlap(words.weights(True), best) if crossed else 0.0,
            "crossed": float(crossed),
            "names": self._glossary.share_of_names(question, self._surroundings(top, candidates)),
            "expected": float(meets(best, expected(question))),
        }

    def _surroundings(self, top: _Scored, candidates: Sequence[_Candidate]) -> str:
        """The best sentence's passage with its article's outlet, title and date."""
        found = next(c for c in candidates if c.passage.passage_id == top.passage_id)
        a, p = found.article, found.passage
        return " ".join(filter(None, (a.text[p.start : p.end], a.source, a.title, a.date)))


class _Words:
    """What of a question is looked up in text of its own language and of the other, made once."""

    def __init__(self, retriever: Retriever, question: str, language: str) -> None:
        self.language = language
        self._retriever = retriever
        self._question = question
        self._crossing = retriever.crossing_terms(question, language)
        self._weights: dict[bool, dict[str, float]] = {}

    def text(self, crossed: bool) -> str:
        return self._crossing if crossed else self._question

    def weights(self, crossed: bool) -> dict[str, float]:
        if crossed not in self._weights:
            self._weights[crossed] = self._retriever.word_weights(self._question, crossed)
        return self._weights[crossed]


def _in_turn(first: list[_T], second: list[_T]) -> list[_T]:
    """One of each in turn, until both are used up."""
    pairs = itertools.zip_longest(first, second)
    return [x for pair in pairs for x in pair if x is not None]


def _order(s: _Scored) -> tuple[float, str, int]:
    return (-s.evidence.score, s.evidence.article_id, s.evidence.start)


def _overlap(weights: dict[str, float], sentence: str) -> float:
    if not weights:
        return 0.0
    present = set(analyse(sentence))
    return sum(w for token, w in weights.items() if token in present)


def _found(c: _Candidate) -> FoundPassage:
    a, p = c.article, c.passage
    quote = a.text[p.start : p.end]
    return FoundPassage(
        p.article_id, a.title, a.source, a.date, p.start, p.end, quote, round(c.score, 4)
    )


def _evidence(c: _Candidate, span: Span, quote: str, score: float) -> Evidence:
    a = c.article
    return Evidence(
        article_id=c.passage.article_id, title=a.title, source=a.source, date=a.date, url=a.url,
        path=a.path, start=span.start, end=span.end, quote=quote, score=round(score, 4),
    )  # fmt: skip


def _one_a_story(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The first of passages with the same folded text: agency copy counts once."""
    seen: set[str] = set()
    kept = []
    for c in candidates:
        key = fold(c.article.text[c.passage.start : c.passage.end])
        if key not in seen:
            seen.add(key)
            kept.append(c)
    return kept


def _without_repeats(ranked: Sequence[_Scored]) -> list[_Scored]:
    """The first of sentences with the same words, whichever copy of a story they stand in."""
    seen: set[str] = set()
    kept = []
    for s in ranked:
        key = " ".join(analyse(s.evidence.quote)) or fold(s.evidence.quote)
        if key not in seen:
            seen.add(key)
            kept.append(s)
    return kept
