"""Saved conversations and feedback: kept, found, private, redacted, exported."""

from __future__ import annotations

import json
import sqlite3
import stat
from dataclasses import replace

import pytest
from scripted import HOSTILE, ScriptedAssistant
from test_ui_render import Tree, assert_harmless

from rag.answer import AnswerReady
from ui import exports
from ui.conversations import FILE_NAME, Conversations, Rated, title_of
from ui.copying import footnoted
from ui.errors import PageError
from ui.turns import Turn
from vectorstore.types import Filters

ARABIC = "كم كلفة الرصيف؟"


def turn(question: str = ARABIC, **changes) -> Turn:
    events = list(ScriptedAssistant(delay=0).stream(question))
    assert isinstance(events[-1], AnswerReady)
    return Turn(question, answer=events[-1].answer, **changes)


@pytest.fixture
def saved(tmp_path) -> Conversations:
    return Conversations(tmp_path / "home")


@pytest.mark.parametrize("question", [ARABIC, "fish", "who won?", "hostile"])
def test_a_turn_reads_back_the_same(question: str) -> None:
    filters = Filters(sources=("شينخوا", "CGTN"), date_from="2024-01-01")
    before = turn(question, filters=filters, sample=True)
    assert Turn.from_dict(json.loads(json.dumps(before.to_dict()))) == before


def test_keys_of_a_later_version_are_left_out() -> None:
    data = turn().to_dict() | {"mood": "new"}
    data["answer"]["citations"][0]["page"] = 3
    assert Turn.from_dict(data).answer.citations[0].n == 1


def test_conversations_survive_a_restart_in_order(tmp_path) -> None:
    first, second = turn(), turn("fish")
    known = Conversations(tmp_path).add("", None, first)
    Conversations(tmp_path).add("", known, second)
    again = Conversations(tmp_path)
    assert [r.turn for r in again.turns("", known)] == [first, second]
    assert [c.title for c in again.listed("")] == [ARABIC]


def test_the_file_is_private_to_the_user_of_the_machine(tmp_path) -> None:
    home = tmp_path / "home"
    Conversations(home)
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_each_user_sees_their_own_alone(saved) -> None:
    mine = turn()
    known = saved.add("amal", None, mine)
    assert saved.listed("nabil") == [] and saved.turns("nabil", known) == []
    saved.rename("nabil", known, "stolen")
    saved.delete("nabil", known)
    saved.rate("nabil", mine.turn_id, -1, "no")
    saved.cut("nabil", known, mine.turn_id)
    with pytest.raises(PageError):
        saved.add("nabil", known, turn())
    assert saved.turns("amal", known) == [Rated(mine, None, "")]
    assert saved.listed("amal")[0].title == ARABIC and saved.rated("nabil") == []


def test_search_finds_titles_and_words_folded_and_nothing_else(saved) -> None:
    port = saved.add("", None, turn())
    fish = saved.add("", None, turn("fish 100%"))
    saved.rename("", fish, "أسماك")
    for words, found in (
        ("العبارات", [port]),  # in the answer, written العبّارات
        ("اسماك", [fish]),
        ("TONNES", [fish]),
        ("100%", [fish]),
        ("10_%", []),
        ("citations", []),  # a word of the stored form, not of the conversation
        ("", [fish, port]),
    ):
        assert [c.conversation_id for c in saved.listed("", words)] == found


def test_rename_and_delete(saved) -> None:
    known = saved.add("", None, turn())
    saved.rename("", known, "  الميناء\n الجديد ")
    assert saved.listed("")[0].title == "الميناء الجديد"
    saved.rename("", known, "   ")
    assert saved.listed("")[0].title == "الميناء الجديد"
    saved.delete("", known)
    assert saved.listed("") == [] and saved.turns("", known) == []
    with sqlite3.connect(saved.path) as connection:
        assert connection.execute("SELECT count(*) FROM turn").fetchone() == (0,)


def test_asking_anew_cuts_what_came_after(saved) -> None:
    turns = [turn(), turn("fish"), turn("who won?")]
    known = None
    for each in turns:
        known = saved.add("", known, each)
    saved.cut("", known, turns[1].turn_id)
    assert [r.turn for r in saved.turns("", known)] == turns[:1]


