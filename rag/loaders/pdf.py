"""PDF: the text layer in reading order, columns and paragraphs put together again.

The parser gives glyphs in the order in which they were drawn, which for Arabic is from left to
right with most programs and not with others; so only the glyphs' positions are used.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTComponent, LTContainer, LTTextLine
from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfparser import PDFParser
from pdfminer.utils import decode_text

from rag.loaders.bidi import is_rtl, logical_order
from rag.loaders.common import LoadError, article, one_line, storable
from rag.loaders.dates import parse_date
from vectorstore.arabic import fold
from vectorstore.types import Article

_PRESENTATION = re.compile("[\ufb00-\ufb06\ufb50-\ufd3d\ufd50-\ufdff\ufe70-\ufefc]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_PDF_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)")
_FINAL = (".", "!", "?", "؟", "…", ":", "»", "”", '"', ")")


@dataclass(frozen=True)
class _Line:
    """A drawn line, in points from the page's lower left corner; units from left to right."""

    x0: float
    y0: float
    x1: float
    y1: float
    units: tuple[str, ...]

    @property
    def height(self) -> float:
        return self.y1 - self.y0


def read_pdf(data: bytes, path: Path) -> Iterator[Article]:
    """The one article of a PDF; its text has a line a paragraph, an empty line between them.

    Raises LoadError for a PDF that is encrypted, damaged, scanned, or whose fonts do not say which
    letters their glyphs are.
    """
    try:
        document = PDFDocument(PDFParser(io.BytesIO(data)))
        pages = [_lines(page) for page in extract_pages(io.BytesIO(data), laparams=LAParams())]
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise LoadError("an encrypted PDF; save it without a password") from error
    except Exception as error:  # the parser fails in many ways on a damaged file
        raise LoadError(f"a damaged PDF: {type(error).__name__} {error}".strip()) from error
    drawn = "".join(unit for page in pages for line in page for unit in line.units)
    if not any(map(str.isalnum, drawn)):
        raise LoadError("no text layer (scanned?); run text recognition on it first")
    if len(_UNMAPPED.findall(drawn)) > 0.2 * len(_UNMAPPED.sub("x", drawn)):
        raise LoadError("its fonts do not say which letters they draw; run text recognition on it")
    text = "\n\n".join(_paragraphs(pages, is_rtl(drawn)))
    info = {key: value for found in document.info for key, value in found.items()}
    yield article(
        path,
        text,
        title=_title(_word(info.get("Title")), text),
        author=_word(info.get("Author")),
        extracted=_created(_word(info.get("CreationDate"))),
    )


# --- from glyphs to lines ---


def _lines(page: LTComponent) -> list[_Line]:
    return [line for found in _text_lines(page) if (line := _line(found)) is not None]


def _text_lines(item: LTComponent) -> Iterator[LTTextLine]:
    if isinstance(item, LTTextLine):
        yield item
    elif isinstance(item, LTContainer):
        for child in item:
            yield from _text_lines(child)


def _line(found: LTTextLine) -> _Line | None:
    glyphs = [glyph for glyph in found if isinstance(glyph, LTChar) and _plain(glyph.get_text())]
    if not any(glyph.get_text().strip() for glyph in glyphs):
        return None
    units = _with_marks(glyphs)
    units.sort(key=lambda unit: unit[0])
    spaced = any(text.isspace() for _, _, text in units)
    size = median(glyph.height for glyph in glyphs)
    # Where the line has spaces of its own only a wide gap is one more.
    gap = size * (0.6 if spaced else 0.18)
    texts: list[str] = []
    edge = None
    for x0, x1, text in units:
        if edge is not None and x0 - edge > gap and not texts[-1].isspace():
            texts.append(" ")
        texts.append(text)
        edge = x1 if edge is None else max(edge, x1)
    # The line's own box grows with raised diacritics; its letters tell where and how high it is.
    y0, y1 = median(glyph.y0 for glyph in glyphs), median(glyph.y1 for glyph in glyphs)
    return _Line(found.x0, y0, found.x1, y1, tuple(texts))


