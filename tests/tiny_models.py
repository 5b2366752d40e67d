"""A catalogue of toy models, and the wheels and the hub they come from, all made on the spot."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from models.catalogue import ModelSpec, parse_catalogue

FILES = {
    "modules.json": b"[]",
    "2_Dense/model.safetensors": bytes(range(256)) * 40,
    "model.safetensors": hashlib.sha256(b"weights").digest() * 3000,
}
GGUF = hashlib.sha256(b"gguf").digest() * 2000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of these files, the same bytes whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _source(folder: Path, name: str, layout: str, whole: bytes, parts: int) -> str:
    """Cut ``whole`` into wheels in ``folder``; the TOML table of that source."""
    step = -(-len(whole) // parts)
    lines = []
    for i in range(parts):
        piece = whole[i * step : (i + 1) * step]
        module = f"{name.replace('-', '_')}_part{i + 1}"
        info = f"{module}-1.0.dist-info"
        about = f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n"
        wheel = zipped(
            {
                f"{module}/__init__.py": b"raise SystemExit('a wheel of weights was run')",
                f"{module}/part.bin": piece,
                f"{info}/METADATA": about.encode(),
                f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                f"{info}/RECORD": b"",
            }
        )
        (folder / f"{module}-1.0-py3-none-any.whl").write_bytes(wheel)
        lines.append(
            f'  {{ wheel = "{module.replace("_", "-")}==1.0", sha256 = "{sha(wheel)}", '
            f'member = "{module}/part.bin", size = {len(piece)} }},'
        )
    root = 'root = "folder"\n' if layout == "zip" else ""
    return (
        f'[{name}.wheels]\nlayout = "{layout}"\n{root}size = {len(whole)}\n'
        f'sha256 = "{sha(whole)}"\nparts = [\n' + "\n".join(lines) + "\n]\n"
    )


def _model(name: str, kind: str, files: dict[str, bytes]) -> str:
    listed = "\n".join(
        f'  {{ path = "{path}", size = {len(data)}, sha256 = "{sha(data)}" }},'
        for path, data in files.items()
    )
    return (
        f'[{name}]\nkind = "{kind}"\ntitle = "Toy"\ndefault = true\nlicence = "MIT"\n'
        f'licence_url = "nowhere"\nterms = "Be kind."\nfiles = [\n{listed}\n]\n'
    )


def make_catalogue(
    wheels: Path, parts: int = 9, extra_members: dict[str, bytes] | None = None
) -> str:
    """TOML of two toy models, "toy-embedder" and "toy-gguf"; writes their wheels."""
    members = {f"folder/{path}": data for path, data in FILES.items()}
    archive = zipped(members | (extra_members or {}))
    return (
        _model("toy-embedder", "embedder", FILES)
        + '[toy-embedder.embedding]\ndimension = 4\nmax_tokens = 8\nquery_prompt = "q: "\n'
        + 'document_prompt = "{title}: "\nno_title = "none"\n'
        + '[toy-embedder.hub]\nrepo = "toys/embedder"\nrevision = "1"\n'
        + _source(wheels, "toy-embedder", "zip", archive, parts)
        + _model("toy-gguf", "language_model", {"toy.gguf": GGUF})
        + _source(wheels, "toy-gguf", "file", GGUF, parts)
    )


def use_catalogue(monkeypatch, text: str) -> dict[str, ModelSpec]:
    """Let Mustanad know these models and no others."""
    catalogue = parse_catalogue(text)
    for module in ("models.catalogue", "models.fetch"):
        monkeypatch.setattr(f"{module}.load_catalogue", lambda: catalogue)
    return catalogue


class WheelShelf:
    """Stands for the package index: copies wheels from a folder and counts what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.cancel_after: int | None = None

    def __call__(self, requirement: str, target: Path, cancel: threading.Event) -> Path:
        self.asked.append(requirement)
        if self.cancel_after is not None and len(self.asked) >= self.cancel_after:
            self.cancel.set()
        name = re.sub(r"[-]", "_", requirement.split("==")[0])
        return Path(shutil.copy(self.folder / f"{name}-1.0-py3-none-any.whl", target))

    cancel: threading.Event


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[tuple[str, list[str | None]]]:
    """A server on this machine that honours Range; yields its address and the ranges asked for."""
    ranges: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            ranges.append(self.headers["Range"])
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            data = files.get(self.path.lstrip("/"))
            if data is None:
                self.send_error(404)
                return
            start = int((self.headers["Range"] or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            if body:
                self.wfile.write(data[start:])

        def log_message(self, *_: object) -> None:
            """Tests have nothing to log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ranges
    finally:
        server.shutdown()
        server.server_close()
