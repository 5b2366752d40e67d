"""The archive that a run asks: a home that exists, or one built from files and kept by content.

What is kept lies in the user's cache folder under a key of the files' content, the embedder and
the code that reads and embeds, so a second run over the same files starts at once and a run never
uses an archive that another version built.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from models.catalogue import get_spec, load_catalogue
from rag.assistant import Assistant
from rag.evaluation.questions import EvaluationError, Paragraph
from rag.settings import Settings

KEPT = 8  # archives in the cache; the ones not used for longest go first
_READING = ("models", "vectorstore", "rag/loaders", "rag/chunking.py", "rag/ingest.py")
_READING += ("rag/language.py", "rag/sentences.py")
_ANSWERING = ("models", "vectorstore", "rag")
_NOT_ANSWERING = "rag/evaluation"

Progress = Callable[[str, int, int], None]


def digest(parts: Iterable[bytes | str]) -> str:
    """SHA-256 (hex) of parts, each with its length before it."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return whole.hexdigest()


def _code(places: Sequence[str]) -> str:
    """Digest of our own source and data files in those folders or files, evaluation left out."""
    root = Path(find_spec("rag").origin).parent.parent
    files = sorted(
        path
        for place in places
        for path in ([root / place] if (root / place).is_file() else (root / place).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )
    names = [path.relative_to(root).as_posix() for path in files]
    return digest(
        part
        for name, path in zip(names, files, strict=True)
        if not name.startswith(_NOT_ANSWERING + "/")
        for part in (name, path.read_bytes())
    )


def answering_code() -> str:
    """Digest of all that makes an answer; a change of it makes kept answers stale."""
    return _code(_ANSWERING)


def model_names(settings: Settings, retrieval_only: bool) -> dict[str, str]:
    """{"embedder", "llm"}: which weights a run uses, by name and hash; no "llm" without one."""
    spec = get_spec(settings.embedder)
    names = {"embedder": f"{spec.name} {spec.sha256[:16]}"}
    if not retrieval_only:
        names["llm"] = _language_model(settings)
    return names


def _language_model(settings: Settings) -> str:
    location = settings.language_model
    known = load_catalogue().get(location)
    if known is not None:
        return f"{known.name} {known.sha256[:16]}"
    path = Path(location).expanduser()
    if path.is_file():
        with path.open("rb") as file:
            return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
    return f"{location} {settings.server_model}".strip()


def articles_digest(assistant: Assistant) -> str:
    """Digest of what an archive holds, whatever the order."""
    return digest(
        part
        for summary in sorted(assistant.articles(), key=lambda s: s.article_id)
        for part in (summary.article_id, assistant.article(summary.article_id).content_hash)
    )


def build_archive(
    paths: Sequence[Path],
    paragraphs: Sequence[Paragraph],
    settings: Settings,
    progress: Progress,
) -> Assistant:
    """An assistant over those files and, one article each, those paragraphs; the caller closes it.

    Raises EvaluationError where a path does not exist or nothing in it can be read.
    """
    for path in paths:
        if not path.exists():
            raise EvaluationError(f"--archive {path}: no such file or folder.")
    cache = user_cache_path("mustanad", appauthor=False) / "evaluation"
    key = digest(
        [_code(_READING), get_spec(settings.embedder).identity.key, settings.embedder_backend]
        + list(_contents(paths))
        + [field for p in paragraphs for field in (p.title or "", p.text)]
    )[:24]
    folder = cache / key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(cache / f"{key}.lock"):
        folder.touch()  # used now, for _prune
        assistant = Assistant.open(folder / "home", settings)
        done = folder / "done"
        try:
            if not done.exists():
                _ingest(assistant, paths, paragraphs, folder, progress)
                done.touch()
        except BaseException:
            assistant.close()
            raise
    _prune(cache, keep=folder)
    return assistant


def _contents(paths: Sequence[Path]) -> Iterable[bytes]:
    for path in sorted(paths):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            yield name.encode("utf-8", "surrogateescape")
            yield file.read_bytes()


def _ingest(
    assistant: Assistant,
    paths: Sequence[Path],
    paragraphs: Sequence[Paragraph],
    folder: Path,
    progress: Progress,
) -> None:
    sources = list(paths)
    if paragraphs:
        file = folder / "paragraphs.jsonl"
        lines = (
            json.dumps({"id": str(number), **asdict(paragraph)}, ensure_ascii=False)
            for number, paragraph in enumerate(paragraphs)
        )
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sources.append(file)
    report = assistant.ingest(
        sources, progress=lambda event: progress(f"archive: {event.phase}", event.done, event.total)
    )
    if not (report.added or report.unchanged):
        raise EvaluationError(
            f"--archive: no article could be read from {', '.join(map(str, sources))}."
        )


def _prune(cache: Path, keep: Path) -> None:
    """Remove the archives that were not used for longest, beyond KEPT."""
    folders = sorted(
        (f for f in cache.iterdir() if f.is_dir() and f != keep),
        key=lambda f: f.stat().st_mtime,
        reverse=True,
    )
    for old in folders[KEPT - 1 :]:
        with FileLock(cache / f"{old.name}.lock"):
            shutil.rmtree(old, ignore_errors=True)
