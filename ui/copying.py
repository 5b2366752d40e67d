"""An answer as plain text with its sources, for pasting elsewhere."""

from __future__ import annotations

from rag.answer import Answer
from ui.escape import shown_date, web_address
from ui.texts import Language, text


def footnoted(answer: Answer, language: Language) -> str:
    """The answer as plain text with its sources beneath, for pasting elsewhere."""
    words = answer.text.strip() or text(answer.reason or "not_in_archive", language)
    notes = []
    for c in answer.citations:
        place = [c.source or text("no_outlet", language), shown_date(c.date, language), c.title]
        line = f"[{c.n}] {'، '.join(p for p in place if p)}: «{' '.join(c.quote.split())}»"
        notes.append(line + (f" {address}" if (address := web_address(c.url)) else ""))
    return "\n".join([words, *([""] if notes else []), *notes])
