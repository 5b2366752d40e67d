"""A small OpenAI-compatible server on this machine that replays what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeServer(ThreadingHTTPServer):
    """``replies``: pieces to stream. ``refuses``: body fields answered with status 400."""

    daemon_threads = True

    def __init__(self, replies=(), *, status=200, refuses=(), delay=0.0, models=("m",), headers=()):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies, self.status, self.refuses = replies, status, refuses
        self.delay, self.models, self.headers = delay, models, headers
        self.bodies: list[dict] = []
        self.authorizations: list[str | None] = []
        self.broken_off = threading.Event()  # the client went away in the middle of an answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:
        """Tests break connections off on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer

    def log_message(self, *args) -> None:
        """Tests read no access log."""

    def _json(self, status: int, document: dict) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [{"id": m} for m in self.server.models]})

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.bodies.append({"path": self.path, **body})
        server.authorizations.append(self.headers.get("Authorization"))
        unknown = [field for field in server.refuses if field in body]
        if unknown:
            self._json(400, {"error": {"message": f"unknown field {unknown[0]}"}})
        elif server.status != 200:
            self._json(server.status, {"error": {"message": "no"}})
        else:
            self._stream()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for piece in self.server.replies:
                time.sleep(self.server.delay)
                chunk = {
                    "id": "1",
                    "object": "chat.completion.chunk",
                    "created": 0,
                    "model": "m",
                    "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}],
                }
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.broken_off.set()


@contextmanager
def running(server: FakeServer):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
