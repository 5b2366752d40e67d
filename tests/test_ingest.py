from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import FakeEmbedder
from rag import ingest as ingest_module
from rag.ingest import IngestProgress, ingest
from vectorstore.store import Store
from vectorstore.types import StoreError

STORIES = {
    "quay.txt": "افتتحت بلدية مرسى الورد الرصيف الشرقي في مارس. وبلغت كلفة الرصيف 17 مليون دينار.",
    "storm.txt": "أغلق الميناء يومين بسبب العاصفة. وعاد الصيادون إلى البحر صباح الخميس.",
    "light.txt": "The lighthouse of Marsa al-Ward burns 170 litres of oil a month.",
}


class Counted:
    """An embedder factory that counts how often a model was loaded."""

    def __init__(self, embedder: FakeEmbedder | None = None) -> None:
        self.embedder = embedder or FakeEmbedder()
        self.loads = 0

    def __call__(self) -> FakeEmbedder:
        self.loads += 1
        return self.embedder


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    folder.mkdir()
    for name, text in STORIES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "home") as opened:
        yield opened


def write_records(path: Path, texts: list[str]) -> None:
    lines = [json.dumps({"title": t.split()[0], "content": t}, ensure_ascii=False) for t in texts]
    path.write_text("\n".join(lines), encoding="utf-8")


def counts(report) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.moved


def contents(store: Store) -> dict[str, tuple]:
    """Everything that a user can see of an archive, by article."""
    return {
        s.article_id: (store.get(s.article_id), [p.start for p in store.passages(s.article_id)])
        for s in store.summaries()
    }


def test_every_stored_span_slices_the_original(store: Store, news: Path) -> None:
    report = ingest(store, Counted(), [news])
    assert counts(report) == (3, 0, 0, 0)
    assert report.embedded_texts == 3 and not report.skipped and not report.missing
    for summary in store.summaries():
        text = store.get(summary.article_id).article.text
        assert text == (news / os.path.basename(summary.path)).read_text(encoding="utf-8")
        spans = [s for p in store.passages(summary.article_id) for s in p.sentences]
        assert "".join("".join(text[s.start : s.end].split()) for s in spans) == "".join(
            text.split()
        )


def test_twice_is_once_and_loads_no_model(store: Store, news: Path) -> None:
    ingest(store, Counted(), [news])
    before = contents(store)
    again = Counted()
    report = ingest(store, again, [news, news / "quay.txt"])
    assert counts(report) == (0, 0, 3, 0)
    assert (report.embedded_texts, again.loads) == (0, 0)
    assert contents(store) == before


def test_an_archive_of_an_earlier_version_is_completed_once(store: Store, news: Path) -> None:
    ingest(store, Counted(), [news])
    ids = [p.passage_id for s in store.summaries() for p in store.passages(s.article_id)]
    kept = store.token_vectors(ids)
    assert sorted(kept) == sorted(ids)
    store._connection.execute("UPDATE vectors SET tokens = NULL")
    assert store.token_vectors(ids) == {}
    seen: list[IngestProgress] = []
    report = ingest(store, Counted(), [news], progress=seen.append)
    assert counts(report) == (0, 0, 3, 0) and report.embedded_texts == 3
    assert [(p.phase, p.done, p.total) for p in seen if p.phase == "indexing"] == [
        ("indexing", 0, 3)
    ]
    for passage_id, tokens in store.token_vectors(ids).items():
        assert tokens.bits.tolist() == kept[passage_id].bits.tolist()
        assert tokens.counts.tolist() == kept[passage_id].counts.tolist()
    assert ingest(store, Counted(), [news]).embedded_texts == 0


def test_unchanged_files_are_not_parsed(
    store: Store, news: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, Counted(), [news])
    os.utime(news / "quay.txt")  # touched: its bytes are compared, once

    def parsed(path: Path):
        raise AssertionError(f"{path} was parsed")

    monkeypatch.setattr("rag.survey.load", parsed)
    for _ in range(2):
        assert counts(ingest(store, Counted(), [news])) == (0, 0, 3, 0)
    monkeypatch.setattr("rag.survey._sha256", parsed)
    assert counts(ingest(store, Counted(), [news])) == (0, 0, 3, 0)


