"""Answers as HTML, built from escaped parts; a model's words never pass through Markdown.

Each function returns one line without a blank line, which Gradio's chat leaves as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answer import Answer, AnswerSentence, Citation, Evidence, FoundPassage, Retrieved
from ui.copying import footnoted
from ui.escape import attribute, direction, escape, isolated, place, shown_date
from ui.texts import DIRECTION, Language, text

# The sign on the buttons that copy, drawn by the page's style: hardly a font has a letter for it.
COPY = '<span class="mu-sheets" aria-hidden="true"></span>'

_MARKERS = re.compile(r"\s*\[\d+\]")


def question_html(question: str, language: Language, key: str = "") -> str:
    """What the user asked, in its own direction; with a ``key`` it can be edited."""
    words = f'<div class="mu-question" dir="{direction(question)}">{escape(question)}</div>'
    tool = _button("edit", key, "✎", language) if key else ""
    return f'<div class="mu-asked">{words}{tool}</div>'


def byline(
    source: str | None,
    date: str | None,
    language: Language,
    *,
    sample: bool = False,
    title: str | None = None,
) -> str:
    """Outlet and date (and title), with the sample badge where the archive is the samples."""
    parts = [isolated(source) if source else text("no_outlet", language)]
    parts.append(shown_date(date, language) or text("no_date", language))
    line = '<span class="mu-dot"> · </span>'.join(f"<span>{part}</span>" for part in parts)
    badge = f'<span class="mu-sample">{text("sample", language)}</span>' if sample else ""
    heading = f'<span class="mu-title">{isolated(title)}</span>' if title else ""
    return f'{heading}<span class="mu-byline">{badge}{line}</span>'


def _found_item(item: Evidence | FoundPassage, language: Language, sample: bool) -> str:
    if isinstance(item, FoundPassage):  # the beginning is enough, under the article's title
        title, limit = item.title, 160
        words = item.quote.strip().removeprefix(title or "").strip()
    else:
        title, limit, words = None, 320, item.quote.strip()
    shortened = words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + "…"
    where = place(item.article_id, item.start, item.end)
    heading = (
        f'<span class="mu-title" dir="{direction(title)}">{escape(title)}</span>' if title else ""
    )
    return (
        f'<li><a class="mu-open mu-found-item" href="{where}">{heading}'
        f'<span class="mu-quote" dir="{direction(words)}">{escape(shortened)}</span>'
        f"{byline(item.source, item.date, language, sample=sample)}</a></li>"
    )


def found_html(
    items: Sequence[Evidence | FoundPassage],
    language: Language,
    *,
    sample: bool = False,
    heading: str = "found",
    unfolded: bool = True,
) -> str:
    """The retrieved sentences with outlet and date, each a link into its article."""
    if not items:
        return ""
    rows = "".join(_found_item(item, language, sample) for item in items)
    return (
        f'<details class="mu-found"{" open" if unfolded else ""}>'
        f"<summary>{text(heading, language)} ({len(items)})</summary><ol>{rows}</ol></details>"
    )


def status_html(words: str) -> str:
    """A line that says what is going on, with a quiet pulse."""
    return f'<p class="mu-status" role="status"><span class="mu-pulse"></span>{words}</p>'


def pending_html(
    retrieved: Retrieved | None, draft: str, status: str, language: Language, sample: bool
) -> str:
    """An answer on its way: evidence at once, then the draft, plainly marked as unchecked."""
    parts = []
    if draft:
        parts.append(
            f'<div class="mu-draft"><span class="mu-tag">{text("checking", language)}</span>'
            f'<p dir="{direction(draft, DIRECTION[language])}">{escape(draft)}</p></div>'
        )
    else:
        parts.append(status_html(status))
    if retrieved:
        parts.append(found_html(retrieved.evidence, language, sample=sample))
    return _block("mu-pending", language, parts)


def answer_html(
    answer: Answer,
    language: Language,
    *,
    sample: bool = False,
    key: str = "",
    rating: int | None = None,
) -> str:
    """A verified answer with its chips and sources, or a decline with the nearest articles.

    ``language`` is the page's; the answer keeps its own direction. With a ``key``, the turn's id,
    it gets the buttons to copy it, ask it again and rate it (``rating``: 1, -1 or None).
    """
    tools = _tools(answer, key, rating, language) if key else ""
    if not answer.answered:
        return _declined(answer, language, sample, tools)
    parts = [_text(answer, language, sample)]
    if answer.citations:
        parts.append(_sources(answer.citations, language, sample))
    parts.append(f'<div class="mu-foot">{_facts(answer, language)}{tools}</div>')
    parts.append(found_html(answer.evidence, language, sample=sample, unfolded=False))
    return _block("mu-answer", language, parts)


def failure_html(message: str, language: Language) -> str:
    """A failure, in words: what happened and what to do."""
    return _block(
        "mu-failure",
        language,
        [
            f"<p><strong>{text('failed', language)}</strong></p>",
            f'<p dir="{direction(message)}">{escape(message)}</p>',
            f"<p>{text('try_again', language)}</p>",
        ],
    )


def redacted_html(language: Language) -> str:
    """What stands where an answer was, once an article that it quoted is gone."""
    return _block("mu-declined", language, [f"<p>{text('redacted', language)}</p>"])


def _block(kind: str, language: Language, parts: Iterable[str]) -> str:
    return f'<div class="mu-block {kind}" dir="{DIRECTION[language]}">{"".join(parts)}</div>'


def _button(name: str, value: str, sign: str, language: Language, pressed: bool = False) -> str:
    """A small button; the page's script sends its name and value to the server."""
    return (
        f'<button type="button" class="mu-act{" mu-pressed" if pressed else ""}" name="{name}" '
        f'value="{attribute(value)}" title="{text(name, language)}">{sign}</button>'
    )


