"""Conversations and feedback as files: Markdown, self-contained HTML, JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from rag.joining import shorts_of
from ui.conversations import Rated
from ui.copying import footnoted
from ui.escape import direction, escape, isolated, shown_date, web_address
from ui.texts import DIRECTION, Language, text
from ui.turns import Turn

_STYLE = (
    "body{font:1.05rem/1.9 'Noto Naskh Arabic','Noto Serif',Georgia,serif;max-width:44rem;"
    "margin:2rem auto;padding:0 1rem;color:#24282d;background:#fff}h1{font-size:1.4rem}"
    "h2{font-size:1.12rem;margin-block:2rem .4rem;color:#146b68}blockquote{margin:0;"
    "padding-inline-start:1rem;border-inline-start:3px solid #acd9d5}small{color:#5d5b55}"
    ".u{color:#8a4b0b}"
)
_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~!$])")


def markdown(title: str, turns: Iterable[Turn], language: Language) -> str:
    """A conversation as Markdown; text of articles and models cannot format or link anything."""
    parts = [f"# {_plain(title)}"]
    for turn in turns:
        parts.append(f"## {_plain(turn.question)}")
        if turn.answer is None:
            parts.append(_plain(turn.error or text("failed", language)))
            continue
        lines = footnoted(turn.answer, language).split("\n")
        parts.append("\n".join(f"{_plain(line)}  " if line else "" for line in lines))
        if turn.sample:
            parts.append(f"_{text('sample', language)}_")
    return "\n\n".join(parts) + "\n"


def page(title: str, turns: Iterable[Turn], language: Language) -> str:
    """A conversation as one HTML file that loads nothing."""
    body = "".join(_turn_html(turn, language) for turn in turns)
    way = DIRECTION[language]
    return (
        f'<!doctype html><html lang="{language}" dir="{way}"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="referrer" '
        f'content="no-referrer"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f'<body><h1 dir="{direction(title, way)}">{escape(title)}</h1>{body}</body></html>\n'
    )


def feedback_lines(rated: Iterable[Rated]) -> str:
    """Feedback as JSON Lines: the verdict, the note, and all that produced the answer."""
    return "".join(
        json.dumps({"rating": r.rating, "note": r.note, **r.turn.to_dict()}, ensure_ascii=False)
        + "\n"
        for r in rated
    )


def question_lines(rated: Sequence[Rated]) -> str:
    """Rated answers as items of a question set for ``mustanad eval``.

    A good answer gives its short answer and cited words as what to find; a bad one gives the
    question alone for a person to complete; a good decline is an unanswerable question.
    """
    items = [_question_item(r) for r in rated if r.turn.answer is not None]
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def _question_item(rated: Rated) -> dict:
    turn, answer = rated.turn, rated.turn.answer
    good = rated.rating == 1 and answer is not None
    answered = good and answer.answered
    return {
        "id": f"feedback-{turn.turn_id[:12]}",
        "lang": answer.language,
        "type": "unanswerable" if good and not answer.answered else "fact",
        "question": turn.question,
        "answers": [answer.short] if answered and answer.short else [],
        "must_include": [[s] for s in shorts_of(answer.short or "")] if answered else [],
        "evidence": [{"doc": c.article_id, "quote": c.quote} for c in answer.citations]
        if answered
        else [],
        "note": rated.note,
    }


def _turn_html(turn: Turn, language: Language) -> str:
    heading = f'<h2 dir="{direction(turn.question)}">{escape(turn.question)}</h2>'
    answer = turn.answer
    if answer is None:
        return f"{heading}<p>{escape(turn.error or text('failed', language))}</p>"
    words = answer.text.strip() or text(answer.reason or "not_in_archive", language)
    rows = [f'<p dir="{direction(words, DIRECTION[language])}">{escape(words)}</p>']
    rows += [
        f'<p class="u" dir="{direction(s.text)}">⚠ {text("unverified", language)}: '
        f"{escape(s.text)}</p>"
        for s in answer.sentences
        if answer.answered and not s.supported
    ]
    for c in answer.citations:
        facts = [isolated(c.source) if c.source else text("no_outlet", language)]
        facts += [d for d in [shown_date(c.date, language)] if d]
        facts += [isolated(c.title)] if c.title else []
        if address := web_address(c.url):
            facts.append(f"<bdi>{escape(address)}</bdi>")
        if turn.sample:
            facts.append(text("sample", language))
        rows.append(
            f"<p><small><bdi>[{c.n}]</bdi> {' · '.join(facts)}</small></p>"
            f'<blockquote dir="{direction(c.quote)}">{escape(c.quote)}</blockquote>'
        )
    return heading + "".join(rows)


def _plain(words: str) -> str:
    return _MARKDOWN_SIGNS.sub(r"\\\1", " ".join(words.split()))
