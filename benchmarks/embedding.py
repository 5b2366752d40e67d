"""Embedding speed: the accelerated embedder against stock sentence-transformers in fp32.

    MUSTANAD_SHARED=… python -m benchmarks.embedding [--articles N] [--repeats N] [--json FILE]

Both embed the same texts (passages of articles and their sentences, with prompts and titles) in
the same process, in turns, so that a busy machine slows both; both sort by length and batch. A
rate is the texts' tokens, padding not counted, over the median time. Without MUSTANAD_SHARED the
articles are the project's samples.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil

import models  # noqa: F401  first of all: it turns usage reports off
from models.catalogue import get_spec
from models.embedder import open_embedder
from models.embedding_inputs import flatten
from models.fetch import installed_path
from models.protocols import PassageInput
from rag.chunking import split_passages
from rag.loaders import find_files, load
from rag.settings import Settings
from vectorstore.types import Article

SAMPLES = Path(__file__).resolve().parent.parent / "examples" / "articles"
SEED = 7


def sample_passages(count: int) -> list[PassageInput]:
    """Passages of ``count`` articles drawn at random, always the same ones."""
    shared = os.environ.get("MUSTANAD_SHARED")
    folder = Path(shared) / "news" if shared else SAMPLES
    articles = [a for f in find_files([folder]) for a in load(f) if isinstance(a, Article)]
    chosen = random.Random(SEED).sample(articles, min(count, len(articles)))
    return [
        PassageInput(
            article.text[p.start : p.end],
            article.title,
            tuple((s.start - p.start, s.end - p.start) for s in p.sentences),
        )
        for article in chosen
        for p in split_passages(article.text)
    ]


def timed(run: Callable[[], object]) -> float:
    """Seconds that ``run`` takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def measure(passages: Sequence[PassageInput], repeats: int, stock_batch: int) -> dict[str, float]:
    """Times, rates, agreement and memory of both; seconds, tokens/s, milliseconds, MiB."""
    settings = Settings()
    folder, identity = installed_path(settings.embedder), get_spec(settings.embedder).identity
    opened: list = []
    opening = timed(lambda: opened.append(open_embedder(folder, identity, backend="openvino")))
    fast = opened[0]
    inputs = flatten(passages, identity)
    texts = list(inputs.texts)

    fast.embed_passages(passages[:8])
    queries = [f"كم بلغ عدد الزوار في عام {year}؟" for year in range(2000, 2020)]
    query_ms = [1000 * timed(lambda q=q: fast.embed_query(q)) for q in queries]
    found = np.zeros((len(texts), identity.dimension), dtype=np.float32)
    for (whole, own), vectors in zip(inputs.places, fast.embed_passages(passages), strict=True):
        found[[whole, *own]] = [vectors.passage, *vectors.sentences]
    memory = psutil.Process().memory_info().rss / 2**20  # before PyTorch comes in

    from sentence_transformers import SentenceTransformer

    stock = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    tokens = sum(len(ids) for ids in stock.tokenizer(texts, truncation=True)["input_ids"])

    def stock_run() -> np.ndarray:
        return stock.encode_document(texts, prompt="", batch_size=stock_batch)

    stock.encode_document(texts[:8], prompt="")
    fast_s, stock_s = [], []
    for _ in range(repeats):
        fast_s.append(timed(lambda: fast.embed_passages(passages)))
        stock_s.append(timed(stock_run))
    true = stock_run()
    cosines = (found * true).sum(axis=1) / np.linalg.norm(true, axis=1)
    return {
        "texts": len(texts),
        "tokens": tokens,
        "stock_tokens_per_s": tokens / statistics.median(stock_s),
        "fast_tokens_per_s": tokens / statistics.median(fast_s),
        "ratio": statistics.median(stock_s) / statistics.median(fast_s),
        "cosine_mean": float(cosines.mean()),
        "cosine_min": float(cosines.min()),
        "open_s": opening,
        "query_ms": statistics.median(query_ms),
        "memory_mib": memory,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=20, help="how many articles (20)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, median counts (3)")
    parser.add_argument("--stock-batch", type=int, default=4, help="batch size of stock (4)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args(arguments)
    figures = measure(sample_passages(options.articles), options.repeats, options.stock_batch)
    print(
        f"{figures['texts']:,.0f} texts, {figures['tokens']:,.0f} tokens, "
        f"median of {options.repeats}, {os.cpu_count()} cores\n\n"
        "| embedder | tokens/s | against stock |\n"
        "| --- | ---: | ---: |\n"
        f"| sentence-transformers fp32 | {figures['stock_tokens_per_s']:,.0f} | 1.00 |\n"
        f"| accelerated, INT8 | {figures['fast_tokens_per_s']:,.0f} | {figures['ratio']:.2f} |\n\n"
        f"cosine between them: mean {figures['cosine_mean']:.4f}, least {figures['cosine_min']:.4f}"
        f"\na question: {figures['query_ms']:.0f} ms; opening: {figures['open_s']:.1f} s; "
        f"memory of the process: {figures['memory_mib']:,.0f} MiB"
    )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