def _tools(answer: Answer, key: str, rating: int | None, language: Language) -> str:
    copied = escape(footnoted(answer, language))
    return (
        f'<span class="mu-tools">{_button("copy", "", COPY, language)}'
        f"{_button('again', key, '↻', language)}"
        f"{_button('good', key, '▲', language, rating == 1)}"
        f"{_button('bad', key, '▼', language, rating == -1)}"
        f'<span class="mu-footnoted" hidden>{copied}</span></span>'
    )


def _text(answer: Answer, language: Language, sample: bool) -> str:
    """The sentences in their paragraphs, the minimal answering words in bold (or in the lead)."""
    citations = {citation.n: citation for citation in answer.citations}
    short = (answer.short or "").strip()
    holder = next((s for s in answer.sentences if short and short in s.text), None)
    rows = []
    if short and holder is None:
        lead = direction(short, _base(answer))
        rows.append(f'<p class="mu-short" dir="{lead}"><strong>{escape(short)}</strong></p>')
    for group in _paragraphs(answer):
        words = " ".join(
            _sentence(s, citations, short if s is holder else "", language, sample) for s in group
        )
        way = direction("".join(s.text for s in group), _base(answer))
        rows.append(f'<p dir="{way}">{words}</p>')
    return f'<div class="mu-text" lang="{attribute(answer.language)}">{"".join(rows)}</div>'


def _base(answer: Answer) -> str:
    return "rtl" if answer.language == "ar" else "ltr"


def _paragraphs(answer: Answer) -> list[list[AnswerSentence]]:
    """Sentences by the line of ``answer.text`` that they stand in."""
    groups: list[list[AnswerSentence]] = []
    position = 0
    for sentence in answer.sentences:
        found = answer.text.find(sentence.text, position)
        gap = answer.text[position:found] if found >= 0 else ""
        if not groups or "\n" in gap:
            groups.append([])
        groups[-1].append(sentence)
        if found >= 0:
            position = found + len(sentence.text)
    return groups


def _sentence(
    sentence: AnswerSentence,
    citations: dict[int, Citation],
    short: str,
    language: Language,
    sample: bool,
) -> str:
    words = _MARKERS.sub("", sentence.text).strip()
    chips = "".join(
        _chip(citations[n], language, sample) for n in sentence.citations if n in citations
    )
    shown = _with_chips(words, short, chips)
    if sentence.supported:
        return f'<span class="mu-sentence">{shown}</span>'
    mark = f'<span class="mu-tag mu-warn">{text("unverified", language)}</span>'
    return f'<span class="mu-sentence mu-unverified">{shown} {mark}</span>'