def _with_marks(glyphs: list[LTChar]) -> list[tuple[float, float, str]]:
    """(left, right, text) of each glyph, diacritics joined to the letter that they overlap."""
    bases = [(g.x0, g.x1, _plain(g.get_text())) for g in glyphs if not _is_mark(g.get_text())]
    for position, glyph in enumerate(glyphs):
        if not _is_mark(glyph.get_text()) or not bases:
            continue
        before = sum(not _is_mark(g.get_text()) for g in glyphs[:position])
        centre = (glyph.x0 + glyph.x1) / 2
        near = [i for i in (before - 1, before) if 0 <= i < len(bases)]
        best = min(near, key=lambda i: _distance(bases[i], centre))
        x0, x1, text = bases[best]
        bases[best] = (x0, x1, text + _plain(glyph.get_text()))
    return bases


def _distance(base: tuple[float, float, str], centre: float) -> float:
    x0, x1, text = base
    return abs((x0 + x1) / 2 - centre) + (1000 if text.isspace() else 0)


def _is_mark(text: str) -> bool:
    plain = _plain(text)
    return bool(plain) and all(unicodedata.category(c) == "Mn" for c in plain)


def _plain(text: str) -> str:
    """Contextual letter forms and ligatures as ordinary letters; glyphs without a letter as ""."""
    text = _CONTROL.sub("", text)  # some programs map the glyphs of diacritics to NUL
    return _PRESENTATION.sub(lambda m: unicodedata.normalize("NFKC", m[0]).lstrip(" "), text)


# --- from lines to paragraphs ---


def _paragraphs(pages: list[list[_Line]], rtl: bool) -> list[str]:
    running = _running_lines(pages)
    paragraphs: list[str] = []
    for page in pages:
        kept = [line for line in page if _signature(line) not in running]
        found = [p for block in _blocks(kept, rtl) for p in _block_paragraphs(block, rtl)]
        if paragraphs and found and _goes_on(paragraphs[-1]):
            paragraphs[-1] = _joined(paragraphs[-1], found.pop(0))
        paragraphs += found
    return [storable(p) for p in paragraphs]


def _running_lines(pages: list[list[_Line]]) -> set[tuple]:
    """What stands at the same height of at least half of three or more pages: heads and folios."""
    if len(pages) < 3:
        return set()
    counts = Counter(s for page in pages for s in {_signature(line) for line in page})
    return {signature for signature, count in counts.items() if count >= max(3, len(pages) / 2)}


def _signature(line: _Line) -> tuple:
    text = re.sub(r"\d+", "0", fold("".join(line.units)))
    return round(line.y0 / 4), text.strip()


def _goes_on(paragraph: str) -> bool:
    return len(paragraph) > 80 and not paragraph.endswith(_FINAL)


def _blocks(lines: list[_Line], rtl: bool) -> list[list[_Line]]:
    """Lines in columns, in reading order: the page is cut at gutters, else above or below them."""
    if len(lines) < 4:
        return [lines] if lines else []
    if (gutter := _gutter(lines)) is not None:
        left = [line for line in lines if line.x1 <= gutter]
        right = [line for line in lines if line.x0 >= gutter]
        first, second = (right, left) if rtl else (left, right)
        return _blocks(first, rtl) + _blocks(second, rtl)
    ordered = sorted(lines, key=lambda line: -line.y1)
    gaps = [
        i
        for i in range(1, len(ordered))
        if min(line.y0 for line in ordered[:i]) >= ordered[i].y1 - 1
    ]
    for i in (*gaps, *reversed(gaps)):
        upper, lower = ordered[:i], ordered[i:]
        if _gutter(lower) is not None or _gutter(upper) is not None:
            return _blocks(upper, rtl) + _blocks(lower, rtl)
    return [lines]


