"""The archive as HTML: counts, a chart over time, and the table of articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ui.escape import attribute, direction, escape, isolated, place, shown_date
from ui.texts import DIRECTION, Language, text
from vectorstore.arabic import fold
from vectorstore.types import ArticleSummary

ROWS = 200
MONTHS = 36
SERIES = 5  # outlets with a colour of their own in the chart
COLUMNS = ("title", "source", "date", "language")

Copies = Callable[[str], Sequence[ArticleSummary]]


def counts_html(articles: Sequence[ArticleSummary], language: Language) -> str:
    """How many articles of how many outlets, and the chart."""
    if not articles:
        return f'<p class="mu-facts">{text("archive_empty", language)}</p>'
    outlets = len({fold(a.source) for a in articles if a.source})
    words = text("archive_counts", language, articles=len(articles), sources=outlets)
    return (
        f'<div class="mu-counts" dir="{DIRECTION[language]}"><h2>{words}</h2>'
        f"{chart_html(articles, language)}</div>"
    )


def chart_html(articles: Sequence[ArticleSummary], language: Language) -> str:
    """Stacked bars, a month each, in the reading direction."""
    dated = [(a.date[:7], a.source or text("no_outlet", language)) for a in articles if a.date]
    months = _months([month for month, _ in dated])
    if len(months) < 2:
        return ""
    ranked = [s for s, _ in Counter(s for _, s in dated).most_common(SERIES)]
    heights = Counter(dated)
    totals = Counter(month for month, _ in dated if month in months)
    tallest = max(totals.values())
    bars = []
    for index, month in enumerate(months):
        x = index if DIRECTION[language] == "ltr" else len(months) - 1 - index
        top = 0.0
        ordered = [s for s in ranked if heights[month, s]]
        rest = totals[month] - sum(heights[month, s] for s in ordered)
        series = [(ranked.index(s), heights[month, s]) for s in ordered]
        for colour, count in [*series, *([(SERIES, rest)] if rest else [])]:
            height = 100 * count / tallest
            top += height
            bars.append(
                f'<rect class="mu-series-{colour}" x="{10 * x + 1}" y="{100 - top:.2f}" '
                f'width="8" height="{height:.2f}"></rect>'
            )
    named = dict(enumerate(ranked))
    if len({outlet for _, outlet in dated}) > SERIES:
        named[SERIES] = text("other_outlets", language)
    legend = "".join(
        f'<li><svg viewBox="0 0 10 10"><rect class="mu-series-{i}" width="10" height="10"></rect>'
        f'</svg><span dir="{direction(s)}">{escape(s)}</span></li>'
        for i, s in named.items()
    )
    label = text("archive_over_time", language)
    return (
        f'<figure class="mu-chart"><figcaption>{label}</figcaption>'
        f'<svg viewBox="0 0 {10 * len(months)} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{"".join(bars)}</svg>'
        f'<p class="mu-axis"><bdi>{escape(months[0])}</bdi><bdi>{escape(months[-1])}</bdi></p>'
        f"<ul>{legend}</ul></figure>"
    )


def _months(present: Sequence[str]) -> list[str]:
    """Every month from the first present to the last ("YYYY-MM"), at most the last MONTHS."""
    if not present:
        return []
    year, month = map(int, max(present).split("-"))
    first, months = min(present), []
    while len(months) < MONTHS and (not months or months[-1] > first):
        months.append(f"{year:04}-{month:02}")
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return months[::-1]


def sorted_articles(
    articles: Sequence[ArticleSummary], words: str, column: str, descending: bool
) -> list[ArticleSummary]:
    """Articles whose title or outlet holds ``words`` (folded), by a column, ties by id.

    Articles without a value in the column come last either way.
    """
    wanted = fold(words.strip())
    found = [a for a in articles if wanted in fold(f"{a.title or ''} {a.source or ''}")]
    found.sort(key=lambda a: a.article_id)
    found.sort(key=lambda a: fold(getattr(a, column) or ""), reverse=descending)
    found.sort(key=lambda a: not getattr(a, column))
    return found


def folded(
    articles: Sequence[ArticleSummary], copies: Copies, limit: int = ROWS
) -> list[tuple[ArticleSummary, list[ArticleSummary]]]:
    """The first ``limit`` stories, each with its copies in other articles, which are left out."""
    stories, seen = [], set()
    for article in articles:
        if article.article_id in seen:
            continue
        others = list(copies(article.article_id))
        seen |= {article.article_id, *(o.article_id for o in others)}
        stories.append((article, others))
        if len(stories) == limit:
            break
    return stories


def table_html(
    stories: Sequence[tuple[ArticleSummary, Sequence[ArticleSummary]]],
    count: int,
    column: str,
    descending: bool,
    language: Language,
    *,
    sample: bool = False,
) -> str:
    """The table: titles open the reader, headings sort, each row can be removed."""
    heads = "".join(_head(name, column, descending, language) for name in COLUMNS)
    rows = "".join(_row(article, copies, language, sample) for article, copies in stories)
    held = sum(1 + len(copies) for _, copies in stories)
    more = (
        f'<p class="mu-facts">{text("shown_of", language, shown=held, count=count)}</p>'
        if held < count
        else ""
    )
    return (
        f'<div class="mu-table" dir="{DIRECTION[language]}"><table><thead><tr>{heads}'
        f'<th><span class="mu-unseen">{text("pick", language)}</span></th></tr>'
        f"</thead><tbody>{rows}</tbody></table>{more}</div>"
    )


def _head(name: str, column: str, descending: bool, language: Language) -> str:
    label = text(f"column_{name}", language)
    arrow = (" ↓" if descending else " ↑") if name == column else ""
    state = ("descending" if descending else "ascending") if name == column else "none"
    return (
        f'<th aria-sort="{state}"><button type="button" class="mu-act" name="sort" value="{name}" '
        f'title="{text("sort_by", language, column=label)}">{label}{arrow}</button></th>'
    )


def _row(
    article: ArticleSummary, copies: Sequence[ArticleSummary], language: Language, sample: bool
) -> str:
    title = article.title or text("no_title", language)
    also = ""
    if copies:
        outlets = "، ".join(isolated(c.source or text("no_outlet", language)) for c in copies)
        also = f'<span class="mu-also">{text("copies_folded", language, sources=outlets)}</span>'
    badge = f'<span class="mu-sample">{text("sample", language)}</span>' if sample else ""
    known = article.language in ("ar", "en")
    tongue = text(f"language_{article.language}", language) if known else escape(article.language)
    remove = (
        ""
        if sample
        else f'<button type="button" class="mu-act" name="pick" '
        f'value="{attribute(article.article_id)}" title="{text("pick", language)}">✕</button>'
    )
    return (
        f'<tr><td><a class="mu-open" href="{place(article.article_id, 0, 0)}" '
        f'dir="{direction(title)}">{escape(title)}</a>{also}</td>'
        f"<td>{badge}{isolated(article.source or text('no_outlet', language))}</td>"
        f"<td>{shown_date(article.date, language) or text('no_date', language)}</td>"
        f"<td>{tongue}</td><td>{remove}</td></tr>"
    )