def _with_chips(words: str, short: str, chips: str) -> str:
    """``words`` and their chips, which do not leave the last word at the end of a line."""
    head, space, last = words.rpartition(" ")
    if not chips or not space or (short and short in words and short not in head):
        return _bold(words, short) + chips
    return f'{_bold(head, short)} <span class="mu-keep">{escape(last)}{chips}</span>'


def _bold(words: str, short: str) -> str:
    """``words`` escaped, the first occurrence of ``short`` in bold."""
    before, found, after = words.partition(short) if short else (words, "", "")
    return escape(before) + (f"<strong>{escape(found)}</strong>" if found else "") + escape(after)


def _chip(citation: Citation, language: Language, sample: bool) -> str:
    label = text(
        "citation",
        language,
        n=citation.n,
        source=citation.source or text("no_outlet", language),
        date=shown_date(citation.date, language) or text("no_date", language),
    )
    tip = (
        f'<span class="mu-tip" role="tooltip" dir="{DIRECTION[language]}">'
        f"{byline(citation.source, citation.date, language, sample=sample)}"
        f'<span class="mu-quote" dir="{direction(citation.quote)}">{escape(citation.quote)}</span>'
        "</span>"
    )
    return (
        f'<a class="mu-open mu-chip" title="{attribute(label)}" '
        f'href="{place(citation.article_id, citation.start, citation.end)}">'
        f"<bdi>[{citation.n}]</bdi>{tip}</a>"
    )


def _sources(citations: Sequence[Citation], language: Language, sample: bool) -> str:
    rows = []
    for citation in citations:
        others = [isolated(o.source or text("no_outlet", language)) for o in citation.also_in]
        also = (
            f'<span class="mu-also">{text("also_in", language)}: {"، ".join(others)}</span>'
            if others
            else ""
        )
        line = byline(
            citation.source,
            citation.date,
            language,
            sample=sample,
            title=citation.title or text("no_title", language),
        )
        rows.append(
            f'<li><a class="mu-open mu-source" '
            f'href="{place(citation.article_id, citation.start, citation.end)}">'
            f'<span class="mu-number"><bdi>[{citation.n}]</bdi></span>'
            f"<span>{line}{also}</span></a></li>"
        )
    heading = text("sources", language)
    return (
        f'<div class="mu-sources"><p class="mu-heading">{heading}</p><ul>{"".join(rows)}</ul></div>'
    )


def _facts(answer: Answer, language: Language) -> str:
    facts = []
    if answer.model_error:
        facts.append(text("model_failed", language, reason=escape(answer.model_error)))
    elif answer.path == "quoted":
        facts.append(text("quoted", language))
    if answer.path != "conversation":
        facts.append(text("confidence", language, percent=round(100 * answer.confidence)))
    facts.append(text("seconds", language, seconds=f"{answer.timings.total_ms / 1000:.1f}"))
    return f'<p class="mu-facts">{"<span> · </span>".join(f"<span>{f}</span>" for f in facts)}</p>'


def _declined(answer: Answer, language: Language, sample: bool, tools: str) -> str:
    reason = answer.reason or "not_in_archive"
    # The answer's own words repeat the nearest titles, which stand below as links.
    spoken: Language = "ar" if answer.language == "ar" else "en"
    parts = [
        f'<p class="mu-reason" dir="{DIRECTION[spoken]}" lang="{spoken}">'
        f"<strong>{text(reason, spoken)}</strong></p>"
    ]
    if reason != "cancelled":
        nearest = _one_per_article(answer.passages or answer.evidence)
        parts.append(found_html(nearest[:3], language, sample=sample, heading="nearest"))
    parts.append(f'<div class="mu-foot"><span class="mu-grow"></span>{tools}</div>')
    return _block("mu-declined", language, parts)


def _one_per_article(
    items: Sequence[Evidence | FoundPassage],
) -> list[Evidence | FoundPassage]:
    return list({item.article_id: item for item in reversed(items)}.values())[::-1]
