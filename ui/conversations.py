"""Saved conversations and feedback, each user's own, in one SQLite file of the data folder."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ui.errors import PageError
from ui.turns import Turn, new_id
from vectorstore.arabic import fold

FILE_NAME = "conversations.sqlite"
SCHEMA_VERSION = 1
TITLE_CHARS = 60

_SCHEMA = """
CREATE TABLE conversation (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, title TEXT NOT NULL, changed REAL NOT NULL
);
CREATE INDEX conversation_of_user ON conversation (user, changed);
CREATE TABLE turn (
  id TEXT PRIMARY KEY,
  conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  content TEXT NOT NULL,
  words TEXT NOT NULL,
  rating INTEGER CHECK (rating IN (-1, 1)),
  note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX turn_of_conversation ON turn (conversation, position);
"""


@dataclass(frozen=True)
class ConversationSummary:
    """A saved conversation in a list. ``changed``: seconds since the epoch."""

    conversation_id: str
    title: str
    changed: float


@dataclass(frozen=True)
class Rated:
    """A turn with its user's verdict: 1 good, -1 bad, None unrated."""

    turn: Turn
    rating: int | None
    note: str


class Conversations:
    """The saved conversations of a data folder. Thread-safe: every call has its own connection.

    Every method takes the user (``""`` where nobody signs in) and sees that user's rows alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        # Made with the right mode first: SQLite's own would follow the umask.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._connected() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise PageError(
                    f"{self.path} is of a later version of Mustanad (schema {version}, known "
                    f"{SCHEMA_VERSION}). Use that version, or move the file aside."
                )
            if version == 0:
                connection.executescript(
                    f"BEGIN;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
                )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise PageError(
                f"The saved conversations in {self.path} cannot be used: {error}. "
                "Move the file aside to begin anew."
            ) from error
        finally:
            connection.close()

    def listed(self, user: str, containing: str = "") -> list[ConversationSummary]:
        """The user's conversations, newest first; ``containing`` (folded) searches titles,
        questions and answers.
        """
        wanted = fold(containing.strip())
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT id, title, changed, (SELECT group_concat(words, char(10)) FROM turn "
                "WHERE conversation = c.id) FROM conversation c WHERE user = ? "
                "ORDER BY changed DESC, id",
                (user,),
            )
            return [
                ConversationSummary(known, title, changed)
                for known, title, changed, words in rows
                if wanted in fold(title) or wanted in (words or "")
            ]

    def turns(self, user: str, conversation_id: str) -> list[Rated]:
        """The turns in order; [] for a conversation that is not the user's."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT content, rating, note FROM turn JOIN conversation c ON c.id = conversation "
                "WHERE c.id = ? AND c.user = ? ORDER BY position",
                (conversation_id, user),
            ).fetchall()
        return [Rated(Turn.from_dict(json.loads(c)), rating, note) for c, rating, note in rows]

    def add(self, user: str, conversation_id: str | None, turn: Turn) -> str:
        """Save a turn at the end of a conversation, or of a new one; returns its id."""
        known = conversation_id or new_id()
        content = json.dumps(turn.to_dict(), ensure_ascii=False)
        with self._connected() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO conversation VALUES (?, ?, ?, 0)",
                (known, user, title_of(turn.question)),
            )
            changed = connection.execute(
                "UPDATE conversation SET changed = ? WHERE id = ? AND user = ?",
                (time.time(), known, user),
            )
            if changed.rowcount != 1:
                raise PageError("The conversation belongs to another user.")
            connection.execute(
                "INSERT INTO turn (id, conversation, position, content, words) SELECT ?, ?, "
                "1 + coalesce(max(position), 0), ?, ? FROM turn WHERE conversation = ?",
                (turn.turn_id, known, content, _words(turn), known),
            )
        return known

    def cut(self, user: str, conversation_id: str, turn_id: str) -> None:
        """Remove a turn and all after it, to ask it anew."""
        with self._connected() as connection:
            connection.execute(
                "DELETE FROM turn WHERE conversation = ?1 AND position >= (SELECT position FROM "
                "turn WHERE id = ?2 AND conversation = ?1) AND EXISTS (SELECT 1 FROM conversation "
                "WHERE id = ?1 AND user = ?3)",
                (conversation_id, turn_id, user),
            )

    def rename(self, user: str, conversation_id: str, title: str) -> None:
        """Give a conversation another title; an empty one changes nothing."""
        if title := title_of(title):
            with self._connected() as connection:
                connection.execute(
                    "UPDATE conversation SET title = ? WHERE id = ? AND user = ?",
                    (title, conversation_id, user),
                )

    def delete(self, user: str, conversation_id: str) -> None:
        """Remove a conversation with its turns and feedback."""
        with self._connected() as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(
                "DELETE FROM conversation WHERE id = ? AND user = ?", (conversation_id, user)
            )

    def rate(self, user: str, turn_id: str, rating: int | None, note: str | None = None) -> None:
        """Keep the user's verdict on a turn: 1, -1 or None; ``note`` None leaves the note."""
        with self._connected() as connection:
            connection.execute(
                "UPDATE turn SET rating = ?, note = coalesce(?, note) WHERE id = ? AND "
                "conversation IN (SELECT id FROM conversation WHERE user = ?)",
                (rating, note, turn_id, user),
            )

    def rated(self, user: str) -> list[Rated]:
        """All turns with a verdict, oldest first."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT content, rating, note FROM turn JOIN conversation c ON c.id = conversation "
                "WHERE c.user = ? AND rating IS NOT NULL ORDER BY turn.rowid",
                (user,),
            ).fetchall()
        return [Rated(Turn.from_dict(json.loads(c)), rating, note) for c, rating, note in rows]

    def quoting(self, article_id: str) -> int:
        """How many conversations, of all users, hold words of an article."""
        with self._connected() as connection:
            rows = connection.execute("SELECT conversation, content FROM turn").fetchall()
        return len({c for c, content in rows if _quotes(json.loads(content), article_id)})

    def redact(self, article_id: str) -> int:
        """Drop the answers, of all users, that hold words of an article; returns how many."""
        with self._connected() as connection:
            connection.execute("PRAGMA secure_delete = ON")
            rows = connection.execute("SELECT id, content FROM turn").fetchall()
            found = [(i, c) for i, c in rows if _quotes(json.loads(c), article_id)]
            for turn_id, content in found:
                turn = replace(Turn.from_dict(json.loads(content)), answer=None, error="")
                connection.execute(
                    "UPDATE turn SET content = ?, words = ? WHERE id = ?",
                    (json.dumps(turn.to_dict(), ensure_ascii=False), _words(turn), turn_id),
                )
        return len(found)


def title_of(question: str) -> str:
    """A title from a question: its first words on one line."""
    words = " ".join(question.split())
    return words if len(words) <= TITLE_CHARS else words[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"


def _quotes(content: dict, article_id: str) -> bool:
    answer = content.get("answer") or {}
    items = [*answer.get("citations", ()), *answer.get("evidence", ()), *answer.get("passages", ())]
    return any(item["article_id"] == article_id for item in items)


def _words(turn: Turn) -> str:
    """What a search looks in, folded."""
    return fold(f"{turn.question}\n{turn.answer.text if turn.answer else ''}")
