"""Bytes to text: byte order marks, UTF-8, UTF-16, then the eight-bit encodings of Arabic."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from rag.loaders.common import LoadError

_BOMS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ARABIC_ENCODINGS = ("cp1256", "iso8859_6", "cp720", "cp864", "mac_arabic")
_LATIN = ("iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "us-ascii", "ascii")
_COMMON_WORDS = re.compile(
    r"(?<!\w)(?:في|من|على|إلى|الى|عن|أن|ان|إن|هذا|هذه|التي|الذي|مع|قال|كما|كان|وقال|بعد|ما|لا|أو|ال\w{3,})(?!\w)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DAMAGED = 0.02  # share of undecodable among the non-ASCII characters of damaged UTF-8
_SAMPLE = 200_000  # bytes that an encoding is guessed from

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an XZ archive"),
    (b"(\xb5/\xfd", "a Zstandard archive"),
    (b"PAR1", "a Parquet file"),
)


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of a file, without its byte order mark and with nothing else changed.

    ``declared``: the encoding that the file itself names; believed where the bytes are not valid
    UTF-8. UTF-8 with a few damaged bytes stays UTF-8, with U+FFFD in their place. Raises LoadError
    for binary data and for text in no known encoding.
    """
    for kind, name in _MAGIC:
        if data.startswith(kind):
            raise LoadError(f"binary: {name}")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _text(data[len(bom) :].decode(encoding, "replace"))
    if b"\0" in data[:_SAMPLE]:
        return _text(_utf16(data))
    text = _try(data, "utf-8")
    if text is None and declared and not declared.lower().startswith("utf"):
        # Many an Arabic page says that it is Latin-1, in which any bytes are text of some kind.
        latin = declared.lower() in _LATIN
        text = (_arabic(data) if latin else None) or _try(data, declared)
    if text is None:
        text = _damaged_utf8(data) or _arabic(data) or _guessed(data)
    return _text(text)


def _text(text: str) -> str:
    sample = text[:_SAMPLE]
    if "\0" in text or len(_CONTROL.findall(sample)) > 0.01 * len(sample):
        raise LoadError("binary, not text")
    return text


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _utf16(data: bytes) -> str:
    """UTF-16 without a byte order mark: nearly everything in it is Arabic, Latin or a mark."""
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _try(data, encoding)
        if text and "\0" not in text:
            usual = sum(c < "\u0250" or "\u0600" <= c <= "\u06ff" for c in text[:_SAMPLE])
            if usual > 0.9 * len(text[:_SAMPLE]):
                return text
    raise LoadError("binary, not text (it has NUL bytes)")


def _damaged_utf8(data: bytes) -> str | None:
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return text if bad <= _DAMAGED * sum(c > "\x7f" for c in text) else None


def _arabic(data: bytes) -> str | None:
    """The Arabic encoding in which the most common Arabic words appear, None if hardly any do."""
    scores: list[tuple[int, int, str]] = []
    for rank, encoding in enumerate(_ARABIC_ENCODINGS):
        text = _try(data, encoding)
        if text is not None:
            words = len(_COMMON_WORDS.findall(text[:_SAMPLE]))
            scores.append((words, -rank, text))
    if not scores:
        return None
    words, _, text = max(scores)
    return text if words >= max(2, len(re.findall(r"\w+", text[:_SAMPLE])) // 25) else None


def _guessed(data: bytes) -> str:
    best = from_bytes(data[:_SAMPLE]).best()
    text = _try(data, best.encoding) if best else None
    if text is None:
        raise LoadError("text in an encoding that was not recognised; save it as UTF-8")
    return text
