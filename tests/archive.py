"""Putting articles into an archive without files, for tests of the store."""

from __future__ import annotations

from collections.abc import Iterable

from models.protocols import Embedder, PassageInput
from rag.chunking import split_passages
from vectorstore.store import Store
from vectorstore.types import Article
from vectorstore.vectors import vector_key
from vectorstore.writing import ArticleEntry, Batch


def put(store: Store, embedder: Embedder, articles: dict[str, Article]) -> None:
    """Store articles under given ids, in one batch; those that are stored already are replaced."""
    store.use_embedder(embedder.identity, embedder.variant)
    batch = Batch()
    for article_id, article in articles.items():
        passages = tuple(split_passages(article.text))
        inputs = [_input(article, p.start, p.end, p.sentences) for p in passages]
        keys = tuple(vector_key(embedder.identity.key, one) for one in inputs)
        batch.vectors.update(zip(keys, embedder.embed_passages(inputs), strict=True))
        batch.entries.append(ArticleEntry(article_id, article, passages, keys))
    store.writer().write(batch)


def _input(article: Article, start: int, end: int, spans: Iterable) -> PassageInput:
    relative = tuple((s.start - start, s.end - start) for s in spans)
    return PassageInput(article.text[start:end], article.title, relative)