def test_a_changed_file_keeps_its_id_and_only_new_passages_are_embedded(
    store: Store, news: Path
) -> None:
    words = ("قنديل", "سفينة", "مهرجان", "زيتون")
    paragraph = "\n".join(f"{word} " * 120 + "." for word in words)
    (news / "long.txt").write_text(paragraph, encoding="utf-8")
    factory = Counted()
    ingest(store, factory, [news])
    before = {s.path: s.article_id for s in store.summaries()}
    was = len(store.passages(before[str(news / "long.txt")]))
    assert was >= 3
    changed = paragraph.replace("زيتون", "ليمون")
    (news / "long.txt").write_text(changed, encoding="utf-8")
    report = ingest(store, factory, [news])
    assert counts(report) == (0, 1, 3, 0)
    assert 1 <= report.embedded_texts < was
    assert {s.path: s.article_id for s in store.summaries()} == before
    assert store.get(before[str(news / "long.txt")]).article.text == changed
    assert len(store.search_keywords("ليمون", 9)) == 1
    assert store.search_keywords("زيتون", 9) == []


def test_a_moved_file_keeps_its_article_and_loads_no_model(store: Store, news: Path) -> None:
    ingest(store, Counted(), [news])
    (before,) = [s.article_id for s in store.summaries() if s.path.endswith("quay.txt")]
    (news / "2020").mkdir()
    (news / "quay.txt").rename(news / "2020" / "east-quay.txt")
    again = Counted()
    report = ingest(store, again, [news])
    assert counts(report) == (0, 0, 2, 1)
    assert (again.loads, report.missing) == (0, ())
    assert store.get(before).article.path == str(news / "2020" / "east-quay.txt")
    # It may come back to where it was.
    (news / "2020" / "east-quay.txt").rename(news / "quay.txt")
    assert counts(ingest(store, again, [news])) == (0, 0, 2, 1)
    assert len(store.summaries()) == 3 and again.loads == 0


def test_a_copied_file_is_another_article_with_shared_vectors(store: Store, news: Path) -> None:
    ingest(store, Counted(), [news])
    (news / "copy").mkdir()
    (news / "copy" / "quay.txt").write_text(STORIES["quay.txt"], encoding="utf-8")
    again = Counted()
    report = ingest(store, again, [news])
    assert counts(report) == (1, 0, 3, 0) and again.loads == 0
    same = [s.article_id for s in store.summaries() if s.path.endswith("quay.txt")]
    assert len(same) == 2
    assert sorted(same, key=len)[1] == min(same, key=len) + "-2"
    assert [s.article_id for s in store.copies(same[0])] == [same[1]]


def test_a_vanished_file_stays_and_is_reported(store: Store, news: Path, tmp_path: Path) -> None:
    ingest(store, Counted(), [news])
    (news / "quay.txt").unlink()
    report = ingest(store, Counted(), [news])
    assert report.missing == (str(news / "quay.txt"),) and counts(report) == (0, 0, 2, 0)
    assert len(store.summaries()) == 3
    (tmp_path / "elsewhere").mkdir()
    assert ingest(store, Counted(), [tmp_path / "elsewhere"]).missing == ()
    report = ingest(store, Counted(), [news / "quay.txt"])
    assert report.missing == (str(news / "quay.txt"),) and report.skipped == ()


def test_a_path_that_never_was_is_skipped(store: Store, news: Path) -> None:
    report = ingest(store, Counted(), [news, news / "no-such-file.txt"])
    assert counts(report) == (3, 0, 0, 0)
    assert [s.path for s in report.skipped] == [str(news / "no-such-file.txt")]


