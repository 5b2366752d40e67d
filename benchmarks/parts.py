"""The parts that any stock system has, over one archive, for `benchmarks.retrieval`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from models.protocols import Embedder, PassageInput, PassageVectors
from rag.evaluation.runner import SEARCH_DEPTH
from rag.retrieval import Retriever
from vectorstore.analysis import analyse
from vectorstore.store import Store

DENSE, KEYWORD = 0.7, 0.3  # of the simple fusion
OF_PASSAGE = 0.7  # of a passage's score, added to its sentences'


class Remembering:
    """An embedder that embeds no question twice."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.identity, self.variant = embedder.identity, embedder.variant
        self.embed_query = lru_cache(maxsize=None)(embedder.embed_query)
        self.embed_query_tokens = lru_cache(maxsize=None)(embedder.embed_query_tokens)

    def embed_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        return self._embedder.embed_passages(passages)


class Parts:
    """Every passage and sentence of a small archive, ranked by one score or by two added."""

    def __init__(self, store: Store, retriever: Retriever, embedder: Embedder) -> None:
        self._store, self._retriever, self._embedder = store, retriever, embedder
        passages = [p for s in store.summaries() for p in store.passages(s.article_id)]
        self._row = {p.passage_id: row for row, p in enumerate(passages)}
        whole, own = store.passage_vectors(list(self._row)), store.sentence_vectors(list(self._row))
        self._passage_vectors = np.stack([whole[i] for i in self._row])  # (p, d)
        self._sentence_vectors = np.concatenate([own[i] for i in self._row])  # (s, d)
        self._passage_of = np.repeat(np.arange(len(passages)), [len(p.sentences) for p in passages])
        self._passages = [_span(p.article_id, p.start, p.end) for p in passages]
        self._sentences, self._words = [], []
        for passage in passages:
            text = store.get(passage.article_id).article.text
            for s in passage.sentences:
                self._sentences.append(_span(passage.article_id, s.start, s.end))
                self._words.append(set(analyse(text[s.start : s.end])))

    def rank(self, question: str) -> dict[str, Mapping]:
        """What each of the parts finds, by its name."""
        vector = self._embedder.embed_query(question)
        dense = (self._passage_vectors @ vector, self._sentence_vectors @ vector)
        bm25 = np.zeros(len(self._passages))
        for passage, score in self._store.search_keywords(question, len(self._passages)):
            bm25[self._row[passage.passage_id]] = score
        weights = self._retriever.word_weights(question)
        held = np.array([sum(weights[t] for t in weights.keys() & w) for w in self._words])
        keyword = (_scaled(bm25), _scaled(held))
        fused = tuple(DENSE * _scaled(d) + KEYWORD * k for d, k in zip(dense, keyword, strict=True))
        found = {"dense alone": dense, "BM25 alone": keyword, "simple fusion": fused}
        return {
            name: {
                "passages": _best(self._passages, passages),
                "evidence": _best(
                    self._sentences, sentences + OF_PASSAGE * passages[self._passage_of]
                ),
            }
            for name, (passages, sentences) in found.items()
        }


def _span(article_id: str, start: int, end: int) -> dict:
    return {"article_id": article_id, "start": start, "end": end}


def _scaled(scores: np.ndarray) -> np.ndarray:
    """To 0..1; all 0 where they are all the same."""
    spread = np.ptp(scores)
    return (scores - scores.min()) / spread if spread else np.zeros_like(scores)


def _best(spans: Sequence[Mapping], scores: np.ndarray) -> list[Mapping]:
    """Best first; a score of 0 has nothing in common with the question and is not found."""
    return [spans[i] for i in np.argsort(-scores, kind="stable")[:SEARCH_DEPTH] if scores[i]]
