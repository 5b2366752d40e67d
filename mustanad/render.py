"""Answers, evidence and articles as text for a terminal.

Arabic is printed in logical order and on lines of its own: terminals that know right-to-left
text lay such a line out correctly, which a line that mixes both directions in columns would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.answer import Answer, Citation, Evidence, FoundPassage, Retrieved
    from vectorstore.types import Article, ArticleSummary

_QUOTE_LIMIT = 400  # characters of a passage shown where the nearest articles are listed


def _origin(source: str | None, date: str | None, title: str | None) -> str:
    """Outlet, date and title as one line."""
    head = ", ".join(part for part in (source or "unknown outlet", date and date[:10]) if part)
    return f"{head}: {title}" if title else head


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _citation(citation: Citation) -> str:
    lines = [
        f"[{citation.n}] {_origin(citation.source, citation.date, citation.title)}",
        _indented(f"«{citation.quote}»"),
        f"    article {citation.article_id}",
    ]
    others = [other.source or other.article_id for other in citation.also_in]
    if others:
        lines.append(f"    also in: {', '.join(others)}")
    return "\n".join(lines)


def _nearest(passages: Iterable[FoundPassage], limit: int = 3) -> list[str]:
    seen: dict[str, str] = {}
    for passage in passages:
        if passage.article_id not in seen and len(seen) < limit:
            origin = _origin(passage.source, passage.date, passage.title)
            quote = passage.quote[:_QUOTE_LIMIT] + "…" * (len(passage.quote) > _QUOTE_LIMIT)
            seen[passage.article_id] = (
                f"  - {origin}\n{_indented(quote)}\n    article {passage.article_id}"
            )
    return list(seen.values())


def answer_text(answer: Answer) -> str:
    """The answer, then its sources with their quotes; for a decline, the nearest articles."""
    parts = [answer.text]
    if answer.citations:
        parts += ["", "Sources", *map(_citation, answer.citations)]
    elif not answer.answered:
        nearest = _nearest(answer.passages)
        if nearest:
            parts += ["", "Nearest in the archive", *nearest]
    return "\n".join(parts)


def _evidence(rank: int, evidence: Evidence) -> str:
    return "\n".join(
        [
            f"{rank}. {_origin(evidence.source, evidence.date, evidence.title)}",
            _indented(f"«{evidence.quote}»"),
            f"    article {evidence.article_id}, characters {evidence.start}–{evidence.end}, "
            f"score {evidence.score:.3f}",
        ]
    )


def search_text(retrieved: Retrieved) -> str:
    """The ranked sentences, best first."""
    if not retrieved.evidence:
        return "Nothing found."
    return "\n".join(_evidence(i, e) for i, e in enumerate(retrieved.evidence, start=1))


def article_text(article_id: str, article: Article) -> str:
    """The metadata that an article has, an empty line, and its text unchanged."""
    date = f"{article.date} ({article.date_kind})" if article.date_kind else article.date
    fields = {
        "Article": article_id,
        "Title": article.title,
        "Source": article.source,
        "Author": article.author,
        "Date": date,
        "Address": article.url,
        "Language": article.language,
        "File": article.path + (f" (record {article.record})" if article.record else ""),
    }
    head = "\n".join(f"{name}: {value}" for name, value in fields.items() if value)
    return f"{head}\n\n{article.text}"


def articles_text(summaries: Sequence[ArticleSummary]) -> str:
    """A line an article: id, date, outlet and title, easily cut and sorted."""
    lines = [
        f"{s.article_id}  {(s.date or '')[:10]:10}  {s.source or '-'}  {s.title or s.path}"
        for s in summaries
    ]
    count = f"{len(lines)} article{'s' * (len(lines) != 1)}"
    return "\n".join([*lines, count])


def status_text(status: Mapping[str, Any], prefix: str = "") -> str:
    """Nested values flattened, a line each."""
    lines: list[str] = []
    for key, value in status.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines.append(status_text(value, f"{name}."))
        else:
            lines.append(f"{name}: {'-' if value is None else value}")
    return "\n".join(line for line in lines if line)


def ingest_text(report: Mapping[str, Any]) -> str:
    """What an ingest did, with every skipped file and why."""
    counts = ", ".join(f"{report[k]} {k}" for k in ("added", "updated", "unchanged", "moved"))
    lines = [f"{counts}; {report['embedded_texts']} texts embedded in {report['seconds']:.1f} s"]
    lines += [f"skipped {item['path']}: {item['error']}" for item in report["skipped"]]
    if report["missing"]:
        lines.append("in the archive, but the file is gone (`mustanad remove FILE` forgets it):")
        lines += [f"  {path}" for path in report["missing"]]
    return "\n".join(lines)
