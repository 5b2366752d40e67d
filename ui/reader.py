"""The reader: one article beside the chat, open at the words that a citation rests on."""

from __future__ import annotations

from ui.escape import attribute, direction, escape, isolated, paragraphs, shown_date, web_address
from ui.render import COPY
from ui.texts import DIRECTION, Language, text
from vectorstore.types import Article


def article_html(
    article_id: str,
    article: Article,
    start: int,
    end: int,
    language: Language,
    *,
    sample: bool = False,
) -> str:
    """The whole article with ``text[start:end]`` marked; an empty span marks nothing.

    Offsets are code points into ``article.text``; a span outside it is cut to it.
    """
    base = "rtl" if article.language == "ar" else "ltr"
    start = max(0, min(start, len(article.text)))
    end = max(start, min(end, len(article.text)))
    rows = []
    for first, last in paragraphs(article.text):
        way = direction(article.text[first:last], base)
        rows.append(f'<p dir="{way}">{_marked(article.text, first, last, start, end)}</p>')
    title = article.title or text("no_title", language)
    return (
        f'<article class="mu-article" dir="{DIRECTION[language]}">{_bar(language)}'
        f'<header><h2 dir="{direction(title, base)}">{escape(title)}</h2>'
        f"{_facts(article, language, sample)}</header>"
        f'<div class="mu-body" lang="{attribute(article.language)}" tabindex="0">'
        f"{''.join(rows)}</div>"
        "</article>"
    )


def missing_html(language: Language) -> str:
    """What the reader shows for an article that is not in the archive."""
    return (
        f'<article class="mu-article" dir="{DIRECTION[language]}">{_bar(language)}'
        f'<p class="mu-missing">{text("reader_missing", language)}</p></article>'
    )


def _marked(whole: str, first: int, last: int, start: int, end: int) -> str:
    """``whole[first:last]`` escaped, with what of it lies in ``start:end`` inside a mark."""
    a, b = max(first, start), min(last, end)
    if a >= b:
        return escape(whole[first:last])
    return f"{escape(whole[first:a])}<mark>{escape(whole[a:b])}</mark>{escape(whole[b:last])}"


def _bar(language: Language) -> str:
    def button(name: str, sign: str) -> str:
        label = text(f"reader_{name}", language)
        return (
            f'<button type="button" class="mu-tool mu-{name}" title="{label}" '
            f'aria-label="{label}">{sign}</button>'
        )

    before, after = ("→", "←") if language == "ar" else ("←", "→")
    return (
        f'<div class="mu-bar">{button("previous", before)}{button("next", after)}'
        f'<span class="mu-grow"></span>{button("link", COPY)}{button("close", "✕")}</div>'
    )


def _facts(article: Article, language: Language, sample: bool) -> str:
    facts = []
    if sample:
        facts.append(f'<span class="mu-sample">{text("sample", language)}</span>')
    facts.append(isolated(article.source) if article.source else text("no_outlet", language))
    date = shown_date(article.date, language) or text("no_date", language)
    if article.date and article.date_kind == "extracted":
        date += f" ({text('date_extracted', language)})"
    facts.append(date)
    if article.author:
        facts.append(isolated(article.author))
    if address := web_address(article.url):
        facts.append(
            f'<a href="{attribute(address)}" target="_blank" rel="noopener noreferrer nofollow">'
            f"{text('reader_original', language)}</a>"
        )
    return f'<p class="mu-facts">{"".join(f"<span>{fact}</span>" for fact in facts)}</p>'
