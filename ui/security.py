"""What stands between the page and everything outside: headers, host check, language of the page.

A plain ASGI middleware, since the chat's streams must pass through it unbuffered.
"""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from ui.texts import DIRECTION, Language, choose_language, text

LANGUAGE_COOKIE = "mustanad_language"
YEAR_SECONDS = 365 * 24 * 3600

# Gradio's page holds inline scripts and styles and compiles its event code at run time, hence the
# two "unsafe" words; what matters is that nothing can be loaded from, or sent to, another host.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)

_FOREIGN_META = re.compile(rb"<meta\s[^>]*(?:og:|twitter:)[^>]*/?>\s*", re.IGNORECASE)
_FOREIGN_LINK = re.compile(rb"<link\s[^>]*href=\"https?://[^>]*>\s*", re.IGNORECASE)
_OWN_FILES = (
    '<link rel="stylesheet" href="/own/fonts.css"><link rel="stylesheet" href="/own/page.css">'
    '<script src="/own/page.js"></script>'
)
_HTML_TAG = re.compile(rb"<html\s+lang=\"en\"")


def language_script(language: Language) -> str:
    """Tells Gradio's own words which language to speak, before its script asks the browser."""
    return (
        "<script>for (const [name, value] of [['language', "
        f"'{language}'], ['languages', ['{language}']]])"
        "Object.defineProperty(navigator, name, {get: () => value, configurable: true});"
        "</script>"
    )


def localised(page: bytes, language: Language) -> bytes:
    """Gradio's page in ``language``, without its share cards, which name foreign hosts."""
    page = _FOREIGN_META.sub(b"", _FOREIGN_LINK.sub(b"", page))
    opening = f'<html lang="{language}" dir="{DIRECTION[language]}"'.encode()
    page = _HTML_TAG.sub(opening, page, count=1)
    head = f"<head>{language_script(language)}<title>{text('title', language)}</title>{_OWN_FILES}"
    return page.replace(b"<head>", head.encode(), 1)


class PageGuard:
    """Adds the security headers, refuses foreign ``Host`` names, and renders the language.

    ``hosts``: the host names the page may be asked for by (against DNS rebinding); None: any.
    """

    def __init__(self, app: Any, hosts: frozenset[str] | None = None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        if self.hosts is not None and _host(headers.get("host", b"")) not in self.hosts:
            await _refuse(send)
            return
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [None])[0]
        language = request_language(
            asked,
            headers.get("cookie", b"").decode("latin-1"),
            headers.get("accept-language", b"").decode("latin-1"),
        )
        rewriting = _Rewriting(send, language, scope["path"] == "/", remember=asked == language)
        await self.app(scope, receive, rewriting)


class _Rewriting:
    """A ``send`` that adds the headers to everything and holds the page back to localise it."""

    def __init__(self, send: Any, language: Language, is_page: bool, *, remember: bool) -> None:
        self.send, self.language, self.is_page, self.remember = send, language, is_page, remember
        self.start: dict | None = None
        self.body = b""

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], *_HEADERS]
            if self.remember:
                cookie = (
                    f"{LANGUAGE_COOKIE}={self.language}; Max-Age={YEAR_SECONDS}; Path=/; "
                    "SameSite=Lax"
                )
                headers.append((b"set-cookie", cookie.encode()))
            message = {**message, "headers": headers}
            kind = dict(headers).get(b"content-type", b"")
            if self.is_page and kind.startswith(b"text/html"):
                self.start = message
                return
        elif message["type"] == "http.response.body" and self.start is not None:
            self.body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = localised(self.body, self.language)
            kept = [(n, v) for n, v in self.start["headers"] if n.lower() != b"content-length"]
            kept.append((b"content-length", str(len(page)).encode()))
            kept.append((b"cache-control", b"no-store"))
            await self.send({**self.start, "headers": kept})
            self.start = None
            message = {"type": "http.response.body", "body": page}
        await self.send(message)


def request_language(asked: str | None, cookies: str, accept: str) -> Language:
    """The page's language for a request: its address, its cookie, its browser."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(cookies)
    except CookieError:  # another application's cookie on the same host
        jar = SimpleCookie()
    remembered = jar[LANGUAGE_COOKIE].value if LANGUAGE_COOKIE in jar else None
    return choose_language(asked, remembered, accept)


def _host(value: bytes) -> str:
    """The name in a ``Host`` header, without port and brackets, lower case."""
    name = value.decode("latin-1").lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


async def _refuse(send: Any) -> None:
    body = b"This page answers only to the address it was started with."
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
