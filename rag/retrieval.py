"""From a question to passages and evidence sentences.

Dense and keyword search each bring candidates; their scores are brought to [0, 1] over the
candidates and added with fixed weights. Sentences of the best passages are then ranked by their
own similarity, their passage's score and the question's rare words that they hold. For a question
in one language over text in another the keyword part counts only what crosses languages (figures,
Latin strings, names that the glossary translates), so it can help and hardly hurt.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.protocols import Embedder
from rag.answer import Evidence, FoundPassage, Retrieved
from rag.expectations import expected, meets
from rag.language import detect_language
from rag.names import Glossary
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.outlets import find_outlets, same_outlet
from vectorstore.store import Store
from vectorstore.types import Article, Filters, StoredPassage

CANDIDATES = 50  # passages taken from each of the two searches
READ_PASSAGES = 12  # passages whose sentences are ranked


@dataclass(frozen=True)
class Weights:
    """Weights of the scores; chosen on the dev half of XQuAD (``python -m benchmarks.retrieval``).

    ``keyword`` and ``crossed_keyword``: share of the keyword score for a question in the article's
    language and in another. ``passage``, ``overlap``: what a sentence's passage and its share of
    the question's words add to its own similarity. ``outlet``: for an article of an outlet that
    the question names. ``expected``: for a sentence that holds the kind of words asked for.
    """

    keyword: float = 0.3
    crossed_keyword: float = 0.1
    passage: float = 0.35
    overlap: float = 0.25
    outlet: float = 0.1
    expected: float = 0.08


@dataclass(frozen=True)
class _Candidate:
    passage: StoredPassage
    article: Article
    dense: float  # cosine
    score: float  # fused


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
        """The best ``passages`` and ``evidence`` sentences, best first, ties by article and place."""
        started = time.perf_counter()
        filters = filters or Filters()
        vector = self._embedder().embed_query(question)
        language = detect_language(question)
        candidates = self._rank_passages(question, language, vector, filters)
        sentences = self._rank_sentences(question, language, vector, candidates[:READ_PASSAGES])
        return Retrieved(
            question=question,
            evidence=tuple(sentences[:evidence]),
            passages=tuple(_found(c) for c in _one_a_story(candidates)[:passages]),
            dropped_undated=self._store.undated(filters),
            retrieve_ms=(time.perf_counter() - started) * 1000,
            signals=self._signals(question, language, vector, candidates, sentences),
        )

    def _rank_passages(
        self, question: str, language: str, vector: np.ndarray, filters: Filters
    ) -> list[_Candidate]:
        dense = self._store.search_vectors(vector, CANDIDATES, filters)
        crossing = self._glossary.crossing_terms(question, language)
        keyword = {
            p.passage_id: (p, score)
            for text in (question, crossing)
            if text
            for p, score in self._store.search_keywords(text, CANDIDATES, filters)
        }
        found = {p.passage_id: p for p, _ in dense} | {i: p for i, (p, _) in keyword.items()}
        if not found:
            return []
        cosine = {p.passage_id: score for p, score in dense}
        missing = [i for i in found if i not in cosine]
        if missing:
            rows = self._store.passage_vectors(missing)
            cosine |= {i: float(rows[i] @ vector) for i in missing}
        near = _unit_range(cosine)
        words = _share_of_best({i: score for i, (_, score) in keyword.items()})
        named = find_outlets(question)
        candidates = []
        for passage_id, passage in found.items():
            article = self._store.get(passage.article_id).article
            w = (
                self.weights.keyword
                if article.language == language
                else self.weights.crossed_keyword
            )
            score = (1 - w) * near[passage_id] + w * words.get(passage_id, 0.0)
            if article.source and any(same_outlet(article.source, name) for name in named):
                score += self.weights.outlet
            candidates.append(_Candidate(passage, article, cosine[passage_id], score))
        return sorted(candidates, key=lambda c: (-c.score, c.passage.article_id, c.passage.start))

    def _rank_sentences(
        self, question: str, language: str, vector: np.ndarray, candidates: Sequence[_Candidate]
    ) -> list[Evidence]:
        rows = self._store.sentence_vectors([c.passage.passage_id for c in candidates])
        own, crossed = (
            self._word_weights(question),
            self._word_weights(self._glossary.crossing_terms(question, language)),
        )
        kind = expected(question)
        ranked: list[Evidence] = []
        for c in candidates:
            similarity = rows[c.passage.passage_id] @ vector
            weights = own if c.article.language == language else crossed
            for span, cosine in zip(c.passage.sentences, similarity, strict=True):
                quote = c.article.text[span.start : span.end]
                score = (
                    float(cosine)
                    + self.weights.passage * c.score
                    + self.weights.overlap * _overlap(weights, quote)
                    + self.weights.expected * meets(quote, kind)
                )
                ranked.append(_evidence(c, span.start, span.end, quote, score))
        ranked.sort(key=lambda e: (-e.score, e.article_id, e.start))
        return _without_repeats(ranked)

    def _signals(
        self,
        question: str,
        language: str,
        vector: np.ndarray,
        candidates: Sequence[_Candidate],
        sentences: Sequence[Evidence],
    ) -> dict[str, float]:
        """Raw measures of how well the best found fits: cosines, and the question's words held."""
        if not candidates or not sentences:
            return {}
        rows = self._store.sentence_vectors([c.passage.passage_id for c in candidates[:3]])
        own_language = candidates[0].article.language == language
        words = question if own_language else self._glossary.crossing_terms(question, language)
        best = " ".join(e.quote for e in sentences[:3])
        return {
            "passage": max(c.dense for c in candidates[:3]),
            "sentence": max(
                (float((r @ vector).max()) for r in rows.values() if len(r)), default=0.0
            ),
            "coverage": _overlap(self._word_weights(words), best),
            "crossed": float(not own_language),
            "expected": float(meets(best, expected(question))),
        }

    def word_weights(self, question: str, other_language: bool = False) -> dict[str, float]:
        """Weights of a question's words, or of what of them can be found in the other language."""
        if other_language:
            question = self._glossary.crossing_terms(question, detect_language(question))
        return self._word_weights(question)

    def _word_weights(self, text: str) -> dict[str, float]:
        """Share of each token of a question in the sum of their inverse document frequencies."""
        tokens = list(dict.fromkeys(analyse(text)))
        if not tokens:
            return {}
        count = self._store.passage_count()
        frequencies = self._store.document_frequencies(tokens)
        idf = {
            t: math.log1p((count - f + 0.5) / (f + 0.5))
            for t in tokens
            for f in (frequencies.get(t, 0),)
        }
        total = sum(idf.values())
        return {t: value / total for t, value in idf.items()}


