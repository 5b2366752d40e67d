"""The archive page: add, browse, filter, read and remove articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from ui.archive_view import COLUMNS, counts_html, folded, sorted_articles, table_html
from ui.desk import Desk
from ui.escape import escape, isolated
from ui.filter_form import FilterForm
from ui.filtering import BadDate, filters_from
from ui.intake import FILES_FOLDER, Busy, Intake, intake_html
from ui.shell import language_of, notice_html, value_of, word
from ui.texts import DIRECTION, text
from vectorstore.types import Filters, StoreError

TICK_SECONDS = 0.5


@dataclass(frozen=True)
class View:
    """How a tab looks at the archive, and which article it is about to remove."""

    words: str = ""
    filters: Filters = Filters()
    column: str = "date"
    descending: bool = True
    picked: str | None = None


class ArchivePage:
    """Builds its components where it is made, inside a ``gr.Blocks``; then ``wire`` its events."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.intake = desk, Intake(desk)
        self.state = gr.State(View())
        with gr.Column(elem_id="mu-archive-page"):
            with gr.Row(elem_id="mu-archive-top"):
                with gr.Column(scale=3, min_width=300):
                    self.counts = gr.HTML(js_on_load=None)
                with gr.Column(scale=2, min_width=280):
                    self.files = gr.File(label=word("add_files"), file_count="multiple", height=170)
                    self.folder = gr.UploadButton(
                        word("add_folder"), file_count="directory", size="sm"
                    )
                    gr.HTML(
                        "".join(
                            f'<p class="mu-facts mu-{code}">{text("add_kinds", code)}</p>'
                            for code in DIRECTION
                        ),
                        js_on_load=None,
                    )
            self.progress = gr.HTML(js_on_load=None)
            with gr.Row(visible=False, elem_id="mu-removal") as self.removal:
                with gr.Column():
                    self.question = gr.HTML(js_on_load=None)
                    self.redact = gr.Checkbox(label=word("remove_redact"), visible=False)
                    with gr.Row():
                        self.yes = gr.Button(word("remove_yes"), variant="stop", size="sm")
                        self.no = gr.Button(word("cancel"), size="sm")
            with gr.Row(elem_id="mu-archive-filters"):
                self.words = gr.Textbox(label=word("search_archive"))
                self.form = FilterForm()
            self.table = gr.HTML(js_on_load=None)

    @property
    def fresh_outputs(self) -> list:
        """What ``fresh`` fills."""
        return [self.counts, self.table, self.form.sources, self.progress]

    def fresh(self, request: gr.Request, view: View = View()) -> tuple:
        """Counts, table, outlets and what is being added, as they are now."""
        language = language_of(request)
        every = self.desk.assistant.articles()
        outlets = sorted({a.source for a in every if a.source})
        return (
            counts_html(every, language),
            self._table(view, request),
            gr.Dropdown(choices=outlets),
            intake_html(self.intake.state, language),
        )

    def _table(self, view: View, request: gr.Request) -> str:
        assistant = self.desk.assistant
        found = sorted_articles(
            assistant.articles(view.filters), view.words, view.column, view.descending
        )
        return table_html(
            folded(found, assistant.store.copies),
            len(found),
            view.column,
            view.descending,
            language_of(request),
            sample=self.desk.is_demo,
        )

    def wire(self, bridge: gr.HTML, notice: gr.HTML, elsewhere: Sequence) -> None:
        """Connect the events; ``elsewhere``: parts of other pages that hold the outlets."""
        quiet = {"queue": False, "show_progress": "hidden"}
        filled = [self.state, *self.fresh_outputs, notice, *elsewhere]
        adding = {"concurrency_limit": 8, "show_progress": "hidden"}
        self.files.upload(self._add, [self.files, self.state], [*filled, self.files], **adding)
        self.folder.upload(self._add, [self.folder, self.state], [*filled, self.files], **adding)
        form = [self.words, *self.form.parts, self.state]
        for part in form[:-1]:
            part.change(self._narrow, form, [self.state, self.table], **quiet)
        bridge.sort(self._sort, self.state, [self.state, self.table], **quiet)
        asked = [self.state, self.removal, self.question, self.redact]
        bridge.pick(self._pick, self.state, asked, **quiet)
        self.no.click(self._leave, self.state, asked[:2], **quiet)
        self.yes.click(self._remove, [self.state, self.redact], [*filled, self.removal], **quiet)

    # -- adding ----------------------------------------------------------------------------------

    def _add(self, uploads: list[str] | None, view: View, request: gr.Request) -> Iterator[tuple]:
        language = language_of(request)
        nothing = (gr.skip(),) * (len(self.fresh_outputs) + 1)

        def shown(progress: str) -> tuple:
            parts = list(nothing)
            parts[1 + self.fresh_outputs.index(self.progress)] = progress
            return *parts, gr.skip(), gr.skip(), gr.skip()

        refusal = None
        if not self.desk.ready:
            refusal = "not_ready"
        elif self.desk.demo_asked:
            refusal = "add_demo"
        else:
            try:
                self.intake.start([Path(p) for p in uploads or ()])
            except Busy:
                refusal = "add_busy"
        if refusal:
            gr.Warning(text(refusal, language))
            yield shown(intake_html(self.intake.state, language))
            return
        while not self.intake.wait(TICK_SECONDS):
            yield shown(intake_html(self.intake.state, language))
        if not self.desk.ready:
            yield shown(intake_html(self.intake.state, language))
            return
        fresh = self.fresh(request, view)
        yield view, *fresh, notice_html(self.desk, language), fresh[2], None

    # -- browsing --------------------------------------------------------------------------------

    def _narrow(
        self, words, sources, date_from, date_to, language, view: View, request: gr.Request
    ) -> tuple:
        try:
            filters = filters_from(sources, date_from, date_to, language)
        except BadDate:  # still being typed
            return gr.skip(), gr.skip()
        view = replace(view, words=words or "", filters=filters)
        return view, self._table(view, request)

    def _sort(self, view: View, event: gr.EventData, request: gr.Request) -> tuple:
        column = value_of(event)
        if column not in COLUMNS:
            return gr.skip(), gr.skip()
        again = column == view.column
        view = replace(view, column=column, descending=not view.descending if again else False)
        return view, self._table(view, request)

    # -- removing --------------------------------------------------------------------------------

    def _pick(self, view: View, event: gr.EventData, request: gr.Request) -> tuple:
        language, article_id = language_of(request), value_of(event)
        try:
            title = self.desk.assistant.article(article_id).title
        except StoreError:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()
        quoting = self.desk.conversations.quoting(article_id)
        named = isolated(title or text("no_title", language))
        words = f"<p><strong>{text('remove_ask', language, title=named)}</strong></p>"
        if quoting:
            words += f"<p>{escape(text('remove_quoted', language, count=quoting))}</p>"
        asked = f'<div class="mu-intake" dir="{DIRECTION[language]}">{words}</div>'
        redact = gr.Checkbox(value=bool(quoting), visible=bool(quoting))
        return replace(view, picked=article_id), gr.Row(visible=True), asked, redact

    def _leave(self, view: View) -> tuple:
        return replace(view, picked=None), gr.Row(visible=False)

    def _remove(self, view: View, redact: bool, request: gr.Request) -> tuple:
        language = language_of(request)
        if view.picked and not self.desk.is_demo:
            assistant = self.desk.assistant
            path = Path(assistant.article(view.picked).path)
            alone = sum(Path(a.path) == path for a in assistant.articles()) == 1
            assistant.remove([view.picked])
            if alone and path.parent == self.desk.data_folder / FILES_FOLDER:
                path.unlink(missing_ok=True)  # our own copy: the user's file is elsewhere
            if redact:
                self.desk.conversations.redact(view.picked)
            gr.Info(text("removed", language))
        view = replace(view, picked=None)
        return view, *self.fresh(request, view), gr.skip(), gr.skip(), gr.Row(visible=False)
