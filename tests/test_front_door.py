"""The package ``mustanad`` itself: light to import, complete, and not taken in by a namesake."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mustanad
from mustanad.shadowing import ROOMS, ShadowedError, refuse_shadows

ROOT = Path(mustanad.__file__).resolve().parent.parent


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    """A Python of its own in ``cwd``, which finds Mustanad whether it is installed or not."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_import_loads_none_of_the_heavy_libraries(tmp_path):
    heavy = "torch chromadb gradio sentence_transformers llama_cpp langchain_core numpy pydantic"
    done = python(
        "-c",
        f"import sys, json, mustanad; print(json.dumps([m for m in {heavy.split()!r} "
        "if m in sys.modules]))",
        cwd=tmp_path,
    )
    assert json.loads(done.stdout) == [], done.stderr


def test_help_answers_within_half_a_second(tmp_path):
    # Processor time, the best of a few: what else the machine is doing does not count.
    def once() -> float:
        before = os.times()
        done = python("-m", "mustanad", "--help", cwd=tmp_path)
        after = os.times()
        assert done.returncode == 0, done.stderr
        return (
            after.children_user
            - before.children_user
            + after.children_system
            - before.children_system
        )

    assert min(once() for _ in range(5)) < 0.5


@pytest.mark.parametrize("name", [n for n in mustanad.__all__ if n != "__version__"])
def test_exported_name_comes_from_its_room(name):
    assert getattr(mustanad, name) is getattr(
        importlib.import_module(mustanad._HOME_OF[name]), name
    )


def test_all_and_the_homes_agree():
    assert set(mustanad.__all__) == {*mustanad._HOME_OF, "__version__"}
    assert set(mustanad.__all__) <= set(dir(mustanad))


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Assistent"):
        mustanad.Assistent  # noqa: B018


def test_version_is_that_of_the_distribution():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert mustanad.__version__ == project["version"]


def test_nothing_shadows_us_here():
    refuse_shadows()


@pytest.mark.parametrize("room", ROOMS)
def test_a_namesake_is_named(tmp_path, room):
    (tmp_path / f"{room}.py").write_text("", encoding="utf-8")
    done = python("-c", "import mustanad; mustanad.Settings", cwd=tmp_path)
    assert done.returncode == 1
    assert "ShadowedError" in done.stderr
    assert str(tmp_path / f"{room}.py") in done.stderr


def test_a_namesake_that_is_already_loaded_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "ui"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "ui", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("ui")
    try:
        with pytest.raises(ShadowedError, match=f"{folder} is imported as 'ui'"):
            refuse_shadows()
    finally:
        del sys.modules["ui"]


def test_the_command_says_it_in_one_line(tmp_path):
    (tmp_path / "models.py").write_text("", encoding="utf-8")
    done = python("-m", "mustanad", "status", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "models.py") in done.stderr