def test_unreadable_files_are_skipped_and_nothing_stored_is_lost(store: Store, news: Path) -> None:
    (news / "empty.txt").touch()
    report = ingest(store, Counted(), [news])
    assert [os.path.basename(s.path) for s in report.skipped] == ["empty.txt"]
    (news / "quay.txt").write_bytes(b"")
    report = ingest(store, Counted(), [news])
    assert sorted(os.path.basename(s.path) for s in report.skipped) == ["empty.txt", "quay.txt"]
    assert report.missing == () and counts(report) == (0, 0, 2, 0)
    assert len(store.search_keywords("الرصيف", 5)) == 1


def test_skipped_records_are_reported_again_though_the_file_is_not_parsed(
    store: Store, news: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = news / "all.jsonl"
    path.write_text('{"content": "خبر عن الميناء."}\n{"content": ""}\n', encoding="utf-8")
    first = ingest(store, Counted(), [path])
    assert first.added == 1 and len(first.skipped) == 1
    monkeypatch.setattr("rag.survey.load", lambda path: pytest.fail("parsed"))
    second = ingest(store, Counted(), [path])
    assert second.unchanged == 1 and second.skipped == first.skipped


def test_records_are_followed_by_content_within_a_file(store: Store, news: Path) -> None:
    path = news / "all.jsonl"
    texts = [f"خبر رقم {i} عن الميناء والبلدية." for i in range(6)]
    write_records(path, texts)
    factory = Counted()
    ingest(store, factory, [path])
    before = {store.get(s.article_id).article.text: s.article_id for s in store.summaries()}

    now = ["خبر جديد في أول الملف.", *texts[:2], "خبر معدل.", *texts[4:]]  # 2 and 3 are gone
    write_records(path, now)
    report = ingest(store, factory, [path])
    assert counts(report) == (1, 1, 2, 2)
    assert report.embedded_texts == 2
    after = {store.get(s.article_id).article.text: s.article_id for s in store.summaries()}
    for text in (*texts[:2], *texts[4:]):
        assert after[text] == before[text]
    assert after["خبر معدل."] == before[texts[3]]
    assert after[texts[2]] == before[texts[2]]  # gone from the file, kept in the archive
    assert report.missing == (f"{path}#2",)

    write_records(path, [*now, texts[2]])
    report = ingest(store, factory, [path])
    assert counts(report) == (0, 0, 6, 1) and report.missing == ()
    assert len(store.summaries()) == 7


def test_a_removed_article_comes_back_only_when_it_is_ingested_again(
    store: Store, news: Path
) -> None:
    ingest(store, Counted(), [news])
    (gone,) = [s.article_id for s in store.summaries() if s.path.endswith("quay.txt")]
    store.remove([gone])
    assert store.search_keywords("الرصيف", 5) == []
    assert counts(ingest(store, Counted(), [news / "storm.txt"])) == (0, 0, 1, 0)
    assert counts(ingest(store, Counted(), [news])) == (1, 0, 2, 0)
    assert store.get(gone)


def test_progress_counts_and_estimates(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} عن الميناء." for i in range(300)])
    seen: list[IngestProgress] = []
    ingest(store, Counted(), [path], progress=seen.append)
    phases = [p.phase for p in seen]
    assert phases == sorted(phases, key=["reading", "embedding"].index)
    embedding = [p for p in seen if p.phase == "embedding"]
    assert [p.done for p in embedding] == sorted(p.done for p in embedding)
    assert embedding[-1].done == embedding[-1].total == 300
    assert len(embedding) >= 4
    assert all(p.per_second > 0 and p.seconds_left >= 0 for p in embedding)
    assert embedding[-1].seconds_left == 0
    assert any(p.path == str(path) for p in embedding)


def test_cancel_stops_between_batches_and_the_next_ingest_goes_on(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} عن الميناء." for i in range(300)])
    cancel = threading.Event()

    def stop_after_two(progress: IngestProgress) -> None:
        if progress.phase == "embedding" and progress.done >= 128:
            cancel.set()

    report = ingest(store, Counted(), [path], progress=stop_after_two, cancel=cancel)
    assert report.cancelled and report.to_dict()["cancelled"]
    assert report.added == len(store.summaries()) == 128
    report = ingest(store, Counted(), [path])
    assert not report.cancelled and counts(report) == (172, 0, 128, 0)
    assert report.embedded_texts == 172 and len(store.summaries()) == 300


def test_batches_and_calls_are_bounded(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} عن الميناء." for i in range(500)])
    monkeypatch.setattr(ingest_module, "_KEPT_CHARACTERS", 100)  # so the file is read twice
    factory = Counted()
    sizes: list[int] = []
    embed = factory.embedder.embed_passages
    factory.embedder.embed_passages = lambda texts: sizes.append(len(texts)) or embed(texts)
    ingest(store, factory, [path])
    assert max(sizes) <= 64 and sum(sizes) == 500 and factory.loads == 1
    assert len(store.summaries()) == 500


def test_another_embedder_is_refused_and_nothing_is_lost(store: Store, news: Path) -> None:
    ingest(store, Counted(), [news])
    before = contents(store)
    other = Counted(FakeEmbedder("another"))
    assert counts(ingest(store, other, [news])) == (0, 0, 3, 0)  # nothing to embed, no quarrel
    (news / "new.txt").write_text("خبر جديد تماما.", encoding="utf-8")
    with pytest.raises(StoreError, match="another embedder"):
        ingest(store, other, [news])
    assert contents(store) == before


def fail_at(n: int) -> Callable:
    """An embedder that fails at its n-th call."""
    embedder = FakeEmbedder()
    calls = iter(range(1, 1000))
    embed = embedder.embed_passages

    def failing(texts):
        if next(calls) == n:
            raise RuntimeError("out of memory")
        return embed(texts)

    embedder.embed_passages = failing
    return lambda: embedder


def test_a_failing_model_loses_only_its_batch(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} عن الميناء." for i in range(300)])
    with pytest.raises(RuntimeError, match="out of memory"):
        ingest(store, fail_at(3), [path])
    assert len(store.summaries()) == 128
    assert counts(ingest(store, Counted(), [path])) == (172, 0, 128, 0)


def test_a_full_disk_is_reported_and_the_batches_before_stay(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} " + f"كلمة{i} " * 300 for i in range(400)])
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 500}")
    with pytest.raises(StoreError, match="disk is full"):
        ingest(store, Counted(), [path])
    stored = len(store.summaries())
    assert 0 < stored < 400
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert counts(ingest(store, Counted(), [path])) == (400 - stored, 0, stored, 0)


