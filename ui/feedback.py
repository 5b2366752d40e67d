"""A verdict and a note on an answer, kept on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gradio as gr

from ui.chat import Chat, transcript
from ui.desk import Desk
from ui.shell import language_of, user_of, value_of, word
from ui.texts import text


class Feedback:
    """Builds the field for the note where it is made; then ``wire`` its events."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Row(visible=False, elem_id="mu-noting") as self.row:
            self.note = gr.Textbox(
                label=word("note_label"),
                placeholder=word("note_placeholder"),
                submit_btn=word("note_save"),
                max_length=2000,
            )

    def wire(self, bridge: gr.HTML, chat: gr.Chatbot, state: gr.State) -> None:
        """Connect the verdicts, which come through ``bridge``, and the note."""
        quiet = {"queue": False, "show_progress": "hidden"}
        outputs = [chat, state, self.row, self.note]
        bridge.good(self._rate(1), state, outputs, **quiet)
        bridge.bad(self._rate(-1), state, outputs, **quiet)
        self.note.submit(self._save_note, [self.note, state], [state, self.row], **quiet)

    def _rate(self, rating: int) -> Callable:
        # The same verdict again takes it back.
        def rate(chat: Chat, event: gr.EventData, request: gr.Request) -> tuple:
            turn_id, note = value_of(event), ""
            rated = []
            for r in chat.rated:
                if r.turn.turn_id == turn_id:
                    r = replace(r, rating=None if r.rating == rating else rating)
                    self.desk.conversations.rate(user_of(request), turn_id, r.rating)
                    note = r.note
                rated.append(r)
            chat = replace(chat, rated=tuple(rated), noting=turn_id)
            shown = transcript(chat.rated, language_of(request))
            return shown, chat, gr.Row(visible=True), note

        return rate

    def _save_note(self, note: str, chat: Chat, request: gr.Request) -> tuple:
        rated = []
        for r in chat.rated:
            if r.turn.turn_id == chat.noting:
                r = replace(r, note=note)
                self.desk.conversations.rate(user_of(request), chat.noting, r.rating, note)
            rated.append(r)
        gr.Info(text("note_saved", language_of(request)))
        return replace(chat, rated=tuple(rated), noting=None), gr.Row(visible=False)
