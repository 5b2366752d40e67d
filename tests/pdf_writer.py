"""A minimal PDF writer for tests: glyphs at positions, with the letters that they stand for.

No font is embedded: readers of the text layer need only the map from glyphs to letters.
"""

from __future__ import annotations

from collections.abc import Sequence

SIZE = 12
WIDTH = 6  # points that every glyph is wide


def visual(line: str) -> list[str]:
    """A purely Arabic line as it is drawn, from left to right."""
    return list(reversed(line))


def pdf(
    pages: Sequence[Sequence[tuple[float, float, Sequence[str]]]],
    *,
    reverse_stream: bool = False,
    info: dict[str, str] | None = None,
) -> bytes:
    """A PDF of pages of lines (x, y, glyphs from left to right).

    ``reverse_stream``: glyphs are drawn one by one from the right, as some programs do.
    """
    letters = sorted({g for page in pages for _, _, glyphs in page for g in glyphs})
    codes = {letter: number for number, letter in enumerate(letters, 1)}
    cmap = "".join(f"<{codes[g]:04x}> <{g.encode('utf-16-be').hex()}>\n" for g in letters)
    to_unicode = (
        "/CIDInit /ProcSet findresource begin begincmap\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(letters)} beginbfchar\n{cmap}endbfchar endcmap end"
    )
    objects: list[str] = [
        "",  # the catalogue, known at the end
        "",  # the pages
        "<< /Type /Font /Subtype /Type0 /BaseFont /T /Encoding /Identity-H "
        "/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /T /CIDSystemInfo << /Registry (Adobe) "
        f"/Ordering (Identity) /Supplement 0 >> /DW {WIDTH * 1000 // SIZE} "
        "/FontDescriptor << /Type /FontDescriptor /FontName /T /Flags 4 /Ascent 800 "
        "/Descent -200 /FontBBox [0 -200 1000 800] >> >>",
        f"<< /Length {len(to_unicode)} >> stream\n{to_unicode}\nendstream",
    ]
    kids = []
    for page in pages:
        drawn = "".join(_draw(x, y, glyphs, codes, reverse_stream) for x, y, glyphs in page)
        content = f"BT /F1 {SIZE} Tf {drawn} ET"
        objects.append(f"<< /Length {len(content)} >> stream\n{content}\nendstream")
        kids.append(len(objects) + 1)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
    objects[0] = "<< /Type /Catalog /Pages 2 0 R >>"
    references = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{references}] >>"
    entries = "".join(
        f"/{key} <feff{value.encode('utf-16-be').hex()}> " for key, value in (info or {}).items()
    )
    objects.append(f"<< {entries}>>")
    body = b"%PDF-1.4\n"
    offsets = []
    for number, item in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{item}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return (
        body
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
            f"startxref\n{len(body)}\n%%EOF"
        ).encode()
    )


def _draw(x: float, y: float, glyphs: Sequence[str], codes: dict[str, int], reverse: bool) -> str:
    if not reverse:
        shown = "".join(f"{codes[g]:04x}" for g in glyphs)
        return f"1 0 0 1 {x} {y} Tm <{shown}> Tj\n"
    places = [(x + i * WIDTH, glyph) for i, glyph in enumerate(glyphs)]
    return "".join(f"1 0 0 1 {p} {y} Tm <{codes[g]:04x}> Tj\n" for p, g in reversed(places))
