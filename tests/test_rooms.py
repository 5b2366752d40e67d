"""Dependencies point one way: mustanad → ui → rag → vectorstore → models."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ["models", "vectorstore", "rag", "ui", "mustanad"]  # lowest first
# Beside the house: they may look in, nothing in it may look out.
OUTSIDE = ["benchmarks", "tests", "fakes", "examples", "scripts"]


def imported_modules(path: Path) -> set[str]:
    """Every module a file imports, at any depth of its code; relative imports made absolute."""
    package = path.relative_to(ROOT).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            names.add(".".join(base + ([node.module] if node.module else [])))
    return names


def upward_imports(room: str, path: Path) -> list[str]:
    """The imports of a file that its room must not have."""
    forbidden = ROOMS[ROOMS.index(room) + 1 :] + OUTSIDE
    return sorted(name for name in imported_modules(path) if name.split(".")[0] in forbidden)


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_imports_upwards(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"no Python file in {room}/"
    wrong = {str(f.relative_to(ROOT)): names for f in files if (names := upward_imports(room, f))}
    assert wrong == {}


def test_an_upward_import_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    file = tmp_path / "models" / "deep" / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text("import numpy\ndef f():\n    from rag.answer import Answer\n")
    assert upward_imports("models", file) == ["rag.answer"]


@pytest.mark.parametrize("room", ROOMS[:-1])  # the front door loads nothing but by way of these
def test_every_room_turns_usage_reports_off_first(room):
    """Whichever room a program enters by, the switches are set before anything heavy loads."""
    environment = {k: v for k, v in os.environ.items() if k not in {"DO_NOT_TRACK", "NNCF_CI"}}
    code = (
        "import os, sys\n"
        f"import {room}\n"
        "assert 'gradio' not in sys.modules and 'chromadb' not in sys.modules\n"
        "assert os.environ['DO_NOT_TRACK'] == '1' and os.environ['NNCF_CI'] == '1'\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
