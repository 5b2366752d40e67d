"""The layout of the page and the wiring of its events."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import gradio as gr

from ui.chat import LONGEST_QUESTION, Turn, ask, transcript
from ui.desk import Desk, remote_address
from ui.escape import escape
from ui.preparing import preparing_html
from ui.reader import article_html, missing_html
from ui.runs import Runs
from ui.security import request_language
from ui.texts import DIRECTION, LANGUAGES, Language, text
from vectorstore.types import StoreError

WAITERS = 16  # questions answered or queued at the model at once; more wait in Gradio's queue

# Citations are plain links; the page's script turns a click on one into these events.
READER_SCRIPT = "window.mustanad.reader(element, props, trigger, watch, 'open')"


def both(key: str, tag: str = "span", **values: object) -> str:
    """Words in both languages; the style sheet shows the one of the page."""
    return "".join(
        f'<{tag} class="mu-{code}" lang="{code}" dir="{DIRECTION[code]}">'
        f"{escape(text(key, code, **values))}</{tag}>"
        for code in LANGUAGES
    )


def language_of(request: gr.Request) -> Language:
    """The language in which the page of this request is shown."""
    headers = request.headers
    return request_language(None, headers.get("cookie", ""), headers.get("accept-language", ""))


def header_html() -> str:
    """Name, promise, and the switches of language and light."""
    switches = "".join(
        f'<a class="mu-switch mu-{code}" href="?lang={other}" lang="{other}" target="_self" '
        f'title="{text("switch_language", code)}">{text("other_language", code)}</a>'
        for code, other in (("ar", "en"), ("en", "ar"))
    )
    return (
        '<header class="mu-header"><a class="mu-brand" href="." target="_self">'
        f'<img src="own/mark.svg" alt="" width="30" height="30">{both("title", "strong")}</a>'
        f'<span class="mu-tagline">{both("tagline")}</span><span class="mu-grow"></span>'
        f'<span class="mu-private" role="note">{both("private")}</span>{switches}'
        '<button type="button" class="mu-theme" aria-label="Light / dark — فاتح / داكن">◐</button>'
        "</header>"
    )


def notice_html(desk: Desk, language: Language) -> str:
    """Permanent notices: the samples are open; the model is on another machine."""
    notices = []
    if address := remote_address(desk.settings):
        notices.append(("mu-alarm", escape(text("remote_model", language, address=address))))
    if desk.is_demo:
        words = escape(text("demo_notice", language))
        if not desk.demo_asked:
            command = '<code dir="ltr">mustanad ingest PATH</code>'
            words += f" {escape(text('demo_empty', language))} {command}."
        notices.append(("mu-note", words))
    return "".join(
        f'<p class="mu-notice {kind}" dir="{DIRECTION[language]}">{words}</p>'
        for kind, words in notices
    )


def build_app(desk: Desk) -> gr.Blocks:
    """The page over a desk, as Gradio blocks; its words follow the language of each request."""
    runs = Runs()
    word = gr.I18n()  # Only names keys here; the words are given where the page is mounted.

    def show(request: gr.Request):
        """What a page shows when it is opened, and every second until it is ready."""
        language = language_of(request)
        at = desk.preparation()
        stopped = at.ready or at.error is not None
        return (
            preparing_html(at, language),
            gr.Timer(active=not stopped),
            gr.Button(visible=at.error is not None),
            notice_html(desk, language) if at.ready else "",
        )

    def prepare_again(request: gr.Request):
        desk.prepare()
        return show(request)

    def answer(question: str, turns: list[Turn], request: gr.Request) -> Iterator[tuple]:
        language = language_of(request)
        question = question.strip()[:LONGEST_QUESTION]
        if not question or not desk.ready:
            if question:
                gr.Warning(text("not_ready", language))
            yield gr.skip(), gr.skip(), gr.skip()
            return
        idle = gr.Textbox(submit_btn=True, stop_btn=False)
        busy = gr.Textbox(value="", submit_btn=False, stop_btn=True)
        for shown, turn in ask(desk, runs, request.session_hash, question, turns, language):
            if turn is not None:
                turns = [*turns, turn]
            yield shown, turns, idle if turn is not None else busy
            busy = gr.skip()

    def stop(request: gr.Request) -> None:
        runs.stop(request.session_hash)

    def read(event: gr.EventData, request: gr.Request) -> str:
        return open_article(event._data, language_of(request))

    def open_article(place: dict, language: Language) -> str:
        try:
            start, end = int(place.get("start") or 0), int(place.get("end") or 0)
            article_id = str(place["article"])
            article = desk.assistant.article(article_id)
        except (KeyError, ValueError, StoreError):
            return missing_html(language)
        return article_html(article_id, article, start, end, language, sample=desk.is_demo)

    def opened(turns: list[Turn], request: gr.Request):
        """The first answer to a page: preparation, and the article that its address names."""
        asked = parse_qs(urlsplit(request.headers.get("referer", "")).query)
        asked |= {name: [value] for name, value in request.query_params.items()}
        place = {name: values[0] for name, values in asked.items()}
        language = language_of(request)
        reader = open_article(place, language) if "article" in place and desk.ready else gr.skip()
        return *show(request), reader, transcript(turns, language)

    with gr.Blocks(
        title="مستند · Mustanad", fill_height=True, fill_width=True, analytics_enabled=False
    ) as page:
        turns = gr.State([])
        gr.HTML(header_html(), elem_id="mu-top", js_on_load=None)
        notice = gr.HTML(elem_id="mu-notices", js_on_load=None)
        with gr.Column(elem_id="mu-prepare"):
            preparing = gr.HTML(js_on_load=None)
            again = gr.Button(word("prepare_again"), visible=False, variant="primary")
        with gr.Tabs(elem_id="mu-pages"):
            with gr.Tab(word("tab_ask"), id="ask", elem_id="mu-ask"):
                with gr.Row(elem_id="mu-desk", equal_height=True):
                    with gr.Column(elem_id="mu-main", scale=3, min_width=320):
                        chat = gr.Chatbot(
                            elem_id="mu-chat",
                            show_label=False,
                            label=word("chat_label"),
                            container=False,
                            buttons=[],
                            layout="bubble",
                            latex_delimiters=[],
                            allow_tags=False,
                            height="100%",
                            feedback_options=None,
                            group_consecutive_messages=False,
                            placeholder=f"{both('welcome', 'h2')}{both('welcome_more', 'p')}",
                        )
                        box = gr.Textbox(
                            elem_id="mu-box",
                            label=word("question_label"),
                            show_label=False,
                            placeholder=word("question_placeholder"),
                            submit_btn=True,
                            lines=1,
                            max_lines=6,
                            max_length=LONGEST_QUESTION,
                            autofocus=True,
                            container=False,
                        )
                    with gr.Column(elem_id="mu-side", scale=2, min_width=320):
                        reader = gr.HTML(
                            elem_id="mu-reader",
                            js_on_load=READER_SCRIPT,
                            container=False,
                            padding=False,
                        )
        timer = gr.Timer(1.0)

        state = [preparing, timer, again, notice]
        page.load(opened, [turns], [*state, reader, chat], queue=False, show_progress="hidden")
        timer.tick(show, None, state, queue=False, show_progress="hidden")
        again.click(prepare_again, None, state, queue=False)
        box.submit(
            answer,
            [box, turns],
            [chat, turns, box],
            concurrency_limit=WAITERS,
            show_progress="hidden",
        )
        box.stop(stop, queue=False)
        reader.open(read, None, reader, queue=False, show_progress="hidden")
        page.unload(stop)
    return page
