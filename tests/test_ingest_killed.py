"""kill -9 at random moments of ingest: nothing lost, nothing doubled, nothing half stored."""

from __future__ import annotations

import json
import multiprocessing
import random
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from fakes import FakeEmbedder
from rag import ingest as ingest_module
from rag.chunking import split_passages
from rag.ingest import ingest
from vectorstore.catalogue import FILE_NAME
from vectorstore.store import Store
from vectorstore.types import Filters

KILLS = 24
LIMIT = 150  # passages above which Chroma is in play, so that its journal is killed too
WORDS = "ميناء رصيف سفينة عاصفة صياد متحف مدرسة جسر زيتون مهرجان بلدية قطار مطار حديقة سوق".split()


def story(i: int, version: int = 0) -> str:
    rng = random.Random(i * 1000 + version)
    sentences = [" ".join(rng.choices(WORDS, k=9)) + f" {i}." for _ in range(rng.randint(2, 30))]
    return f"خبر {i}. " + " ".join(sentences)


def write_news(folder: Path, round_: int) -> None:
    """The folder as it is in a round: records appear, change and shift; a file moves."""
    folder.mkdir(exist_ok=True)
    for name, first in (("one", 0), ("two", 100)):
        # What moves keeps its content; every tenth record changes each time.
        numbers = list(range(first - round_, first + 80))
        records = [
            {"content": story(i, version=round_ if i % 10 == 0 else 0), "title": f"عنوان {i}"}
            for i in numbers
        ]
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for i in range(20):
        name = f"story-{i}.txt" if i % 2 else f"moved-{round_}-{i}.txt"
        for old in folder.glob(f"moved-*-{i}.txt"):
            old.rename(folder / name)
        (folder / name).write_text(story(500 + i), encoding="utf-8")


class SlowEmbedder(FakeEmbedder):
    def embed_passages(self, passages):
        time.sleep(0.01)
        return super().embed_passages(passages)


def victim(home: str, news: str, ready) -> None:
    """Ingest, in small batches, until killed."""
    ingest_module._BATCH_PASSAGES = 8
    ready.set()
    with Store.open(Path(home), exact_search_passages=LIMIT) as store:
        ingest(store, SlowEmbedder, [Path(news)])


def check_whole(home: Path, embedder: FakeEmbedder) -> int:
    """Every visible article is complete; returns how many there are."""
    raw = sqlite3.connect(f"{(home / FILE_NAME).as_uri()}?mode=ro", uri=True)
    if raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        raw.close()  # killed before the schema was there: an empty archive
        with Store.open(home, read_only=True) as store:
            return len(store.summaries())
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    ids = "SELECT passage_id FROM passages"
    assert (
        raw.execute(f"SELECT count(*) FROM keywords WHERE rowid NOT IN ({ids})").fetchone()[0] == 0
    ), "index rows of passages that are not there"
    assert raw.execute(
        "SELECT count(*) FROM vectors WHERE vector_id NOT IN (SELECT vector FROM passages)"
    ).fetchone() == (0,), "vectors that nothing uses"
    raw.close()
    with Store.open(home, read_only=True) as store:
        summaries = store.summaries()
        for summary in summaries:
            text = store.get(summary.article_id).article.text
            passages = store.passages(summary.article_id)
            assert [(p.start, p.end, p.sentences) for p in passages] == [
                (p.start, p.end, p.sentences) for p in split_passages(text)
            ]
            numbers = [p.passage_id for p in passages]
            vectors, sentences = store.passage_vectors(numbers), store.sentence_vectors(numbers)
            for passage in passages:
                expected = embedder._vector(text[passage.start : passage.end])
                np.testing.assert_allclose(vectors[passage.passage_id], expected, atol=2e-3)
                assert len(sentences[passage.passage_id]) == len(passage.sentences)
            only = Filters(article_ids=(summary.article_id,))
            found = store.search_keywords(text, 100, only)
            assert {p.passage_id for p, _ in found} == set(numbers)
        return len(summaries)


def visible(store: Store) -> list[tuple]:
    """What an archive holds of the files, without ids, which depend on its history."""
    return sorted(
        (s.path, s.record, store.get(s.article_id).article.text) for s in store.summaries()
    )


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="needs SIGKILL"
)
def test_killed_at_any_moment(tmp_path: Path) -> None:
    news, home = tmp_path / "news", tmp_path / "home"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fakes", "rag.ingest", "chromadb"])
    embedder, rng = FakeEmbedder(), random.Random(20_201_119)

    round_, killed, counts = 0, 0, []
    write_news(news, round_)
    while killed < KILLS:
        ready = context.Event()
        process = context.Process(target=victim, args=(str(home), str(news), ready))
        process.start()
        assert ready.wait(60)
        process.join(rng.uniform(0, 0.4))
        if process.is_alive():
            process.kill()
            process.join()
            killed += 1
        else:  # it got to the end: give it something to do
            assert process.exitcode == 0
            round_ += 1
            write_news(news, round_)
        if (home / FILE_NAME).exists():
            counts.append(check_whole(home, embedder))
    assert len(set(counts)) > KILLS // 4, f"the kills did not fall inside the ingest: {counts}"

    with Store.open(home, exact_search_passages=LIMIT) as store:
        ingest(store, FakeEmbedder, [news])
        again = ingest(store, FakeEmbedder, [news])
        assert (again.added, again.updated, again.moved, again.embedded_texts) == (0, 0, 0, 0)
        there = visible(store)
    check_whole(home, embedder)
    with Store.open(tmp_path / "fresh", exact_search_passages=LIMIT) as store:
        ingest(store, FakeEmbedder, [news])
        expected = visible(store)
    # A record that left its file stays in the archive until it is removed; all else agrees.
    gone = {f"{path}#{record}" for path, record, _ in there} - {
        f"{path}#{record}" for path, record, _ in expected
    }
    assert set(expected) <= set(there)
    assert gone <= set(again.missing)
    assert len(there) == len(expected) + len(again.missing)
