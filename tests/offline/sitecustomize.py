"""Loaded by every Python process whose PYTHONPATH begins here: nothing but loopback connects.

What tries to leave the machine is written to the file that $MUSTANAD_NETWORK_LOG names, since a
library's reporting thread would swallow the error, and fails.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import traceback


def _stays_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if not isinstance(address, tuple):  # a Unix socket, or an already connected one
            return
        host = address[0]
    else:
        return
    if _stays_here(host):
        return
    with open(os.environ["MUSTANAD_NETWORK_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{event} {arguments!r}\n{''.join(traceback.format_stack(limit=12))}\n")
    raise OSError(f"no network in this test: {event} {arguments!r}")


sys.addaudithook(_guard)
