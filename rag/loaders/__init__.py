"""From files to articles: text, Markdown, HTML, PDF, DOCX, JSON, JSON Lines, CSV; gzip of these.

The kind of a file is told by its content first and by its name second. What cannot be read is
yielded as ``Unreadable`` with the reason, and never stops the rest. ``Article.text`` is exactly the
decoded file (text, Markdown after its front matter), the record's field, or the extracted body.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.loaders import docx, html, pdf, records, text
from rag.loaders.common import MAX_BYTES, MAX_INFLATED, LoadError, Unreadable, absolute
from rag.loaders.encoding import decode
from vectorstore.types import Article

__all__ = ["MAX_BYTES", "MAX_INFLATED", "Unreadable", "find_files", "load"]

# Suffixes of what is no article; left out of folders, but tried and reported when named.
_NO_ARTICLES = frozenset(
    ".jpg .jpeg .png .gif .webp .bmp .tif .tiff .svg .ico .heic .mp3 .mp4 .m4a .wav .ogg .avi .mov "
    ".mkv .webm .zip .tar .tgz .bz2 .xz .7z .rar .zst .exe .dll .so .pyc .db .sqlite .sqlite3 .css "
    ".js .map .woff .woff2 .ttf .otf .eot .ini .toml .yaml .yml .log .lock .bak .tmp .swp".split()
)
_NO_ARTICLE_NAMES = frozenset(("thumbs.db", "desktop.ini"))
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Files at and below ``paths``, sorted, each once.

    Below a folder hidden files and folders, Office lock files and known non-articles are left out;
    a file named in ``paths`` is always in. Loops of symbolic links end. A path that does not exist
    is returned as it is, so that ``load`` reports it.
    """
    found: dict[str, Path] = {}
    for path in paths:
        files = _below(path) if path.is_dir() else [path]
        for file in files:
            found.setdefault(os.path.realpath(file), Path(absolute(file)))
    return sorted(found.values())


def _below(folder: Path) -> Iterator[Path]:
    visited: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if _may_be_article(Path(root, name)))


def _may_be_article(path: Path) -> bool:
    name = path.name.lower()
    return (
        not name.startswith((".", "~$"))
        and name not in _NO_ARTICLE_NAMES
        and path.suffix.lower() not in _NO_ARTICLES
        and (path.is_file() or path.is_symlink())
    )


def load(path: Path) -> Iterator[Article | Unreadable]:
    """Articles of a file in order, and an ``Unreadable`` for the file or record that is none."""
    try:
        data, name = _content(path)
        yield from _read(data, name, path)
    except LoadError as error:
        yield Unreadable(absolute(path), str(error))
    except OSError as error:
        yield Unreadable(absolute(path), f"cannot be read: {error.strerror or error}")


def _content(path: Path) -> tuple[bytes, str]:
    """The file's bytes, inflated if compressed, and its name in lower case without ".gz"."""
    if not path.is_file():
        raise LoadError("not found" if not path.exists() else "not a regular file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise LoadError(f"{size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB are read")
    data = path.read_bytes()
    name = path.name.lower()
    if data.startswith(b"\x1f\x8b"):
        data = _inflated(data)
        name = name.removesuffix(".gz")
    if not data.strip():
        raise LoadError("empty")
    return data, name


def _inflated(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            inflated = stream.read(MAX_INFLATED + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LoadError(f"damaged gzip: {error}") from error
    if len(inflated) > MAX_INFLATED:
        raise LoadError(f"more than {MAX_INFLATED / 1e6:,.0f} MB when inflated")
    return inflated


def _read(data: bytes, name: str, path: Path) -> Iterator[Article | Unreadable]:
    """Dispatch by what the bytes are, then by the name."""
    suffix = os.path.splitext(name)[1]
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"%pdf-" in start:
        return pdf.read_pdf(data, path)
    if data.startswith(b"PK\x03\x04"):
        if docx.is_word(data):
            return docx.read_docx(data, path)
        raise LoadError("a zip archive that holds no Word document; unpack it first")
    if data.startswith(_OLE):
        raise LoadError(_ole(data))
    if start.startswith(b"{\\rtf"):
        raise LoadError("a Rich Text document; save it as .docx or plain text")
    if start.startswith((b"<!doctype html", b"<html")) or suffix in (".html", ".htm", ".xhtml"):
        return html.read_html(data, path)
    if suffix in (".pdf", ".docx"):
        raise LoadError(f"not a {suffix[1:].upper()} file, whatever its name")
    return _read_text(decode(data), suffix, path)


def _read_text(content: str, suffix: str, path: Path) -> Iterator[Article | Unreadable]:
    if not content.strip():
        raise LoadError("empty")
    if suffix in (".jsonl", ".ndjson"):
        return records.read_json_lines(content, path)
    if suffix == ".json" or (
        suffix not in (".csv", ".tsv") and records.looks_like_articles(content)
    ):
        if records.is_json_lines(content):
            return records.read_json_lines(content, path)
        return records.read_json(content, path)
    if suffix in (".csv", ".tsv"):
        return records.read_table(content, path)
    if suffix in (".xml", ".rss", ".atom"):
        raise LoadError("XML; save it as HTML, JSON or plain text")
    return text.read_text(content, path)


def _ole(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "an encrypted Office document; save it without a password"
    return "an Office document of the old kind (.doc, .xls); save it as .docx"