def test_feedback_is_kept_and_can_be_taken_back(saved) -> None:
    first = turn()
    known = saved.add("", None, first)
    saved.rate("", first.turn_id, 1, "صحيح")
    saved.rate("", first.turn_id, -1)
    assert saved.rated("") == [Rated(first, -1, "صحيح")] == saved.turns("", known)
    saved.rate("", first.turn_id, None)
    assert saved.rated("") == []


def test_removed_articles_can_be_redacted(saved) -> None:
    about_port, about_fish = turn(), turn("fish")
    port, fish = saved.add("amal", None, about_port), saved.add("nabil", None, about_fish)
    assert saved.quoting("port") == 1 and saved.quoting("nothing") == 0
    assert saved.redact("port") == 1 and saved.quoting("port") == 0
    left = saved.turns("amal", port)[0].turn
    assert left.question == ARABIC and left.answer is None and not left.error
    assert saved.turns("nabil", fish)[0].turn == about_fish
    assert b"12.5" not in saved.path.read_bytes()


def test_a_file_of_a_later_version_is_refused_and_kept(tmp_path) -> None:
    saved = Conversations(tmp_path)
    with sqlite3.connect(saved.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(PageError, match="later version"):
        Conversations(tmp_path)


def test_a_damaged_file_is_named(tmp_path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 100)
    with pytest.raises(PageError, match="Move the file aside"):
        Conversations(tmp_path)


def test_titles_are_one_short_line() -> None:
    assert title_of(" a\n b ") == "a b"
    assert len(title_of("كلمة " * 50)) <= 61


def test_a_copied_answer_carries_its_sources() -> None:
    lines = footnoted(turn().answer, "ar").splitlines()
    assert lines[0].endswith("أيضًا.") and lines[1] == ""
    assert (
        lines[2].startswith("[1] وكالة الساحل، 11 مايو 2024، ")
        and "https://example.org" in lines[2]
    )
    assert footnoted(turn("who won?").answer, "en") == "The archive does not say."


def test_exported_pages_load_nothing_and_run_nothing() -> None:
    made = exports.page(HOSTILE, [turn("hostile", sample=True), turn(), Turn("q", error="e")], "ar")
    body = made[made.index("<body>") + 6 : made.index("</body>")]
    allowed = body.replace("<h1", "<h2").replace("</h1", "</h2")
    for tag in ("blockquote", "small"):
        allowed = allowed.replace(f"<{tag}", "<p").replace(f"</{tag}", "</p")
    assert_harmless(allowed)
    assert "default-src 'none'" in made and "http-equiv" in made
    assert text_of(made).count("12.5") >= 2


def text_of(page: str) -> str:
    tree = Tree(
        page.replace('<meta charset="utf-8">', "")
        .replace("<!doctype html>", "")
        .replace('<meta name="viewport" content="width=device-width">', "")
        .replace('<meta name="referrer" content="no-referrer">', "")
        .replace(
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'\">",
            "",
        )
    )
    return tree.words


def test_exported_markdown_neither_formats_nor_links() -> None:
    made = exports.markdown("t", [turn("hostile")], "en")
    for line in made.splitlines():
        plain = line.replace("\\\\", "").replace("\\", "\0")
        for sign in "`*_[]<>|~$":
            assert all(plain[i - 1] == "\0" for i, c in enumerate(plain) if c == sign)


def test_feedback_exports_all_that_made_the_answer() -> None:
    rated = Rated(turn(), -1, "الرقم خطأ")
    (line,) = exports.feedback_lines([rated]).splitlines()
    item = json.loads(line)
    assert item["rating"] == -1 and item["note"] == "الرقم خطأ"
    assert item["answer"]["citations"][0]["quote"] and item["answer"]["timings"]


def test_rated_answers_become_questions_of_a_set() -> None:
    good, declined, bad = turn(), turn("who won?"), turn("fish")
    rated = [Rated(good, 1, ""), Rated(declined, 1, ""), Rated(bad, -1, "wrong month")]
    rated.append(Rated(replace(good, answer=None, error="x"), 1, ""))
    items = [json.loads(line) for line in exports.question_lines(rated).splitlines()]
    assert [i["type"] for i in items] == ["fact", "unanswerable", "fact"]
    assert items[0]["must_include"] == [["12.5 مليون دينار"]]
    assert items[0]["evidence"][0]["quote"] == good.answer.citations[0].quote
    assert items[2]["evidence"] == [] and items[2]["note"] == "wrong month"
