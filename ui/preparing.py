"""The first thing a new user sees: what is being prepared, and how far it is."""

from __future__ import annotations

from ui.desk import Preparation, Step
from ui.escape import direction, escape
from ui.texts import DIRECTION, Language, text


def preparing_html(at: Preparation, language: Language) -> str:
    """A card with the steps of preparation; "" once everything is ready."""
    if at.ready:
        return ""
    rows = "".join(_row(step, language) for step in at.steps)
    if at.error:
        end = (
            f'<div class="mu-failure"><p><strong>{text("prepare_failed", language)}</strong></p>'
            f'<p dir="{direction(at.error)}">{escape(at.error)}</p></div>'
        )
    else:
        end = f'<p class="mu-facts">{text("preparing_more", language)}</p>'
    return (
        f'<section class="mu-preparing" dir="{DIRECTION[language]}" aria-live="polite">'
        f'<h2>{text("preparing", language)}</h2><ol class="mu-steps">{rows}</ol>{end}</section>'
    )


def _row(step: Step, language: Language) -> str:
    percent = None if step.fraction is None else round(100 * min(max(step.fraction, 0.0), 1.0))
    bar = ""
    if step.state == "running":
        value = "" if percent is None else f' value="{percent}"'
        bar = f'<progress max="100"{value}></progress>'
    words = escape(step.detail)
    if step.state == "done":
        words = text("step_done", language)
    elif percent is not None and step.state == "running":
        words = f"{percent}% {words}"
    return (
        f'<li class="mu-step mu-{step.state}"><span>{text(f"step_{step.name}", language)}</span>'
        f'<span class="mu-detail" dir="ltr">{words}</span>{bar}</li>'
    )
