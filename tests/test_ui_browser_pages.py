"""Conversations, filters, feedback, the archive and settings, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import ScriptedAssistant
from test_ui_browser import ARABIC, ENGLISH, Site, Visit, chromium  # noqa: F401

from rag.settings import FILE_NAME
from ui.intake import FILES_FOLDER

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "home", ScriptedAssistant())
    yield site
    site.close()


@pytest.fixture
def tab(chromium, site):  # noqa: F811
    tab = Visit(chromium, site, "?lang=en", permissions=["clipboard-read", "clipboard-write"])
    yield tab
    tab.context.close()
    assert tab.foreign == [] and tab.errors == []


def open_page(tab: Visit, name: str) -> None:
    tab.page.click(f"#mu-{name}-button")
    tab.page.locator(f"#mu-{name}-page").wait_for()


def test_a_conversation_survives_a_reload_and_the_other_language(tab) -> None:
    tab.ask(ENGLISH)
    tab.page.wait_for_url("**chat=*")
    tab.page.reload()
    tab.page.locator(".mu-answer").wait_for()
    tab.page.click("a.mu-switch:visible")
    tab.page.wait_for_selector("html[lang=ar] .mu-answer")
    assert "310 tonnes" in tab.page.locator(".mu-answer").inner_text()


def test_conversations_are_listed_searched_renamed_and_deleted(tab) -> None:
    tab.ask(ENGLISH)
    tab.page.click("#mu-new")
    tab.page.locator(".mu-answer").wait_for(state="detached")
    tab.ask(ARABIC)
    labels = tab.page.locator("#mu-picker label")
    assert labels.count() == 2 and labels.first.inner_text() == ARABIC
    tab.page.fill("#mu-find input, #mu-find textarea", "tonnes")
    tab.page.wait_for_function("document.querySelectorAll('#mu-picker label').length === 1")
    labels.first.click()
    tab.page.locator(".mu-answer", has_text="310 tonnes").wait_for()

    tab.page.get_by_role("button", name="Rename").click()
    tab.page.get_by_label("New title").fill("Fish")
    tab.page.get_by_label("New title").press("Enter")
    tab.page.locator("#mu-picker label", has_text="Fish").wait_for()

    tab.page.get_by_role("button", name="Delete", exact=True).click()
    tab.page.get_by_role("button", name="Delete for good").click()
    tab.page.locator("#mu-picker label", has_text="Fish").wait_for(state="detached")
    assert tab.page.locator(".mu-answer").count() == 0


def test_a_question_is_edited_and_asked_again_in_its_place(tab, site) -> None:
    tab.ask(ENGLISH)
    tab.page.locator(".mu-asked").hover()
    tab.page.locator(".mu-asked button").click()
    box = tab.page.locator("#mu-box textarea")
    tab.page.wait_for_function("document.querySelector('#mu-box textarea').value !== ''")
    assert box.input_value() == ENGLISH
    box.fill(ARABIC)
    box.press("Enter")
    tab.page.locator(".mu-answer", has_text="12.5").wait_for()
    assert tab.page.locator(".mu-answer").count() == 1
    assert site.assistant.asked[-1]["history"] == []
    tab.page.locator("button.mu-act[name=again]").click()
    tab.page.locator(".mu-pending").wait_for()
    tab.page.locator(".mu-answer").wait_for()
    assert [a["question"] for a in site.assistant.asked] == [ENGLISH, ARABIC, ARABIC]


def test_an_answer_is_copied_with_its_sources(tab) -> None:
    tab.ask(ENGLISH)
    tab.page.locator("button.mu-act[name=copy]").click()
    tab.page.locator("button.mu-pressed[name=copy]").wait_for()
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0].endswith("[1]")
    assert copied.splitlines()[2].startswith("[1] The Ward Herald")


def test_feedback_is_kept_with_its_note(tab, site) -> None:
    tab.ask(ENGLISH)
    tab.page.locator("button.mu-act[name=bad]").click()
    tab.page.locator("button.mu-pressed[name=bad]").wait_for()
    tab.page.get_by_label("A note on this answer").fill("wrong month")
    tab.page.get_by_label("A note on this answer").press("Enter")
    tab.page.get_by_label("A note on this answer").wait_for(state="hidden")
    (rated,) = site.desk.conversations.rated("")
    assert (rated.rating, rated.note) == (-1, "wrong month")


def test_filters_are_chips_and_go_with_the_question(tab, site) -> None:
    tab.page.get_by_role("button", name="Filters").click()
    tab.page.locator("#mu-filtering").get_by_label("From").fill("2024-05-01")
    tab.page.locator("#mu-filtering").get_by_label("To").fill("٢٠٢٤-٠٥-٣١")
    tab.page.locator(".mu-filter").nth(1).wait_for()
    tab.ask(ENGLISH)
    filters = site.assistant.asked[-1]["filters"]
    assert (filters.date_from, filters.date_to) == ("2024-05-01", "2024-05-31")
    tab.page.locator(".mu-filter").first.click()
    tab.page.wait_for_function("document.querySelectorAll('.mu-filter').length === 1")
    tab.ask(ENGLISH)
    assert site.assistant.asked[-1]["filters"].date_from is None


def test_suggested_questions_can_be_asked(tab) -> None:
    suggestion = tab.page.locator("#mu-chat .example").first
    suggestion.wait_for()
    words = suggestion.inner_text()
    suggestion.click()
    tab.page.locator(".mu-answer, .mu-declined").first.wait_for()
    assert tab.page.locator(".mu-question").inner_text() == words


def test_a_file_is_added_read_asked_about_and_removed(tab, site, tmp_path) -> None:
    upload = tmp_path / "added.txt"
    upload.write_text("A new title\n\nThe added lighthouse has 99 steps.", encoding="utf-8")
    open_page(tab, "archive")
    tab.page.locator("#mu-archive-page input[type=file]").first.set_input_files(upload)
    tab.page.locator(".mu-intake", has_text="1 added").wait_for()
    row = tab.page.locator(".mu-table tr", has_text="A new title")
    row.wait_for()
    row.locator("a.mu-open").click()
    tab.page.locator("#mu-reader h2", has_text="A new title").wait_for()
    tab.page.keyboard.press("Escape")

    tab.page.click("#mu-ask-button")
    answer = tab.ask("What of the added lighthouse?")
    answer.locator("a.mu-chip").click()
    mark = tab.page.locator("#mu-reader mark")
    mark.wait_for()
    assert mark.inner_text() == "The added lighthouse has 99 steps."
    tab.page.keyboard.press("Escape")

    open_page(tab, "archive")
    row.locator("button[name=pick]").click()
    tab.page.locator("#mu-removal", has_text="Saved conversations that quote it: 1").wait_for()
    tab.page.get_by_role("button", name="Remove the article").click()
    row.wait_for(state="detached")
    assert not (site.desk.data_folder / FILES_FOLDER / "added.txt").exists()
    assert upload.exists()
    tab.page.click("#mu-ask-button")
    tab.page.reload()
    tab.page.locator(".mu-declined", has_text="redacted").wait_for()


def test_the_archive_is_searched_and_sorted(tab) -> None:
    open_page(tab, "archive")
    titles = tab.page.locator(".mu-table td:first-child a")
    titles.first.wait_for()
    assert titles.count() == 3
    tab.page.get_by_label("Search titles").fill("رصيفها")
    tab.page.wait_for_function("document.querySelectorAll('.mu-table tbody tr').length === 1")
    tab.page.get_by_label("Search titles").fill("")
    tab.page.wait_for_function("document.querySelectorAll('.mu-table tbody tr').length === 3")
    before = titles.all_inner_texts()
    tab.page.locator("button.mu-act[name=sort][value=date]").click()
    tab.page.wait_for_function(
        "t => document.querySelector('.mu-table td a').innerText !== t", arg=before[0]
    )
    assert titles.all_inner_texts() == before[::-1]


def test_a_conversation_is_exported(tab, tmp_path) -> None:
    tab.ask(ARABIC)
    for name, beginning in (("As Markdown", "# "), ("As a web page", "<!doctype html>")):
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name=name).click()
        target = tmp_path / "export"
        download.value.save_as(target)
        assert target.read_text(encoding="utf-8").startswith(beginning)
        assert "12.5" in target.read_text(encoding="utf-8")


def test_settings_are_written_and_the_models_loaded_again(tab, site) -> None:
    open_page(tab, "settings")
    assert str(site.desk.data_folder) in tab.page.locator(".mu-about").inner_text()
    slider = tab.page.get_by_label("number input for Sentences that the model reads")
    slider.fill("6")
    slider.press("Tab")
    tab.page.get_by_role("button", name="Save and reload").click()
    path = Path(site.desk.home) / FILE_NAME
    tab.page.wait_for_function("true")
    for _ in range(50):
        if path.exists():
            break
        tab.page.wait_for_timeout(100)
    assert "evidence_sentences = 6" in path.read_text(encoding="utf-8")
    assert site.desk.wait(10) and site.desk.settings.evidence_sentences == 6


@pytest.mark.parametrize(("language", "scheme"), [("ar", "light"), ("en", "dark")])
def test_nothing_seriously_bars_anyone(chromium, site, language, scheme) -> None:  # noqa: F811
    from axe_playwright_python.sync_playwright import Axe

    tab = Visit(chromium, site, f"?lang={language}", color_scheme=scheme)
    tab.ask(ARABIC).locator("a.mu-chip").first.click()
    tab.page.locator("#mu-reader mark").wait_for()
    for name in ("archive", "settings", "ask"):
        tab.page.click(f"#mu-{name}-button")
        tab.page.wait_for_timeout(500)  # for the script that names Gradio's drop zone
        found = Axe().run(tab.page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["target"]) for v in serious] == []
    tab.context.close()
