"""Word documents: paragraphs and tables in reading order."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

from rag.loaders.common import MAX_INFLATED, LoadError, article, one_line
from rag.loaders.dates import parse_date
from vectorstore.types import Article

_MEMBER = "word/document.xml"
# What the libraries and Word templates that write documents leave in their properties.
_TEMPLATE_AUTHORS = ("python-docx", "Microsoft Office User", "Windows User", "User", "HP", "admin")
_TEMPLATE_CREATED = datetime(2013, 12, 23, 23, 15)
# Runs that are read: not deleted or moved away by tracked changes, not the fallback copy of a
# text box, not hidden.
_RUNS = (
    ".//*[local-name()='r'][not(ancestor::*[local-name()='del' or local-name()='moveFrom'"
    " or local-name()='Fallback'])][not(*[local-name()='rPr']/*[local-name()='vanish'"
    " and not(@*[local-name()='val']='0' or @*[local-name()='val']='false')])]"
)
# What the library raises on packages whose parts are missing, broken or of another kind.
_DAMAGE = (
    PackageNotFoundError,
    XMLSyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    ValueError,
)


def is_word(data: bytes) -> bool:
    """Whether a zip holds a Word document. Raises LoadError for a zip that is damaged or a bomb."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except _DAMAGE as error:
        raise LoadError(f"a damaged zip or Word document: {error}") from error
    if any(member.flag_bits & 1 for member in members):
        raise LoadError("an encrypted zip archive")
    size = sum(member.file_size for member in members)
    if size > MAX_INFLATED:
        raise LoadError(
            f"{size / 1e6:,.0f} MB when inflated; at most {MAX_INFLATED / 1e6:,.0f} MB are read"
        )
    return any(member.filename == _MEMBER for member in members)


def read_docx(data: bytes, path: Path) -> Iterator[Article]:
    """The one article of a Word document: a line a paragraph, table cells joined by tabs.

    Raises LoadError for a damaged document or one without text.
    """
    try:
        document = Document(io.BytesIO(data))
        lines = list(_lines(document))
    except _DAMAGE as error:
        raise LoadError(f"a damaged Word document: {error}") from error
    properties = document.core_properties
    created = properties.created
    genuine = created is not None and created.replace(tzinfo=None) != _TEMPLATE_CREATED
    author = one_line(properties.author)
    yield article(
        path,
        "\n".join(lines),
        title=properties.title,
        author=None if author in _TEMPLATE_AUTHORS else author,
        extracted=parse_date(created) if genuine else None,
    )


def _lines(container) -> Iterator[str]:
    """Lines of a document or of a table's cell; empty paragraphs stay, they set headlines apart."""
    for block in container.iter_inner_content():
        if isinstance(block, Paragraph):
            yield from _paragraph(block).split("\n")
        elif isinstance(block, Table):
            for row in block.rows:
                # A merged cell is given once for each column that it spans.
                cells = {id(cell._tc): cell for cell in row.cells}.values()
                yield "\t".join(" ".join(_lines(cell)).strip() for cell in cells)


def _paragraph(paragraph: Paragraph) -> str:
    pieces = []
    for run in paragraph._p.xpath(_RUNS):
        for child in run:
            kind = child.tag.rsplit("}", 1)[-1]
            if kind == "t":
                pieces.append(child.text or "")
            elif kind in ("tab", "ptab"):
                pieces.append("\t")
            elif kind in ("br", "cr"):
                pieces.append("\n")
            elif kind == "noBreakHyphen":
                pieces.append("-")
    return "".join(pieces)
