"""What all tests share: the data they may read, the real weights, and no silence about skips."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `from fakes import …`
sys.path.insert(0, str(Path(__file__).parent.parent))  # the rooms, where nothing is installed

import models  # noqa: F401  first of all: it turns usage reports off

WITHOUT_SHARED = "MUSTANAD_SHARED does not point at the shared evaluation data"
WITHOUT_WEIGHTS = "the real weights are not on this machine"


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested for want of data or weights."""
    reasons = [
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    ]
    for what in (WITHOUT_SHARED, WITHOUT_WEIGHTS):
        count = sum(what in reason for reason in reasons)
        if count:
            terminalreporter.write_line(
                f"!!! {count} test{'s' * (count != 1)} NOT RUN: {what} !!!", red=True, bold=True
            )
