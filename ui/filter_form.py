"""The four fields that restrict a question or the list of articles."""

from __future__ import annotations

import gradio as gr

from ui.shell import word
from vectorstore.types import Filters


class FilterForm:
    """Outlets, first and last date, language; builds its fields where it is made.

    Their values, in the order of ``parts``, are what ``filtering.filters_from`` takes.
    """

    def __init__(self) -> None:
        self.sources = gr.Dropdown([], label=word("filter_sources"), multiselect=True)
        self.date_from = gr.Textbox(
            label=word("filter_from"), placeholder=word("filter_date_hint"), max_lines=1
        )
        self.date_to = gr.Textbox(
            label=word("filter_to"), placeholder=word("filter_date_hint"), max_lines=1
        )
        self.language = gr.Dropdown(
            [
                (word("any_language"), ""),
                (word("language_ar"), "ar"),
                (word("language_en"), "en"),
            ],
            value="",
            label=word("filter_language"),
        )

    @property
    def parts(self) -> list:
        """The fields in their order."""
        return [self.sources, self.date_from, self.date_to, self.language]


def form_values(filters: Filters) -> tuple:
    """What the fields of a form hold for ``filters``."""
    return (
        list(filters.sources),
        filters.date_from or "",
        filters.date_to or "",
        filters.language or "",
    )
