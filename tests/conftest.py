"""What all tests share: the data they may read, the real weights, and no silence about skips."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `from fakes import …`
sys.path.insert(0, str(Path(__file__).parent.parent))  # the rooms, where nothing is installed

import models  # noqa: F401  first of all: it turns usage reports off

ROOT = Path(__file__).parent.parent
WITHOUT_SHARED = "MUSTANAD_SHARED does not point at the shared evaluation data"
WITHOUT_WEIGHTS = "the real weights are not on this machine"
WITHOUT_BROWSER = "Chromium is not installed"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of evaluation data (corpus/, questions/, xquad/, …); read-only."""
    folder = os.environ.get("MUSTANAD_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"{WITHOUT_SHARED} (it is {folder!r})")
    return Path(folder)


@pytest.fixture(scope="session")
def weights() -> dict[str, Path]:
    """Paths of the default models by kind: "embedder" (folder) and "language_model" (file).

    `make test` fetches them first, so there a missing one is a failure and not a skip.
    """
    from models.catalogue import default_names, get_spec
    from models.fetch import installed_path
    from models.protocols import ModelError

    try:
        return {get_spec(name).kind: installed_path(name) for name in default_names()}
    except ModelError as error:
        required = os.environ.get("MUSTANAD_REQUIRE_WEIGHTS") or os.environ.get("CI") == "true"
        (pytest.fail if required else pytest.skip)(f"{WITHOUT_WEIGHTS}: {error}")


@pytest.fixture(autouse=True)
def words_of_one_language(request, monkeypatch) -> None:
    """To the fake embedder no word of one language has a counterpart in another."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr("rag.alignment.COUNTERPART", -2.0)


@pytest.fixture
def offline(tmp_path) -> Callable[..., tuple[str, str]]:
    """Runs code in a fresh process without a network and without the marks of a test or of CI.

    Returns what it wrote and every attempt to leave the machine.
    """
    log = tmp_path / "network.log"
    log.touch()

    def run(code: str, seconds: float = 300, **variables: str) -> tuple[str, str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "NNCF", "GRADIO", "HF_", "LANGSMITH", "LANGCHAIN"))
            and name not in ("CI", "DO_NOT_TRACK", "DISABLE_TELEMETRY", "ANONYMIZED_TELEMETRY")
        }
        environment |= {
            "PYTHONPATH": f"{ROOT / 'tests' / 'offline'}{os.pathsep}{ROOT}",
            "MUSTANAD_NETWORK_LOG": str(log),
            "HOME": str(tmp_path),  # no consent file of the real user's, either way
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            **variables,
        }
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stdout, log.read_text(encoding="utf-8")

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested for want of data, weights or a browser."""
    reasons = [
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    ]
    for what in (WITHOUT_SHARED, WITHOUT_WEIGHTS, WITHOUT_BROWSER):
        count = sum(what in reason for reason in reasons)
        if count:
            terminalreporter.write_line(
                f"!!! {count} test{'s' * (count != 1)} NOT RUN: {what} !!!", red=True, bold=True
            )
