"""What surrounds the pages: header, notices, and who is asking in which language."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import gradio as gr

from ui.desk import Desk, remote_address
from ui.escape import escape
from ui.security import request_language
from ui.texts import DIRECTION, LANGUAGES, Language, text

# The page's script sends clicks on its small buttons through this component's events.
BRIDGE_SCRIPT = (
    "window.mustanad.bridge(trigger, ['edit', 'again', 'good', 'bad', 'unfilter', 'sort', 'pick'])"
)


def word(key: str) -> gr.I18n:
    """The words of ``key`` for Gradio's own components, in the language of the page."""
    return gr.I18n()(key)


def both(key: str, tag: str = "span") -> str:
    """Words in both languages; the style sheet shows the one of the page."""
    return "".join(
        f'<{tag} class="mu-{code}" lang="{code}" dir="{DIRECTION[code]}">'
        f"{escape(text(key, code))}</{tag}>"
        for code in LANGUAGES
    )


def language_of(request: gr.Request) -> Language:
    """The language in which the page of this request is shown."""
    headers = request.headers
    asked = request.query_params.get("lang")
    return request_language(asked, headers.get("cookie", ""), headers.get("accept-language", ""))


def user_of(request: gr.Request) -> str:
    """Who signed in; "" where nobody has to."""
    return request.username or ""


def value_of(event: gr.EventData) -> str:
    """What the page's script sent with an event: the value of the button."""
    return str(event._data.get("value", "")) if isinstance(event._data, dict) else ""


def downloads(button: gr.Button, make: Callable, inputs: Sequence, carrier: gr.Textbox) -> None:
    """A click on ``button`` saves the file that ``make`` returns as (name, content).

    The content travels through ``carrier`` and becomes a file in the browser: nothing is left in
    a folder of the server.
    """

    # Gradio gives the request to a positional parameter that is annotated so.
    def packed(made: tuple[str, str]) -> str:
        return json.dumps({"name": made[0], "content": made[1]})

    def from_nothing(request: gr.Request) -> str:
        return packed(make(request))

    def from_value(value: object, request: gr.Request) -> str:
        return packed(make(value, request))

    made = from_value if inputs else from_nothing
    click = button.click(made, inputs, carrier, queue=False, show_progress="hidden")
    click.then(None, carrier, None, js="(file) => window.mustanad.save(file)")


def header_html() -> str:
    """Name, promise, and the switches of language and light."""
    switches = "".join(
        f'<a class="mu-switch mu-{code}" href="?lang={other}" lang="{other}" target="_self" '
        f'title="{text("switch_language", code)}">{text("other_language", code)}</a>'
        for code, other in (("ar", "en"), ("en", "ar"))
    )
    return (
        f'<header class="mu-header">{_both_buttons("mu-menu", "conversations", "☰")}'
        '<a class="mu-brand" href="." target="_self">'
        f'<img src="own/mark.svg" alt="" width="30" height="30"><h1>{both("title")}</h1></a>'
        f'<span class="mu-tagline">{both("tagline")}</span><span class="mu-grow"></span>'
        f'<span class="mu-private" role="note">{both("private")}</span>{switches}'
        f"{_both_buttons('mu-theme', 'switch_theme', '◐')}</header>"
    )


def _both_buttons(css_class: str, key: str, sign: str) -> str:
    """A button of the page's script, named in both languages."""
    return "".join(
        f'<button type="button" class="{css_class} mu-{code}" aria-label="{text(key, code)}" '
        f'title="{text(key, code)}">{sign}</button>'
        for code in LANGUAGES
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
