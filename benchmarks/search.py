"""Search in archives of several sizes: exact from memory, exact from the disk, through Chroma.

    python -m benchmarks.search vectors [--sizes 1000,10000,50000] [--no-chroma]
    MUSTANAD_SHARED=… python -m benchmarks.search analysis

``vectors`` fills archives with made-up passages whose vectors lie in clusters, as those of news
do, and prints what search costs at each size; the default of the setting ``exact_search_passages``
was read off this table. ``analysis`` compares ways of analysing Arabic by BM25 over XQuAD's
paragraphs; ``vectorstore.analysis`` cites its figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import snowballstemmer

from models.protocols import EmbedderIdentity, PassageVectors
from models.token_vectors import TokenVectors
from vectorstore.analysis import analyse
from vectorstore.arabic import fold
from vectorstore.catalogue import transaction
from vectorstore.store import Store
from vectorstore.vectors import put

DIMENSION, CLUSTERS, SPREAD = 768, 300, 0.6
QUERIES, K = 50, 10
SENTENCES = 6  # a passage
NO_TOKENS = TokenVectors(np.zeros((0, 32), np.uint8), np.zeros(SENTENCES, np.int64))


def clustered(n: int, rng: np.random.Generator, centres: np.ndarray) -> np.ndarray:
    """(n, d) float32, L2-normalised, around random centres."""
    noise = rng.standard_normal((n, DIMENSION), dtype=np.float32) / math.sqrt(DIMENSION)
    vectors = centres[rng.integers(0, len(centres), n)] + SPREAD * noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fill(store: Store, size: int, rng: np.random.Generator, centres: np.ndarray) -> None:
    """Passages with vectors and nothing else: what the vector search looks at."""
    identity = EmbedderIdentity("random", "0" * 64, "", "", DIMENSION)
    store.use_embedder(identity, "random")
    connection = store._connection
    done = store.passage_count()
    with transaction(connection):
        while done < size:
            n = min(1000, size - done)
            number = connection.execute(
                "INSERT INTO articles (article_id, path, record, content_hash, language, "
                "characters, text) VALUES (?, '', '', '', 'ar', 0, '')",
                (f"a{done}",),
            ).lastrowid
            for i, vector in enumerate(clustered(n, rng, centres), done):
                key = i.to_bytes(16)
                sentences = np.zeros((SENTENCES, DIMENSION), np.float32)
                put(connection, key, PassageVectors(vector, sentences, NO_TOKENS))
                connection.execute(
                    "INSERT INTO passages (article, start, end, sentences, vector) VALUES "
                    "(?, ?, ?, x'', (SELECT vector_id FROM vectors WHERE key = ?))",
                    (number, i, i, key),
                )
            done += n


def timed(search: Callable[[np.ndarray], object], queries: np.ndarray) -> tuple[float, float]:
    """Median and 95th percentile, milliseconds."""
    times = []
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times)), float(np.percentile(times, 95))


def bench_vectors(sizes: Sequence[int], chroma: bool) -> None:
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((CLUSTERS, DIMENSION), dtype=np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    queries = clustered(QUERIES, rng, centres)
    print(
        "| passages | load s | exact p50 / p95 ms | from disk p50 ms | Chroma build s | "
        "Chroma p50 / p95 ms | its recall@10 | on disk MB | peak memory MB |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for size in sizes:
            with Store.open(home, exact_search_passages=10**9) as store:
                fill(store, size, rng, centres)
                started = time.perf_counter()
                store.search_vectors(queries[0], K)
                load = time.perf_counter() - started
                exact = timed(lambda q, s=store: s.search_vectors(q, K), queries)
                truth = [{p.passage_id for p, _ in store.search_vectors(q, K)} for q in queries]
                disk = store.status()["bytes"] / 1e6
            with Store.open(home, read_only=True, exact_search_passages=0) as store:
                scan = timed(lambda q, s=store: s.search_vectors(q, K), queries[:5])
            cells = ["–"] * 3
            if chroma:
                started = time.perf_counter()
                with Store.open(home, exact_search_passages=0) as store:
                    build = time.perf_counter() - started
                    near = timed(lambda q, s=store: s.search_vectors(q, K), queries)
                    found = [{p.passage_id for p, _ in store.search_vectors(q, K)} for q in queries]
                recall = sum(len(a & b) for a, b in zip(truth, found, strict=True)) / (QUERIES * K)
                cells = [f"{build:.0f}", f"{near[0]:.1f} / {near[1]:.1f}", f"{recall:.3f}"]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(
                f"| {size:,} | {load:.2f} | {exact[0]:.1f} / {exact[1]:.1f} | {scan[0]:.0f} | "
                f"{' | '.join(cells)} | {disk:.0f} | {peak:.0f} |",
                flush=True,
            )


def bm25(documents: list[list[str]], questions: list[tuple[list[str], int]]) -> tuple[float, float]:
    """hit@1 and hit@5; k1 = 1.2, b = 0.75 (Robertson and Zaragoza 2009), as in SQLite's FTS5."""
    postings: dict[str, dict[int, int]] = defaultdict(dict)
    for number, tokens in enumerate(documents):
        for token, count in Counter(tokens).items():
            postings[token][number] = count
    mean = sum(map(len, documents)) / len(documents)
    first = five = 0
    for tokens, gold in questions:
        scores: Counter[int] = Counter()
        for token in set(tokens):
            found = postings.get(token, {})
            idf = math.log(1 + (len(documents) - len(found) + 0.5) / (len(found) + 0.5))
            for number, count in found.items():
                length = 1.2 * (0.25 + 0.75 * len(documents[number]) / mean)
                scores[number] += idf * count * 2.2 / (count + length)
        best = sorted(scores, key=lambda n: (-scores[n], n))[:5]
        first += best[:1] == [gold]
        five += gold in best
    return first / len(questions), five / len(questions)


def bench_analysis(shared: Path) -> None:
    arabic = snowballstemmer.stemmer("arabic")
    ways: dict[str, Callable[[str], list[str]]] = {
        "words as they are": lambda text: re.findall(r"\w+", text),
        "folded": lambda text: re.findall(r"\w+", fold(text)),
        "folded, Snowball": lambda text: arabic.stemWords(re.findall(r"\w+", fold(text))),
        "vectorstore.analysis": analyse,
    }
    data = json.loads((shared / "xquad" / "dev.ar.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    questions = [(qa["question"], i) for i, p in enumerate(paragraphs) for qa in p["qas"]]
    print(f"{len(questions)} questions over {len(paragraphs)} paragraphs, Arabic\n")
    print("| analysis | hit@1 | hit@5 |\n| --- | ---: | ---: |")
    for name, way in ways.items():
        documents = [way(p["context"]) for p in paragraphs]
        one, five = bm25(documents, [(way(q), gold) for q, gold in questions])
        print(f"| {name} | {one:.3f} | {five:.3f} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    vectors = commands.add_parser("vectors")
    vectors.add_argument("--sizes", default="1000,10000,50000,100000")
    vectors.add_argument("--no-chroma", action="store_true")
    commands.add_parser("analysis")
    options = parser.parse_args(arguments)
    if options.command == "vectors":
        bench_vectors([int(s) for s in options.sizes.split(",")], not options.no_chroma)
    elif "MUSTANAD_SHARED" in os.environ:
        bench_analysis(Path(os.environ["MUSTANAD_SHARED"]))
    else:
        parser.error("set MUSTANAD_SHARED to the folder that holds xquad/dev.ar.json")


if __name__ == "__main__":
    main()
