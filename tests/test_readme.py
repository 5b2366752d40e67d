"""README against the code: tables, commands, links, and what must not be in it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

import mustanad
from mustanad.cli import app
from rag.answer import Answer
from rag.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def readme_script():
    spec = importlib.util.spec_from_file_location("readme_script", ROOT / "scripts" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_in_step_with_the_code():
    assert readme_script().updated(README) == README, "run: .venv/bin/python scripts/readme.py"


def test_the_script_notices_a_change(monkeypatch):
    script = readme_script()
    changed = README.replace("`threads` | `0`", "`threads` | `8`")
    assert changed != README
    assert script.updated(changed) == README
    with pytest.raises(ValueError, match="<!-- commands -->"):
        script.updated(README.replace("<!-- commands -->", ""))


def test_every_setting_has_a_description():
    assert all(field.description for field in Settings.model_fields.values())


def test_every_option_that_the_text_names_exists():
    def options(command) -> set[str]:
        own = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        return own.union(*(options(c) for c in getattr(command, "commands", {}).values()))

    known = options(typer.main.get_command(app)) | {"--help"}
    prose = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", README, flags=re.DOTALL)
    named = {
        option
        for line in re.findall(r"^mustanad .*$|`[^`\n]*`", prose, flags=re.MULTILINE)
        for option in re.findall(r"(?<![\w-])--[a-z-]+", line)
    }
    assert named  # the text does name some
    assert named <= known


def test_environment_variables_that_the_text_names_are_read_somewhere():
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for room in ("models", "vectorstore", "rag", "ui", "mustanad", "tests", "benchmarks")
        for file in (ROOT / room).rglob("*.py")
        if file != Path(__file__)
    )
    settings = {f"MUSTANAD_{name.upper()}" for name in Settings.model_fields}
    for variable in set(re.findall(r"MUSTANAD_[A-Z_]+", README)) - settings:
        assert f'"{variable}"' in code, variable


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    named = {
        word
        for line in re.findall(r"^make (.*)$|`make ([^`]*)`", README, re.MULTILINE)
        for word in "".join(line).split("#")[0].split()
        if "=" not in word
    }
    assert {"chat", "test", "setup", "bench"} <= named <= declared


def test_links_to_files_lead_somewhere():
    links = re.findall(r"\]\((?!https?://)([^)#]+)", README)
    assert len(links) >= 9
    for link in links:
        assert (ROOT / link).exists(), link


def test_python_example_uses_what_there_is():
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    compile(example, "README.md", "exec")
    for name in re.findall(r"from mustanad import (.*)", example)[0].split(", "):
        assert name in mustanad.__all__
    for method in set(re.findall(r"\bassistant\.(\w+)", example)):
        assert hasattr(mustanad.Assistant, method), method
    for field in set(re.findall(r"\banswer\.(\w+)", example)):
        assert field in Answer.__dataclass_fields__, field


def test_settings_example_is_valid():
    import tomllib

    values = tomllib.loads(re.search(r"```toml\n(.*?)```", README, re.DOTALL)[1])
    assert Settings.model_validate(values).names
