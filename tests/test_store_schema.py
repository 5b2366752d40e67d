from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from archive import put

from fakes import FakeEmbedder
from vectorstore import catalogue
from vectorstore.store import Store
from vectorstore.types import Article, StoreError

STORY = Article("/news/quay.txt", "", "افتتحت بلدية مرسى الورد الرصيف الشرقي في مارس.")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "home") as store:
        put(store, FakeEmbedder(), {"quay": STORY})
    return tmp_path / "home"


# What the first version of the catalogue had that a search needs.
OLD_COLUMNS = {
    "settings": "key, value",
    "articles": "number, article_id, path, record, content_hash, language, characters, text",
    "vectors": "vector_id, key, passage, sentences",
    "passages": "passage_id, article, start, end, sentences, vector",
}


def add_mood(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE articles ADD COLUMN mood TEXT")
    connection.execute("UPDATE articles SET mood = 'calm'")


def fail_half_way(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM articles")
    raise sqlite3.OperationalError("power cut")


def test_an_empty_file_becomes_the_newest_version(tmp_path: Path) -> None:
    (tmp_path / catalogue.FILE_NAME).touch()
    connection = catalogue.connect(tmp_path)
    assert catalogue.schema_version(connection) == len(catalogue.MIGRATIONS)
    assert connection.execute("SELECT count(*) FROM articles").fetchone() == (0,)
    connection.close()


def test_an_older_file_is_migrated_and_keeps_what_it_has(home: Path) -> None:
    newer = (*catalogue.MIGRATIONS, add_mood)
    connection = catalogue.connect(home, migrations=newer)
    assert catalogue.schema_version(connection) == len(newer)
    assert connection.execute("SELECT article_id, mood FROM articles").fetchall() == [
        ("quay", "calm")
    ]
    connection.close()
    catalogue.connect(home, migrations=newer).close()  # not migrated twice


def test_an_archive_without_token_vectors_keeps_working(tmp_path: Path) -> None:
    home = tmp_path / "old"
    home.mkdir()
    connection = catalogue.connect(home, migrations=catalogue.MIGRATIONS[:1])
    connection.close()
    with Store.open(tmp_path / "new") as new:
        put(new, FakeEmbedder(), {"quay": STORY})
        (passage,) = new.passages("quay")
        tokens = new.token_vectors([passage.passage_id])[passage.passage_id]
        rows = {
            table: new._connection.execute(f"SELECT {columns} FROM {table}").fetchall()
            for table, columns in OLD_COLUMNS.items()
        }
    connection = sqlite3.connect(home / catalogue.FILE_NAME)
    for table, columns in OLD_COLUMNS.items():
        marks = ",".join("?" * len(columns.split(",")))
        connection.executemany(f"REPLACE INTO {table} ({columns}) VALUES ({marks})", rows[table])
    connection.commit()
    connection.close()
    with Store.open(home) as store:
        status = store.status()
        assert (status["vectors"], status["vectors_without_tokens"]) == (1, 1)
        (passage,) = store.passages("quay")
        assert store.token_vectors([passage.passage_id]) == {}
        vector = FakeEmbedder().embed_query(STORY.text)
        ((found, _),) = store.search_vectors(vector, 3)
        assert found == passage
        writer = store.writer()
        assert writer.count_without_tokens() == 1
        ((vector_id, text),) = writer.without_tokens(10)
        (embedded,) = FakeEmbedder().embed_passages([text])
        writer.add_tokens({vector_id: embedded.tokens})
        assert writer.without_tokens(10) == [] and writer.count_without_tokens() == 0
        kept = store.token_vectors([passage.passage_id])[passage.passage_id]
        assert kept.bits.tolist() == tokens.bits.tolist()
        assert kept.counts.tolist() == tokens.counts.tolist()
        assert store.status()["vectors_without_tokens"] == 0


def test_a_failed_migration_leaves_the_file_as_it_was(home: Path) -> None:
    with pytest.raises(StoreError, match="power cut"):
        catalogue.connect(home, migrations=(*catalogue.MIGRATIONS, add_mood, fail_half_way))
    with Store.open(home) as store:
        assert store.get("quay").article == STORY
        assert store.status()["schema_version"] == len(catalogue.MIGRATIONS)


def test_a_file_whose_writer_was_killed_at_once_is_an_empty_archive(tmp_path: Path) -> None:
    (tmp_path / catalogue.FILE_NAME).touch()
    with Store.open(tmp_path, read_only=True) as store:
        assert store.summaries() == []


def test_a_reader_does_not_migrate(home: Path) -> None:
    with pytest.raises(StoreError, match="schema version 2, this Mustanad needs 3"):
        catalogue.connect(home, read_only=True, migrations=(*catalogue.MIGRATIONS, add_mood))


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_file_is_refused_and_untouched(home: Path, read_only: bool) -> None:
    connection = catalogue.connect(home, migrations=(*catalogue.MIGRATIONS, add_mood))
    connection.close()
    before = (home / catalogue.FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match="schema version 3.*knows up to 2.*newer Mustanad"):
        Store.open(home, read_only=read_only)
    assert (home / catalogue.FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_another_program_is_refused(tmp_path: Path, read_only: bool) -> None:
    connection = sqlite3.connect(tmp_path / catalogue.FILE_NAME)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / catalogue.FILE_NAME
    path.write_bytes(b"not a database, but somebody's file. " * 400)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"{path}.*damaged.*backup"):
        Store.open(tmp_path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_damaged_page_is_reported_and_nothing_deleted(home: Path) -> None:
    with Store.open(home) as store:
        texts = {f"a{i}": Article(f"/a{i}", "", f"خبر{i} " * 500) for i in range(50)}
        put(store, FakeEmbedder(), texts)
    path = home / catalogue.FILE_NAME
    content = bytearray(path.read_bytes())
    content[8192:-8192] = b"\xa5" * (len(content) - 2 * 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged.*Nothing was deleted"):
        with Store.open(home) as store:
            store.summaries()
    assert path.stat().st_size == len(content)


def test_a_file_may_not_be_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied", str(home))

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(StoreError, match="Permission denied"):
        Store.open(home)


def test_a_full_disk_undoes_the_batch_and_says_so(home: Path) -> None:
    with Store.open(home) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        many = {f"a{i}": Article(f"/a{i}", "", f"خبر{i} " * 500) for i in range(100)}
        with pytest.raises(StoreError, match="disk is full.*nothing stored before it was lost"):
            put(store, FakeEmbedder(), many)
        assert [s.article_id for s in store.summaries()] == ["quay"]
        assert store.passage_count() == 1
        store._connection.execute("PRAGMA max_page_count = 1000000")
        put(store, FakeEmbedder(), many)
        assert len(store.summaries()) == 101
