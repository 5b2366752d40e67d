"""The archive in the page: adding, the table, the chart; and changing settings."""

from __future__ import annotations

import threading
import tomllib
from dataclasses import replace

import pytest
from scripted import HOSTILE, ScriptedAssistant, scripted_desk
from test_ui_render import Tree, assert_harmless

from rag.ingest import IngestProgress, IngestReport
from rag.loaders import Unreadable
from rag.settings import FILE_NAME, SettingsError, load_settings
from ui.archive_view import MONTHS, chart_html, counts_html, folded, sorted_articles, table_html
from ui.intake import FILES_FOLDER, Busy, Intake, IntakeState, intake_html, keep
from ui.settings_file import change_settings, changed
from vectorstore.types import ArticleSummary


def summary(article_id: str, **changes) -> ArticleSummary:
    base = ArticleSummary(
        article_id, f"/a/{article_id}", "", "t", "s", None, "2024-05-01", "published", None, "ar", 9
    )
    return replace(base, **changes)


@pytest.fixture
def desk(tmp_path):
    desk = scripted_desk(tmp_path / "home")
    desk.prepare()
    assert desk.wait(10)
    return desk


def test_added_files_are_copied_and_ingested(desk, tmp_path) -> None:
    good, bad = tmp_path / "added.txt", tmp_path / "bad.bin"
    good.write_text("عنوان\nنص", encoding="utf-8")
    bad.write_bytes(b"\0")
    intake = Intake(desk)
    intake.start([good, bad])
    assert intake.wait(10)
    assert desk.assistant.ingested == [
        desk.data_folder / FILES_FOLDER / "added.txt",
        desk.data_folder / FILES_FOLDER / "bad.bin",
    ]
    page = intake_html(intake.state, "en")
    assert "1 added" in page and "bad.bin" in page and "not a text file" in page


