"""Serve the page: first the address, then the work behind it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.settings import Settings
from ui.errors import PageError

if TYPE_CHECKING:
    from ui.desk import Desk

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
USERS_VARIABLE = "MUSTANAD_PAGE_USERS"


def _announce(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def serve(
    home: Path,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    demo: bool = False,
    announce: Callable[[str], None] = _announce,
    make_desk: Callable[..., Desk] | None = None,
) -> None:
    """Serve the page until interrupted. The page is up first and shows its own preparation.

    ``host`` beyond this machine needs users (see ``page_users``); ``port`` 0 takes a free one.
    Raises PageError before anything is loaded if the address cannot be had. ``make_desk`` stands
    in for ``Desk`` in tests.
    """
    users = page_users(host, os.environ.get(USERS_VARIABLE, ""))
    listener = listen(host, port)
    with listener:
        import uvicorn  # with Gradio and all it brings: some seconds

        from models.fetch import show_terms
        from ui.application import make_application
        from ui.desk import Desk, model_names

        desk = (make_desk or Desk)(home, settings, demo=demo)
        application = make_application(desk, users=users, hosts=_names(host))
        show_terms(model_names(settings), announce)  # before the desk fetches anything
        desk.prepare()
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, timeout_graceful_shutdown=3
        )
        announce(f"Mustanad is at {address(host, listener.getsockname()[1])} (Ctrl-C closes it)")
        try:
            with contextlib.suppress(KeyboardInterrupt):  # the way it is meant to end
                _server(config, application).run(sockets=[listener])
        finally:
            desk.close()


def _server(config: Any, application: Any) -> Any:
    """A uvicorn server that lets go of open tabs when it closes, rather than wait for them."""
    import uvicorn

    from ui.application import end_streams

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            end_streams(application)
            await super().shutdown(sockets)

    return Server(config)


def address(host: str, port: int) -> str:
    """The address to open in a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


def page_users(host: str, declared: str) -> dict[str, str]:
    """User names and passwords from "name:password name:password"; {} where none are needed.

    Raises PageError if ``host`` is reachable from other machines and there are no users.
    """
    users: dict[str, str] = {}
    for pair in declared.split():
        name, colon, password = pair.partition(":")
        if not (name and colon and password):
            raise PageError(
                f"{USERS_VARIABLE} must be name:password pairs separated by spaces; "
                f"found an entry without a name or a password."
            )
        users[name] = password
    if host not in LOOPBACK and not users:
        raise PageError(
            f"The address {host} can be reached from other machines, so the page needs users. "
            f"Set {USERS_VARIABLE}='name:password' and start again, or leave --host out to serve "
            "this machine alone."
        )
    return users


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``host:port``. PageError with the remedy where that cannot be."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise PageError(
            f"The address {host!r} is not one of this machine ({error.strerror}). "
            "Use 127.0.0.1, or leave --host out."
        ) from error
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":  # elsewhere the option would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(target)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PageError(_cannot_bind(host, port, error)) from error
    return listener


def _cannot_bind(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use: another program, or a Mustanad that is already "
            f"open. Close it, or choose another with --port {port + 1}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without special rights. Choose one with --port 7860."
    return f"Cannot serve on {host}:{port}: {error.strerror}. Use 127.0.0.1, or leave --host out."


def _names(host: str) -> frozenset[str] | None:
    return LOOPBACK if host in LOOPBACK else None
