"""Chroma follows the catalogue: replayed, rebuilt, dropped, and never trusted over it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from archive import put

from fakes import FakeEmbedder
from vectorstore.chroma import BUILT, FOLDER_NAME, ChromaIndex
from vectorstore.store import Store
from vectorstore.types import Article, Filters

LIMIT = 20
WORDS = "ميناء رصيف سفينة عاصفة صياد متحف مدرسة جسر زيتون مهرجان بلدية قطار مطار حديقة سوق".split()


def articles(start: int, stop: int) -> dict[str, Article]:
    return {
        f"a{i:03}": Article(
            f"/news/a{i:03}.txt",
            "",
            f"خبر رقم {i} عن {WORDS[i % 15]} و{WORDS[i // 15 % 15]} و{WORDS[i * 7 % 15]}{i}.",
            language="ar" if i % 3 else "en",
        )
        for i in range(start, stop)
    }


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def home(tmp_path: Path, embedder: FakeEmbedder) -> Path:
    with Store.open(tmp_path, exact_search_passages=LIMIT) as store:
        put(store, embedder, articles(0, 60))
        store.update_index()
    return tmp_path


def opened(home: Path, **kwargs) -> Store:
    return Store.open(home, exact_search_passages=LIMIT, **kwargs)


def assert_as_exact(store: Store, embedder: FakeEmbedder) -> None:
    """Chroma is in use, and every search through it equals the exact one."""
    assert store._dense._chroma is not None
    with Store.open(store.home, read_only=True) as exact:
        for i in range(0, 90, 7):
            query = embedder.embed_query(f"خبر رقم {i} عن {WORDS[i % 15]}")
            expected, found = exact.search_vectors(query, 5), store.search_vectors(query, 5)
            assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=2e-6)
            assert {p.article_id for p, s in found if s > found[-1][1] + 1e-5} == {
                p.article_id for p, s in expected if s > expected[-1][1] + 1e-5
            }


@pytest.fixture
def no_rebuild(monkeypatch: pytest.MonkeyPatch):
    """Call it to make building the index anew an error from then on."""

    def forbid() -> None:
        def rebuilt(*_args) -> None:
            raise AssertionError("the index was built anew")

        monkeypatch.setattr(ChromaIndex, "_rebuild", rebuilt)

    return forbid


def test_large_archives_are_searched_through_chroma(home: Path, embedder: FakeEmbedder) -> None:
    with opened(home) as store:
        assert store.status()["search"] == "chroma"
        assert_as_exact(store, embedder)


def test_changes_are_replayed_from_the_journal(
    home: Path, embedder: FakeEmbedder, no_rebuild
) -> None:
    no_rebuild()
    with opened(home) as store:
        put(store, embedder, articles(60, 80))
        put(store, embedder, {"a007": articles(88, 89)["a088"]})
        # Not told to Chroma yet: searched all the same, from the catalogue.
        query = embedder.embed_query(articles(70, 71)["a070"].text)
        assert store.search_vectors(query, 1)[0][0].article_id == "a070"
        store.update_index()
        assert_as_exact(store, embedder)
        store.remove(["a070", "a001"])
        assert_as_exact(store, embedder)
        assert store._connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)


def test_the_journal_is_replayed_at_open(home: Path, embedder: FakeEmbedder, no_rebuild) -> None:
    no_rebuild()
    with opened(home) as store:
        put(store, embedder, articles(60, 80))
        assert store._connection.execute("SELECT count(*) FROM journal").fetchone() == (20,)
    with opened(home) as store:
        assert_as_exact(store, embedder)


def test_a_replay_that_was_cut_short_is_repeated(
    home: Path, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch, no_rebuild
) -> None:
    with opened(home) as store:
        put(store, embedder, articles(60, 80))
        told = ChromaIndex._upsert

        def tell_and_die(self, *args):
            told(self, *args)
            raise KeyboardInterrupt

        monkeypatch.setattr(ChromaIndex, "_upsert", tell_and_die)
        with pytest.raises(KeyboardInterrupt):
            store.update_index()
        monkeypatch.undo()
    no_rebuild()
    with opened(home) as store:
        assert_as_exact(store, embedder)


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def overwrite_database(folder: Path) -> None:
    (path,) = folder.glob("*/chroma.sqlite3")
    path.write_bytes(b"nonsense" * 1000)


def truncate_database(folder: Path) -> None:
    (path,) = folder.glob("*/chroma.sqlite3")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("harm", [remove_folder, overwrite_database, truncate_database])
def test_a_lost_or_damaged_index_is_rebuilt_without_embedding(
    home: Path, embedder: FakeEmbedder, harm
) -> None:
    harm(home / FOLDER_NAME)
    before = embedder.passages
    with opened(home) as store:
        assert_as_exact(store, embedder)
    assert embedder.passages == before


def test_an_index_out_of_step_is_rebuilt(home: Path, embedder: FakeEmbedder) -> None:
    with opened(home) as store:
        store._dense._chroma._collection.delete(ids=["3", "4"])
    with opened(home) as store:
        assert_as_exact(store, embedder)


def test_the_index_of_another_archive_is_not_used(
    home: Path, embedder: FakeEmbedder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    with opened(other) as store:
        put(store, embedder, articles(100, 160))
        store.update_index()
    (ours,), (theirs,) = (home / FOLDER_NAME).iterdir(), (other / FOLDER_NAME).iterdir()
    shutil.rmtree(ours)
    shutil.copytree(theirs, ours)
    with opened(home) as store:
        assert_as_exact(store, embedder)


def test_filters_apply_before_the_best_are_picked(home: Path, embedder: FakeEmbedder) -> None:
    with opened(home) as store:
        for i in range(0, 60, 11):
            query = embedder.embed_query(articles(i, i + 1)[f"a{i:03}"].text)
            found = store.search_vectors(query, 10, Filters(language="en"))
            assert len(found) == 10
            assert all(int(p.article_id[1:]) % 3 == 0 for p, _ in found)


def test_a_shrunken_archive_gives_chroma_up(home: Path, embedder: FakeEmbedder) -> None:
    with opened(home) as store:
        store.remove([f"a{i:03}" for i in range(45)])
        assert store.status()["search"] == "exact"
        assert not (home / FOLDER_NAME).exists()
        query = embedder.embed_query(articles(50, 51)["a050"].text)
        assert store.search_vectors(query, 1)[0][0].article_id == "a050"
        put(store, embedder, articles(0, 45))
        store.update_index()
        assert_as_exact(store, embedder)


def test_a_reader_never_touches_chromas_folder(home: Path, embedder: FakeEmbedder) -> None:
    remove_folder(home / FOLDER_NAME)
    with opened(home, read_only=True) as reader:
        query = embedder.embed_query(articles(50, 51)["a050"].text)
        assert reader.search_vectors(query, 1)[0][0].article_id == "a050"
    assert not (home / FOLDER_NAME).exists()


def test_a_small_archive_has_no_chroma_and_no_journal(
    tmp_path: Path, embedder: FakeEmbedder
) -> None:
    with opened(tmp_path) as store:
        put(store, embedder, articles(0, 10))
        store.update_index()
        assert store._connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert store._connection.execute(
            "SELECT count(*) FROM settings WHERE key = ?", (BUILT,)
        ).fetchone() == (0,)  # never built
        assert np.isfinite(store.search_vectors(embedder.embed_query("خبر"), 1)[0][1])
    assert not (tmp_path / FOLDER_NAME).exists()
