"""The page to ask on: conversations, chat, question box, filters, feedback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from rag.conversation import LONGEST_QUESTION
from ui import exports
from ui.chat import Chat, ask, transcript
from ui.conversations import Rated
from ui.desk import Desk
from ui.errors import PageError
from ui.escape import escape
from ui.feedback import Feedback
from ui.filter_form import FilterForm, form_values
from ui.filtering import BadDate, chips_html, filters_from, without
from ui.runs import Runs
from ui.shell import both, downloads, language_of, user_of, value_of, word
from ui.suggestions import sources_of, suggested
from ui.texts import text
from ui.turns import Turn
from vectorstore.types import Filters

WAITERS = 16  # questions answered or queued at the model at once; more wait in Gradio's queue


class AskPage:
    """Builds its components where it is made, inside a ``gr.Blocks``; then ``wire`` its events."""

    def __init__(self, desk: Desk, runs: Runs) -> None:
        self.desk, self.runs = desk, runs
        self.state = gr.State(Chat())
        with gr.Row(elem_id="mu-ask-row"):
            with gr.Column(elem_id="mu-conversations", scale=0, min_width=230):
                self._build_conversations()
            with gr.Column(elem_id="mu-main", scale=1, min_width=320):
                self._build_chat()

    def _build_conversations(self) -> None:
        self.new = gr.Button(word("new_conversation"), elem_id="mu-new", size="sm")
        self.find = gr.Textbox(
            elem_id="mu-find",
            placeholder=word("search_conversations"),
            label=word("search_conversations"),
            show_label=False,
            container=False,
        )
        self.picker = gr.Radio(
            choices=[],
            label=word("conversations"),
            show_label=False,
            container=False,
            elem_id="mu-picker",
        )
        with gr.Column(visible=False, elem_id="mu-manage") as self.manage:
            with gr.Row():
                self.rename = gr.Button(word("rename"), size="sm")
                self.delete = gr.Button(word("delete"), size="sm")
            with gr.Row(visible=False) as self.renaming:
                self.title = gr.Textbox(label=word("rename_to"), submit_btn=True)
            with gr.Row(visible=False) as self.deleting:
                self.sure = gr.Button(word("delete_sure"), size="sm", variant="stop")
            with gr.Row():
                self.as_markdown = gr.Button(word("export_markdown"), size="sm")
                self.as_page = gr.Button(word("export_html"), size="sm")

    def _build_chat(self) -> None:
        self.chat = gr.Chatbot(
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
        self.feedback = Feedback(self.desk)
        self.chips = gr.HTML(elem_id="mu-chips", js_on_load=None)
        self.box = gr.Textbox(
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
        with gr.Accordion(word("filters"), open=False, elem_id="mu-filtering"):
            with gr.Row():
                self.form = FilterForm()

    @property
    def fresh_outputs(self) -> list:
        """What ``fresh`` fills, once the archive is open or has changed."""
        return [self.chat, self.picker, self.form.sources, self.state, self.manage]

    def fresh(self, request: gr.Request, chat: Chat) -> tuple:
        """Suggestions, the list of conversations, the outlets to choose from."""
        language = language_of(request)
        suggestions = [] if chat.rated else suggested(self.desk, language)
        examples = gr.Chatbot(
            value=transcript(chat.rated, language), examples=[{"text": s} for s in suggestions]
        )
        outlets = sources_of(self.desk)
        return (
            examples,
            self._choices(user_of(request), chat),
            gr.Dropdown(choices=outlets),
            chat,
            gr.Column(visible=bool(chat.rated)),
        )

    def _choices(self, user: str, chat: Chat, containing: str = "") -> gr.Radio:
        listed = self.desk.conversations.listed(user, containing)
        choices = [(c.title, c.conversation_id) for c in listed]
        known = chat.conversation_id in {c.conversation_id for c in listed}
        return gr.Radio(choices=choices, value=chat.conversation_id if known else None)

    def opened(self, conversation_id: str, user: str) -> Chat:
        """A saved conversation as a tab's state; a new one if it is not the user's."""
        rated = tuple(self.desk.conversations.turns(user, conversation_id))
        return Chat(conversation_id, rated) if rated else Chat()

    def wire(self, bridge: gr.HTML, download: gr.Textbox) -> None:
        """Connect the events; ``bridge`` carries those of the page's own small buttons."""
        quiet = {"queue": False, "show_progress": "hidden"}
        asking = [self.chat, self.state, self.box, self.picker, self.manage, self.feedback.row]
        queued = {"concurrency_limit": WAITERS, "show_progress": "hidden", "concurrency_id": "ask"}
        whole = [self.chat, self.state, self.picker, self.manage, self.feedback.row]
        filled = [*whole, self.chips, *self.form.parts]

        self.box.submit(self._submit, [self.box, self.state, *self.form.parts], asking, **queued)
        self.chat.example_select(self._example, [self.state, *self.form.parts], asking, **queued)
        bridge.again(self._again, [self.state], asking, **queued)
        self.box.stop(self.stop, queue=False)
        bridge.edit(self._edit, [self.state], [self.state, self.box], **quiet)
        self.feedback.wire(bridge, self.chat, self.state)

        for part in self.form.parts:
            part.change(self._chips, self.form.parts, self.chips, **quiet)
        bridge.unfilter(self._unfilter, self.form.parts, self.form.parts, **quiet)

        self.find.change(self._search, [self.find, self.state], self.picker, **quiet)
        self.picker.input(self._pick, self.picker, filled, **quiet)
        self.new.click(self._new, None, filled, **quiet)
        self.rename.click(
            lambda: (gr.Row(visible=True), gr.Row(visible=False)),
            None,
            [self.renaming, self.deleting],
            **quiet,
        )
        self.delete.click(
            lambda: (gr.Row(visible=False), gr.Row(visible=True)),
            None,
            [self.renaming, self.deleting],
            **quiet,
        )
        self.title.submit(
            self._rename,
            [self.title, self.state],
            [self.picker, self.renaming, self.title],
            **quiet,
        )
        self.sure.click(self._delete, self.state, [*filled, self.deleting], **quiet)
        downloads(self.as_markdown, self._as_markdown, [self.state], download)
        downloads(self.as_page, self._as_page, [self.state], download)
        # The address names the conversation, so that a reload and the other language find it.
        self.picker.change(None, self.picker, None, js="(id) => window.mustanad.remember(id)")

    # -- asking ----------------------------------------------------------------------------------

    def stop(self, request: gr.Request) -> None:
        """Stop what the tab is asking: the stop button, or a closed tab."""
        self.runs.stop(request.session_hash)

    def _submit(
        self, question: str, chat: Chat, sources, date_from, date_to, language, request: gr.Request
    ) -> Iterator[tuple]:
        try:
            filters = filters_from(sources, date_from, date_to, language)
        except BadDate as error:
            gr.Warning(text("bad_date", language_of(request), value=escape(str(error))))
            yield (gr.skip(),) * 6
            return
        yield from self._answer(question, chat, chat.editing, filters, request)

    def _example(
        self,
        chat: Chat,
        sources,
        date_from,
        date_to,
        language,
        event: gr.SelectData,
        request: gr.Request,
    ) -> Iterator[tuple]:
        question = str(event.value.get("text", ""))
        yield from self._submit(question, chat, sources, date_from, date_to, language, request)

    def _again(self, chat: Chat, event: gr.EventData, request: gr.Request) -> Iterator[tuple]:
        turn = next((r.turn for r in chat.rated if r.turn.turn_id == value_of(event)), None)
        if turn is None:
            yield (gr.skip(),) * 6
            return
        yield from self._answer(turn.question, chat, turn.turn_id, turn.filters, request)

    def _answer(
        self,
        question: str,
        chat: Chat,
        instead_of: str | None,
        filters: Filters,
        request: gr.Request,
    ) -> Iterator[tuple]:
        language, user = language_of(request), user_of(request)
        question = question.strip()[:LONGEST_QUESTION]
        if not question or not self.desk.ready:
            if question:
                gr.Warning(text("not_ready", language))
            yield (gr.skip(),) * 6
            return
        conversations = self.desk.conversations
        if instead_of and chat.conversation_id:
            conversations.cut(user, chat.conversation_id, instead_of)
        chat = chat.before(instead_of)
        busy = gr.Textbox(value="", submit_btn=False, stop_btn=True)
        idle = gr.Textbox(submit_btn=True, stop_btn=False)
        stream = ask(
            self.desk, self.runs, request.session_hash, question, chat.rated, language, filters
        )
        for shown, turn in stream:
            if turn is None:
                yield shown, chat, busy, gr.skip(), gr.skip(), gr.Row(visible=False)
                busy = gr.skip()
                continue
            conversation_id = chat.conversation_id
            try:
                conversation_id = conversations.add(user, conversation_id, turn)
            except PageError as error:  # shown all the same; only not kept
                gr.Warning(escape(str(error)))
            chat = Chat(conversation_id, (*chat.rated, Rated(turn, None, "")))
            yield (
                transcript(chat.rated, language),
                chat,
                idle,
                self._choices(user, chat),
                gr.Column(visible=True),
                gr.skip(),
            )

    def _edit(self, chat: Chat, event: gr.EventData) -> tuple:
        for rated in chat.rated:
            if rated.turn.turn_id == value_of(event):
                return replace(chat, editing=rated.turn.turn_id), rated.turn.question
        return gr.skip(), gr.skip()

    # -- filters ---------------------------------------------------------------------------------

    def _chips(self, sources, date_from, date_to, language, request: gr.Request) -> str:
        try:
            filters = filters_from(sources, date_from, date_to, language)
        except BadDate:  # still being typed; said when the question is asked
            filters = filters_from(sources, None, None, language)
        return chips_html(filters, language_of(request))

    def _unfilter(self, sources, date_from, date_to, language, event: gr.EventData) -> tuple:
        try:
            filters = filters_from(sources, date_from, date_to, language)
        except BadDate:
            filters = filters_from(sources, None, None, language)
        return form_values(without(filters, value_of(event)))

    # -- conversations ---------------------------------------------------------------------------

    def shown(self, chat: Chat, request: gr.Request) -> tuple:
        """A conversation with its list, its tools and its filters."""
        language = language_of(request)
        filters = chat.rated[-1].turn.filters if chat.rated else Filters()
        return (
            gr.Chatbot(
                value=transcript(chat.rated, language),
                examples=[]
                if chat.rated
                else [{"text": s} for s in suggested(self.desk, language)],
            ),
            chat,
            self._choices(user_of(request), chat),
            gr.Column(visible=bool(chat.rated)),
            gr.Row(visible=False),
            chips_html(filters, language),
            *form_values(filters),
        )

    def _search(self, words: str, chat: Chat, request: gr.Request) -> gr.Radio:
        return self._choices(user_of(request), chat, words)

    def _pick(self, conversation_id: str, request: gr.Request) -> tuple:
        self.stop(request)
        return self.shown(self.opened(conversation_id, user_of(request)), request)

    def _new(self, request: gr.Request) -> tuple:
        self.stop(request)
        return self.shown(Chat(), request)

    def _rename(self, title: str, chat: Chat, request: gr.Request) -> tuple:
        user = user_of(request)
        if chat.conversation_id:
            self.desk.conversations.rename(user, chat.conversation_id, title)
        return self._choices(user, chat), gr.Row(visible=False), ""

    def _delete(self, chat: Chat, request: gr.Request) -> tuple:
        if chat.conversation_id:
            self.desk.conversations.delete(user_of(request), chat.conversation_id)
        return *self.shown(Chat(), request), gr.Row(visible=False)

    def _as_markdown(self, chat: Chat, request: gr.Request) -> tuple[str, str]:
        language = language_of(request)
        title, turns = self._titled(chat, request)
        return "mustanad.md", exports.markdown(title, turns, language)

    def _as_page(self, chat: Chat, request: gr.Request) -> tuple[str, str]:
        language = language_of(request)
        title, turns = self._titled(chat, request)
        return "mustanad.html", exports.page(title, turns, language)

    def _titled(self, chat: Chat, request: gr.Request) -> tuple[str, list[Turn]]:
        listed = self.desk.conversations.listed(user_of(request))
        titles = {c.conversation_id: c.title for c in listed}
        title = titles.get(chat.conversation_id or "", text("title", language_of(request)))
        return title, [r.turn for r in chat.rated]
