"""The whole page: its layout, and what happens when it is opened."""

from __future__ import annotations

import gradio as gr

from ui.archive_page import ArchivePage, View
from ui.ask_page import AskPage
from ui.chat import Chat
from ui.desk import Desk
from ui.errors import PageError
from ui.preparing import preparing_html
from ui.reader import article_html, missing_html
from ui.runs import Runs
from ui.settings_page import SettingsPage
from ui.shell import BRIDGE_SCRIPT, header_html, language_of, notice_html, user_of, word
from ui.texts import Language
from vectorstore.types import StoreError

# Citations are plain links; the page's script turns a click on one into this event.
READER_SCRIPT = "window.mustanad.reader(element, props, trigger, watch, 'open')"


def open_article(desk: Desk, place: dict, language: Language) -> str:
    """The reader at a place: ``article``, ``start`` and ``end``, from a link or an address."""
    try:
        article_id = str(place["article"])
        start, end = int(place.get("start") or 0), int(place.get("end") or 0)
        article = desk.assistant.article(article_id)
    except (KeyError, ValueError, StoreError, PageError):
        return missing_html(language)
    return article_html(article_id, article, start, end, language, sample=desk.is_demo)


def build_app(desk: Desk) -> gr.Blocks:
    """The page over a desk, as Gradio blocks; its words follow the language of each request."""
    with gr.Blocks(
        title="مستند · Mustanad",
        fill_height=True,
        fill_width=True,
        analytics_enabled=False,
        delete_cache=(600, 3600),  # seconds: uploads are copied into the data folder at once
    ) as page:
        gr.HTML(header_html(), elem_id="mu-top", js_on_load=None)
        notice = gr.HTML(elem_id="mu-notices", js_on_load=None)
        with gr.Column(elem_id="mu-prepare"):
            preparing = gr.HTML(js_on_load=None)
            retry = gr.Button(word("prepare_again"), visible=False, variant="primary")
        with gr.Row(elem_id="mu-desk", equal_height=True):
            with gr.Column(elem_id="mu-pages-column", scale=3, min_width=320):
                with gr.Tabs(elem_id="mu-pages"):
                    with gr.Tab(word("tab_ask"), id="ask", elem_id="mu-ask"):
                        ask = AskPage(desk, Runs())
                    with gr.Tab(word("tab_archive"), id="archive", elem_id="mu-archive") as shelf:
                        archive = ArchivePage(desk)
                    with gr.Tab(word("tab_settings"), id="settings", elem_id="mu-settings"):
                        settings = SettingsPage(desk)
            with gr.Column(elem_id="mu-side", scale=2, min_width=320):
                reader = gr.HTML(
                    elem_id="mu-reader", js_on_load=READER_SCRIPT, container=False, padding=False
                )
        bridge = gr.HTML(elem_id="mu-bridge", js_on_load=BRIDGE_SCRIPT)
        download = gr.Textbox(elem_id="mu-download", visible="hidden")
        timer = gr.Timer(1.0)

        def progress(request: gr.Request) -> tuple:
            language, at = language_of(request), desk.preparation()
            return (
                preparing_html(at, language),
                gr.Timer(active=not at.ready and at.error is None),
                gr.Button(visible=at.error is not None),
                notice_html(desk, language) if at.ready else "",
            )

        def shown(request: gr.Request) -> tuple:
            """All that a tab shows; its address may name a conversation and an article."""
            if not desk.ready:
                return *progress(request), *(gr.skip(),) * len(filled)
            asked, chat, reading = dict(request.query_params), Chat(), gr.skip()
            if "chat" in asked:
                chat = ask.opened(asked["chat"], user_of(request))
            if "article" in asked:
                reading = open_article(desk, asked, language_of(request))
            pages = (ask.fresh(request, chat), archive.fresh(request), settings.fresh(request))
            return *progress(request), *(part for fresh in pages for part in fresh), reading

        def again(request: gr.Request) -> tuple:
            desk.prepare()
            return shown(request)

        def read(event: gr.EventData, request: gr.Request) -> str:
            return open_article(desk, event._data, language_of(request))

        def shelved(view: View, request: gr.Request) -> tuple:
            return archive.fresh(request, view) if desk.ready else (gr.skip(),) * 4

        pages = (ask, archive, settings)
        filled = [part for each in pages for part in each.fresh_outputs] + [reader]
        everything = [preparing, timer, retry, notice, *filled]
        quiet = {"queue": False, "show_progress": "hidden"}
        page.load(shown, None, everything, **quiet)
        timer.tick(shown, None, everything, **quiet)
        retry.click(again, None, everything, **quiet)
        reader.open(read, None, reader, **quiet)
        shelf.select(shelved, archive.state, archive.fresh_outputs, **quiet)
        ask.wire(bridge, download)
        archive.wire(bridge, notice, [ask.form.sources])
        settings.wire(timer, download)
        page.unload(ask.stop)
    return page