def _unit_range(scores: dict[int, float]) -> dict[int, float]:
    low, high = min(scores.values()), max(scores.values())
    width = high - low or 1.0
    return {i: (s - low) / width for i, s in scores.items()}


def _share_of_best(scores: dict[int, float]) -> dict[int, float]:
    best = max(scores.values(), default=0.0)
    return {i: s / best for i, s in scores.items()} if best > 0 else {}


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


def _evidence(c: _Candidate, start: int, end: int, quote: str, score: float) -> Evidence:
    a = c.article
    return Evidence(
        c.passage.article_id,
        a.title,
        a.source,
        a.date,
        a.url,
        a.path,
        start,
        end,
        quote,
        round(score, 4),
    )


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


def _without_repeats(ranked: Sequence[Evidence]) -> list[Evidence]:
    seen: set[str] = set()
    kept = []
    for e in ranked:
        key = " ".join(analyse(e.quote)) or fold(e.quote)
        if key not in seen:
            seen.add(key)
            kept.append(e)
    return kept


def in_article_order(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Sentences of one article together in their order, articles by their best sentence."""
    rank: dict[str, int] = {}
    for i, e in enumerate(evidence):
        rank.setdefault(e.article_id, i)
    return sorted(evidence, key=lambda e: (rank[e.article_id], e.start))


def restrict(retrieved: Retrieved, k: int) -> Retrieved:
    """The first ``k`` passages and sentences."""
    return replace(retrieved, evidence=retrieved.evidence[:k], passages=retrieved.passages[:k])