def test_one_intake_at_a_time(desk, monkeypatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(desk.assistant, "ingest", lambda *_, **__: release.wait(10))
    intake = Intake(desk)
    intake.start([])
    with pytest.raises(Busy):
        intake.start([])
    assert intake.state.running and not intake.wait(0.01)
    release.set()
    assert intake.wait(10)


def test_a_failed_intake_is_told(desk, monkeypatch) -> None:
    def full(*_, **__):
        raise OSError("No space left <b>")

    monkeypatch.setattr(desk.assistant, "ingest", full)
    intake = Intake(desk)
    intake.start([])
    assert intake.wait(10)
    assert "No space left &lt;b&gt;" in intake_html(intake.state, "ar")


def test_adding_leaves_the_samples_for_the_users_own_archive(tmp_path) -> None:
    empty, samples, own = ScriptedAssistant(articles={}), ScriptedAssistant(), ScriptedAssistant({})
    waiting = [empty, samples, own]
    desk = scripted_desk(tmp_path / "home")
    desk._open = lambda home, settings: waiting.pop(0)
    desk.prepare()
    assert desk.wait(10) and desk.is_demo
    upload = tmp_path / "added.txt"
    upload.write_text("a", encoding="utf-8")
    intake = Intake(desk)
    intake.start([upload])
    assert intake.wait(10) and not desk.is_demo
    assert desk.assistant is own and own.ingested == [
        tmp_path / "home" / FILES_FOLDER / "added.txt"
    ]
    assert samples.ingested == [desk.samples()]


def test_the_same_upload_is_the_same_file_and_another_is_never_lost(tmp_path) -> None:
    first, second = tmp_path / "1" / "a.txt", tmp_path / "2" / "a.txt"
    for path, words in ((first, "one"), (second, "two")):
        path.parent.mkdir()
        path.write_text(words, encoding="utf-8")
    folder = tmp_path / "files"
    assert keep(first, folder) == keep(first, folder) == folder / "a.txt"
    assert keep(second, folder) == keep(second, folder) == folder / "a-2.txt"
    assert sorted(p.name for p in folder.iterdir()) == ["a-2.txt", "a.txt"]


def test_progress_is_shown() -> None:
    at = IngestProgress("embedding", 3, 12, None, 2.0, 4.4)
    page = intake_html(IntakeState(running=True, progress=at), "en")
    assert "3 / 12" in page and "4 s" in page and 'value="3"' in page
    assert intake_html(IntakeState(), "en") == ""


@pytest.mark.parametrize("language", ["ar", "en"])
def test_hostile_names_do_nothing_in_the_archive(language) -> None:
    hostile = summary(HOSTILE, title=HOSTILE, source=HOSTILE, date="2024-01-02", language=HOSTILE)
    other = summary("b", source=HOSTILE + "2", date="2024-03-01")
    report = IngestReport(1, 0, 0, 0, (Unreadable(HOSTILE, HOSTILE),), (), 1, 0.1)
    state = IntakeState(report=report, error=HOSTILE)
    table = table_html([(hostile, [other])], 5, "date", True, language)
    for tag in ("table", "thead", "tbody", "tr", "th", "td"):
        table = table.replace(f"<{tag}", "<div").replace(f"</{tag}>", "</div>")
    assert_harmless(table)
    assert_harmless(intake_html(state, language))
    chart = counts_html([hostile, other], language)
    for tag in ("svg", "rect", "figure", "figcaption"):
        chart = chart.replace(f"<{tag}", "<div").replace(f"</{tag}>", "</div>")
    assert_harmless(chart)


def test_search_is_folded_and_sorting_puts_the_unknown_last() -> None:
    articles = [
        summary("1", title="إعلان", date=None),
        summary("2", title="اعلان آخر", date="2024-02-01"),
        summary("3", title="خبر", source="إعلانات", date="2023-01-01"),
        summary("4", title="غيره"),
    ]
    found = sorted_articles(articles, "أعلان", "date", descending=True)
    assert [a.article_id for a in found] == ["2", "3", "1"]
    found = sorted_articles(articles, "أعلان", "date", descending=False)
    assert [a.article_id for a in found] == ["3", "2", "1"]


def test_copies_are_folded_into_one_row() -> None:
    a, b, c = summary("a"), summary("b", source="other"), summary("c")
    copies = {"a": [b], "b": [a], "c": []}
    stories = folded([a, b, c], copies.__getitem__)
    assert stories == [(a, [b]), (c, [])]
    page = table_html(stories, 3, "date", True, "en")
    assert page.count("<tr>") == 3 and "copies in" in page and "shown" not in page


def test_a_long_archive_says_how_much_is_shown() -> None:
    articles = [summary(str(n)) for n in range(9)]
    stories = folded(articles, lambda _: [], limit=4)
    assert "4 of 9" in table_html(stories, 9, "date", True, "en")


def test_samples_cannot_be_removed_from_the_page() -> None:
    page = Tree(table_html([(summary("a"), [])], 1, "date", True, "en", sample=True))
    names = [a.get("name") for tag, a in page.tags if tag == "button"]
    assert names == ["sort"] * 4 and page.of("mu-sample")


def test_the_chart_stacks_every_article_of_every_month() -> None:
    articles = [
        summary(str(n), date=f"2024-0{1 + n % 3}-11", source=f"s{n % 8}") for n in range(24)
    ]
    page = Tree(chart_html(articles, "en"))
    bars = [a for tag, a in page.tags if tag == "rect" and "y" in a]
    total = sum(float(b["height"]) for b in bars)
    assert total == pytest.approx(300, abs=0.5)  # three months, all as tall as the tallest
    assert all(float(b["y"]) >= 0 for b in bars)
    assert chart_html(articles[:1], "en") == "" == chart_html([], "en")


def test_the_chart_runs_with_the_reading_direction_and_leaves_no_month_out() -> None:
    articles = [summary("1", date="2019-11-30"), summary("2", date="2024-05-01", source="late")]
    for language, newest_is_last in (("en", True), ("ar", False)):
        page = chart_html(articles, language)
        bar = [a for tag, a in Tree(page).tags if tag == "rect" and "y" in a][-1]
        assert (float(bar["x"]) > 5 * MONTHS) == newest_is_last
        assert "2021-06" in page and f'viewBox="0 0 {10 * MONTHS} 100"' in page


def test_settings_change_in_their_line_and_leave_the_rest(tmp_path) -> None:
    (tmp_path / FILE_NAME).write_text(
        "# mine\nthreads = 2  # two\nanswer_tokens = 99\n\n[names]\n'Xi' = 'شي'\n", encoding="utf-8"
    )
    settings = change_settings(tmp_path, {"answer_tokens": 200, "language_model": 'a"b\\c'})
    assert settings.answer_tokens == 200 and settings.language_model == 'a"b\\c'
    assert settings.threads == 2 and settings.names == {"Xi": "شي"}
    written = (tmp_path / FILE_NAME).read_text(encoding="utf-8")
    assert written.startswith("# mine\nthreads = 2  # two\nanswer_tokens = 200\n")
    assert load_settings(tmp_path) == settings


def test_settings_that_would_not_load_are_not_written(tmp_path) -> None:
    with pytest.raises(SettingsError, match="answer_tokens"):
        change_settings(tmp_path, {"answer_tokens": 1})
    assert not (tmp_path / FILE_NAME).exists()


def test_a_settings_file_stays_toml() -> None:
    text = changed("", {"language_model": "http://[::1]:1/ \t\n\u202e", "answer_tokens": 3})
    assert tomllib.loads(text)["answer_tokens"] == 3
