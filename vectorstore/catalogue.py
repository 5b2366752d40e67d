"""The archive's one truth: a SQLite file with articles, passages, vectors and keyword tokens.

Everything that must agree is in this file and changes in one transaction, so a process killed at
any moment leaves the archive as it was before or after a batch, never in between. Write-ahead
logging lets others read meanwhile. ``synchronous = NORMAL``: a kill loses nothing; a power cut may
lose the last transactions, whole, which the next ingest repeats (``FULL`` would wait for the disk
at every batch). Removal, which must not be undone by a power cut, ends with a checkpoint that does
wait for the disk.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vectorstore.types import StoreError

FILE_NAME = "catalogue.sqlite3"
_APPLICATION_ID = 0x4D757374  # "Must", in the file's header

_SCHEMA = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Files read to their end, so that an unchanged one is not even parsed again. skipped: a JSON
-- list of [path, error], the records that could not be read.
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    records INTEGER NOT NULL,
    skipped TEXT NOT NULL
) WITHOUT ROWID;

-- present: 0 where the file is still there but this record of it is gone.
CREATE TABLE articles (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    article_id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    record TEXT NOT NULL,
    present INTEGER NOT NULL DEFAULT 1,
    content_hash TEXT NOT NULL,
    title TEXT,
    source TEXT,
    author TEXT,
    date TEXT,
    date_kind TEXT,
    url TEXT,
    language TEXT NOT NULL,
    characters INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX articles_by_place ON articles (path, record);
CREATE INDEX articles_by_content ON articles (content_hash);

-- key digests all that a vector depends on. passage: (d,), sentences: (n, d), both float16,
-- little-endian; the small column first, since search reads it without the large one.
CREATE TABLE vectors (
    vector_id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    passage BLOB NOT NULL,
    sentences BLOB NOT NULL
);

-- sentences: start, end, start, end, ... as little-endian uint32.
CREATE TABLE passages (
    passage_id INTEGER PRIMARY KEY AUTOINCREMENT,
    article INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    sentences BLOB NOT NULL,
    vector INTEGER NOT NULL REFERENCES vectors (vector_id)
);
CREATE INDEX passages_by_article ON passages (article, start);
CREATE INDEX passages_by_vector ON passages (vector);

-- Analysed tokens, not words: the tokeniser only has to split at spaces.
CREATE VIRTUAL TABLE keywords USING fts5 (
    title, body, tokenize = "unicode61 remove_diacritics 0 tokenchars '.%'"
);
CREATE VIRTUAL TABLE keyword_terms USING fts5vocab (keywords, 'row');

-- Bands of the articles' MinHash signatures: near copies share at least one.
CREATE TABLE bands (
    band INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
    PRIMARY KEY (band, article)
) WITHOUT ROWID;
CREATE INDEX bands_by_article ON bands (article);

-- Pairs of articles that tell the same story, in both directions.
CREATE TABLE copies (
    article INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
    PRIMARY KEY (article, other)
) WITHOUT ROWID;
CREATE INDEX copies_by_other ON copies (other);

-- What the derived vector index has not been told yet.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    passage INTEGER NOT NULL
);
"""


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Statements one by one: ``executescript`` would commit the migration's transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _create(connection: sqlite3.Connection) -> None:
    _run(connection, _SCHEMA)
    # Tells this archive from one that was restored or copied over it; see chroma.py.
    write_setting(connection, "archive", uuid.uuid4().hex)


def _keep_token_vectors(connection: sqlite3.Connection) -> None:
    """Compact vectors of the sentences' tokens, NULL where the next ingest has to make them."""
    _run(
        connection,
        """
        -- tokens: n as uint32, the tokens of each of n sentences as uint16, little-endian, and
        -- their bits, at the end of the row for the sake of those who read only the passage.
        ALTER TABLE vectors ADD COLUMN tokens BLOB;
        CREATE INDEX vectors_without_tokens ON vectors (vector_id) WHERE tokens IS NULL;
        CREATE INDEX articles_by_source ON articles (source);
        """,
    )


Migration = Callable[[sqlite3.Connection], None]

# MIGRATIONS[v] takes a file of schema version v to v + 1. Only ever appended to.
MIGRATIONS: tuple[Migration, ...] = (_create, _keep_token_vectors)


def connect(
    home: Path, *, read_only: bool = False, migrations: Sequence[Migration] = MIGRATIONS
) -> sqlite3.Connection:
    """Open the catalogue of a data folder, made or migrated where needed (not if read only).

    Transactions are explicit (``transaction``). The connection may be used by several threads,
    one at a time. Raises StoreError for a damaged file, one that is not a catalogue, one of a
    newer version, and, when read only, one of an older version.
    """
    path = home / FILE_NAME
    with translated_errors(home):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -65536")  # KiB
            outdated = _is_outdated(connection, path, len(migrations))
            if read_only and schema_version(connection) == 0:
                connection.close()  # its writer was killed before it wrote anything
                return empty()
            if read_only and outdated:
                raise StoreError(
                    f"{path} has schema version {schema_version(connection)}, this Mustanad needs "
                    f"{len(migrations)}. Run `mustanad ingest` or open the page once: that brings "
                    "it up to date."
                )
            if not read_only:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
            if outdated:
                _migrate(connection, migrations)
        except BaseException:
            connection.close()
            raise
    return connection


def empty() -> sqlite3.Connection:
    """A catalogue in memory, for reading an archive that does not exist yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection, MIGRATIONS)
    return connection


def _is_outdated(connection: sqlite3.Connection, path: Path, newest: int) -> bool:
    """Whether a file needs migrating; StoreError, before anything is changed, if it is not ours."""
    version = schema_version(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != _APPLICATION_ID:
        raise StoreError(
            f"{path} is an SQLite file of another program. Choose another data folder (--home)."
        )
    if version > newest:
        raise StoreError(
            f"{path} has schema version {version}, this Mustanad knows up to {newest}. "
            "Install the newer Mustanad that wrote it, or use another data folder (--home)."
        )
    return version < newest


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """All that is missing, in one transaction."""
    with transaction(connection):
        for migration in migrations[schema_version(connection) :]:
            migration(connection)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def schema_version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Takes the write lock at once, so it cannot fail half way for want of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads of one and the same state, whatever is written meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def read_setting(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def write_setting(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


@contextmanager
def translated_errors(home: Path) -> Iterator[None]:
    """SQLite's and the system's errors as StoreErrors that say what to do."""
    path = home / FILE_NAME
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", "")
        raise StoreError(f"{path}: {_explained(code, error)}") from error
    except OSError as error:
        if error.filename is None:
            raise StoreError(f"{home}: {error}. Nothing stored was lost.") from error
        raise StoreError(
            f"{error.filename}: {error.strerror}. Nothing stored was lost; "
            "free the disk or mend the permissions and try again."
        ) from error


def _explained(code: str, error: sqlite3.Error) -> str:
    if code.startswith("SQLITE_FULL"):
        return (
            "the disk is full. The last batch was undone and nothing stored before it was lost: "
            "free some space and run the same command again."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return (
            f"the file is damaged ({error}). Nothing was deleted: restore the folder from a "
            "backup, or ingest the articles again into a new folder (--home)."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return f"cannot be opened ({error}). Check that the folder exists and belongs to you."
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "is being changed by another process. Try again when it has finished."
    if code.startswith("SQLITE_IOERR"):
        return f"the disk failed ({error}). Nothing was deleted: check the disk and try again."
    return f"{error} ({code})"