def _gutter(lines: list[_Line]) -> float | None:
    """The middle of the widest vertical strip without text, with three rows or more either side."""
    ordered = sorted(lines, key=lambda line: line.x0)
    edge = ordered[0].x1
    wanted = median(line.height for line in lines) * 0.8
    best = None
    for i, line in enumerate(ordered[1:], 1):
        width = line.x0 - edge
        if width > wanted and _rows(ordered[:i]) > 2 and _rows(ordered[i:]) > 2:
            best, wanted = (edge + line.x0) / 2, width
        edge = max(edge, line.x1)
    return best


def _rows(lines: list[_Line]) -> int:
    return len({round((line.y0 + line.y1) / 2 / max(line.height, 1)) for line in lines})


def _block_paragraphs(block: list[_Line], rtl: bool) -> list[str]:
    """Rows of a column joined into paragraphs: a wide gap, another size or a short row ends one."""
    rows = _merged_rows(block)
    left, right = min(row.x0 for row in rows), max(row.x1 for row in rows)
    # From row to row of one paragraph: a headline is further off, and of few rows most may be.
    pitches = sorted(a.y0 - b.y0 for a, b in pairwise(rows) if _same_size(a, b))
    pitch = pitches[(len(pitches) - 1) // 3] if pitches else 0
    texts = [logical_order(row.units, rtl and _has_rtl(row)).strip() for row in rows]
    paragraphs = [texts[0]]
    for i in range(1, len(rows)):
        above, row = rows[i - 1], rows[i]
        end = above.x0 - left if rtl else right - above.x1
        start = right - row.x1 if rtl else row.x0 - left
        apart = (
            above.y0 - row.y0 > 1.3 * pitch + 1
            or not _same_size(above, row)
            or end > 0.2 * (right - left)
            or (row.height < start < 6 * row.height and texts[i - 1].endswith(_FINAL))
        )
        if apart and not texts[i][:1].islower():
            paragraphs.append(texts[i])
        else:
            paragraphs[-1] = _joined(paragraphs[-1], texts[i])
    return [p for p in paragraphs if p]


def _same_size(one: _Line, other: _Line) -> bool:
    return abs(one.height - other.height) <= 0.2 * max(one.height, other.height)


def _merged_rows(block: list[_Line]) -> list[_Line]:
    """Pieces at the same height as one row, from the top; the pieces' units from left to right."""
    rows: list[list[_Line]] = []
    for line in sorted(block, key=lambda line: -(line.y0 + line.y1)):
        middle = (line.y0 + line.y1) / 2
        if rows and rows[-1][0].y0 < middle < rows[-1][0].y1:
            rows[-1].append(line)
        else:
            rows.append([line])
    merged = []
    for row in rows:
        row.sort(key=lambda line: line.x0)
        units = [unit for line in row for unit in (*line.units, " ")][:-1]
        merged.append(
            _Line(
                row[0].x0,
                min(line.y0 for line in row),
                max(line.x1 for line in row),
                max(line.y1 for line in row),
                tuple(units),
            )
        )
    return merged


def _has_rtl(row: _Line) -> bool:
    """A row without any Arabic letter reads left to right even in an Arabic text."""
    return any(unicodedata.bidirectional(c) in ("R", "AL") for unit in row.units for c in unit)


def _joined(above: str, below: str) -> str:
    if above.endswith("\u00ad"):  # a soft hyphen: the word goes on
        return above[:-1] + below
    if re.search(r"[^\W\d]-$", above) and below[:1].islower():
        return above + below
    return f"{above} {below}"


# --- what the file says about itself ---


def _word(value: object) -> str | None:
    return one_line(decode_text(value)) if isinstance(value, bytes) else None


def _title(stated: str | None, text: str) -> str | None:
    """The stated title if the page shows it too; else it is mostly a file's or template's name."""
    shown = stated and "".join(fold(stated).split()) in "".join(fold(text[:2000]).split())
    return stated if shown else None


def _created(stated: str | None) -> str | None:
    match = _PDF_DATE.match(stated or "")
    return parse_date("-".join(match.groups())) if match else None
