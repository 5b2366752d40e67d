"""Set-up says what is missing before time is spent, and does nothing twice."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def preflight(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("preflight")


@pytest.fixture
def install(monkeypatch, tmp_path):
    """scripts/install.py, looking at a checkout in ``tmp_path``."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    module = importlib.import_module("install")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("torch==1\nllama_cpp_python==1\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    monkeypatch.setattr(module, "STAMP", str(tmp_path / ".venv" / "stamp"))
    return module


def run_preflight(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "preflight.py"), *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


def test_missing_compiler_is_named_with_the_remedy(tmp_path, monkeypatch):
    for variable in ("CC", "CXX"):
        monkeypatch.delenv(variable, raising=False)
    result = run_preflight(PATH=str(tmp_path))
    assert result.returncode == 1
    assert "no C and no C++ compiler" in result.stderr and "build-essential" in result.stderr


def test_compiler_is_not_needed_once_everything_is_installed(tmp_path):
    assert run_preflight("--installed", PATH=str(tmp_path)).returncode == 0


def test_port_in_use_is_named_with_another(preflight):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_preflight("--installed", "--port", str(port))
    assert result.returncode == 1
    assert f"port {port} cannot be used" in result.stderr and f"PORT={port + 1}" in result.stderr
    assert preflight.port_problem(port) is None  # free again


def test_old_python_is_told_what_is_needed(preflight, monkeypatch):
    monkeypatch.setattr(preflight.sys, "version_info", (3, 9, 2))
    assert "Python 3.11 or newer is needed" in preflight.python_problem()


def test_too_little_disk_says_how_much_is_needed_and_found(preflight, monkeypatch, tmp_path):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    monkeypatch.setenv("MUSTANAD_MODELS", str(tmp_path / "not" / "there" / "yet"))
    disk = [p for p in preflight.problems(installed=False) if "free disk" in p]
    assert len(disk) == 2
    assert all("found 1.0 GB" in problem for problem in disk)
    assert "MUSTANAD_MODELS" in disk[1]


def test_too_little_memory_says_how_much_is_needed_and_found(preflight, monkeypatch):
    monkeypatch.setattr(
        preflight.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 500_000}.get
    )
    assert "found 2.0 GB" in preflight.memory_problem()


def test_weights_folder_is_where_the_weights_will_be(preflight, monkeypatch):
    from models.fetch import models_dir

    monkeypatch.delenv("MUSTANAD_MODELS", raising=False)
    assert Path(preflight.weights_folder()) == models_dir()
    monkeypatch.setenv("MUSTANAD_MODELS", "/by/hand")
    assert Path(preflight.weights_folder()) == models_dir()


def test_stamp_holds_until_what_it_depends_on_changes(install, tmp_path):
    assert not install.installed("")
    Path(install.STAMP).write_text(install.digest("test"))
    assert install.installed("") and install.installed("test")
    (tmp_path / "constraints.txt").write_text("torch==2\n")
    assert not install.installed("") and not install.installed("test")


def test_what_chat_installed_is_not_enough_for_the_tests(install):
    Path(install.STAMP).write_text(install.digest(""))
    assert install.installed("") and not install.installed("test")


def test_failed_step_shows_its_output_and_ends(install, capfd):
    with pytest.raises(SystemExit):
        install.run("trying", [sys.executable, "-c", "print('why it failed'); raise SystemExit(3)"])
    assert "why it failed" in capfd.readouterr().err


def test_constraints_pin_every_direct_dependency_and_no_gpu_build():
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {
        canonicalize_name(line.split("==")[0]): line.split("==")[1]
        for line in lines
        if not line.startswith("#")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    for requirement in map(Requirement, wanted):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(pin), f"{requirement} against {pin}"
    assert not [name for name in pins if name.startswith(("nvidia", "triton", "mustanad"))]
    assert "+" not in pins["torch"]
