"""Colours, type and measures of the page, through Gradio's theme hooks. No web fonts."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.colors import Color

FONTS = ("IBM Plex Sans Arabic", "Noto Sans Arabic", "Segoe UI", "system-ui", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")

TEAL = Color(
    c50="#eef7f6",
    c100="#d5ecea",
    c200="#acd9d5",
    c300="#7cc0bb",
    c400="#4aa39e",
    c500="#24837f",
    c600="#146b68",
    c700="#0f5654",
    c800="#0e4544",
    c900="#0d3938",
    c950="#062221",
    name="mustanad_teal",
)
INK = Color(
    c50="#f8f7f4",
    c100="#f0eeea",
    c200="#e2dfd8",
    c300="#cbc7be",
    c400="#9c988f",
    c500="#76736c",
    c600="#595751",
    c700="#3c3d3f",
    c800="#262a2f",
    c900="#1a1e23",
    c950="#12151a",
    name="mustanad_ink",
)


def page_theme() -> gr.themes.Base:
    """Paper and ink with one accent; both light and dark."""
    return gr.themes.Base(
        primary_hue=TEAL,
        secondary_hue=TEAL,
        neutral_hue=INK,
        text_size=gr.themes.sizes.text_md,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=MONO,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_text_color="white",
        button_border_width="1px",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_hover="*primary_50",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover_dark="*primary_900",
        button_secondary_border_color="*neutral_200",
        button_secondary_border_color_dark="*neutral_700",
        button_secondary_text_color="*neutral_700",
        button_secondary_text_color_dark="*neutral_200",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_color_focus="*primary_500",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