def test_the_report_is_the_contract_of_the_command_line(store: Store, news: Path) -> None:
    (news / "empty.txt").touch()
    report = ingest(store, Counted(), [news]).to_dict()
    assert set(report) >= {
        "added",
        "updated",
        "unchanged",
        "moved",
        "skipped",
        "missing",
        "embedded_texts",
        "seconds",
    }
    assert report["skipped"][0].keys() == {"path", "error"}
    json.dumps(report)


@pytest.mark.parametrize("exact_search_passages", [100_000, 40])
def test_searching_while_ingesting(tmp_path: Path, exact_search_passages: int) -> None:
    path = tmp_path / "all.jsonl"
    write_records(path, [f"خبر رقم {i} عن الميناء والبلدية." for i in range(400)])
    embedder = FakeEmbedder()
    query = embedder.embed_query("الميناء والبلدية")
    with Store.open(tmp_path / "home", exact_search_passages=exact_search_passages) as store:
        worker = threading.Thread(target=ingest, args=(store, Counted(), [path]))
        worker.start()
        sizes = []
        while worker.is_alive():
            found = store.search_vectors(query, 1000)
            assert all("الميناء" in store.get(p.article_id).article.text for p, _ in found)
            assert len(store.search_keywords("الميناء", 1000)) >= len(found)
            sizes.append(len(found))
        worker.join()
        assert sizes == sorted(sizes) and set(sizes) <= {0, *range(64, 400, 64), 400}
        assert len(store.search_vectors(query, 1000)) == 400
