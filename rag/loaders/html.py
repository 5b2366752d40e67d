"""Web pages: the article's text and what the page says about it, without what a reader never saw.

Text that is hidden from readers may be written for machines (it is a way to slip instructions to
a language model), so it is cut out before the article is looked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import lxml.html
from lxml.etree import Comment, ParserError, ProcessingInstruction
from trafilatura import bare_extraction, html2txt
from trafilatura.settings import Document

from rag.loaders.common import LoadError, article, storable
from rag.loaders.dates import parse_date
from rag.loaders.encoding import decode
from rag.orders import addresses_machine
from rag.sentences import split_sentences
from vectorstore.outlets import outlet_of_url
from vectorstore.types import Article

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:\.0+)?(?![.\d])"
    r"|font-size\s*:\s*[12](?:\.\d+)?px|clip\s*:\s*rect\(\s*[01](?:px)?[\s,]"
    r"|clip-path\s*:\s*inset\(\s*(?:50|100)%"
    r"|opacity\s*:\s*0(?:\.0+)?(?![.\d])|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{};]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_NEVER_SHOWN = ("style", "template", "noscript", "iframe", "object", "svg", "datalist")


def read_html(data: bytes, path: Path) -> Iterator[Article]:
    """The one article of a page; its text is the extracted body, a line a paragraph.

    Raises LoadError if the page has no article text.
    """
    match = _CHARSET.search(data[:4096])
    page = decode(data, match[1].decode("ascii", "replace") if match else None)
    page = _XML_DECLARATION.sub("", _CONTROL.sub(" ", page))
    try:
        tree = lxml.html.document_fromstring(page)
        _remove_hidden(tree)
        found = bare_extraction(
            tree,
            with_metadata=True,
            include_comments=False,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
        document = found or Document()  # nothing found: a document with empty fields
        text = document.text or html2txt(tree)
    except (ParserError, ValueError) as error:  # ValueError: characters that XML cannot hold
        raise LoadError(f"a web page that cannot be parsed: {error}") from error
    if not text or not any(map(str.isalnum, text)):
        raise LoadError("no article text in the page")
    site = document.sitename or (outlet_of_url(document.url) if document.url else None)
    yield article(
        path,
        storable(text),
        title=document.title,
        source=site,
        author=document.author,
        published=parse_date(document.date),
        url=document.url,
    )


def _remove_hidden(tree: lxml.html.HtmlElement) -> None:
    """Take out what no reader sees; structured data stays, for the metadata."""
    hidden_names = _hidden_by_rules(tree)
    for element in list(tree.iter()):
        if element.getparent() is None:
            continue
        if (
            element.tag in (Comment, ProcessingInstruction)
            or _is_hidden(element, hidden_names)
            or _gives_orders(element)
        ):
            element.drop_tree()


def _is_hidden(element: lxml.html.HtmlElement, hidden_names: set[str]) -> bool:
    if element.tag in _NEVER_SHOWN:
        return True
    if element.tag == "script":
        return "json" not in (element.get("type") or "")
    if element.tag in ("html", "body", "head", "meta", "link"):
        return False
    names = {f".{name}" for name in (element.get("class") or "").split()}
    return (
        element.get("hidden") is not None
        or (element.get("aria-hidden") or "").lower() == "true"
        or bool(_HIDING.search(element.get("style") or ""))
        or not hidden_names.isdisjoint(names | {f"#{element.get('id')}"})
    )


def _gives_orders(element: lxml.html.HtmlElement) -> bool:
    """Whether metadata, which no reader sees either, address a machine."""
    if element.tag == "meta":
        return addresses_machine(element.get("content") or "")
    return element.tag == "script" and any(map(addresses_machine, _strings(element.text or "")))


def _strings(script: str) -> list[str]:
    """The text values of structured data, by sentence; none where it is no valid JSON."""
    found: list[str] = []
    try:
        waiting = [json.loads(script)]
    except (ValueError, RecursionError):
        return found
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found += [value[s.start : s.end] for s in split_sentences(value)]
        elif isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
    return found


def _hidden_by_rules(tree: lxml.html.HtmlElement) -> set[str]:
    """ ".class" and "#id" selectors that the page's own style sheets hide on every device."""
    hidden: set[str] = set()
    for style in tree.iter("style"):
        sheet = _AT_BLOCK.sub("", re.sub(r"/\*.*?\*/", "", style.text or "", flags=re.S))
        for selectors, declarations in _RULE.findall(sheet):
            if _HIDING.search(declarations):
                hidden.update(s.strip() for s in selectors.split(","))
    return {name for name in hidden if re.fullmatch(r"[.#][\w-]+", name)}
