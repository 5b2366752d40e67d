"""Brings the tables of README.md in step with the code that they describe.

    .venv/bin/python scripts/readme.py [--check]

Between ``<!-- settings -->`` and ``<!-- /settings -->`` stands a row for each field of
``rag.settings.Settings``; between the ``commands`` marks, a row for each command. With ``--check``
nothing is written; the exit code is 1 if something would be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import typer.main  # noqa: E402

from mustanad.cli import app  # noqa: E402
from rag.settings import Settings  # noqa: E402


def settings_table() -> str:
    """Name, default and description of every setting."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default in ("", {}) else f"`{str(default).lower()}`"
        choices = [f"`{choice}`" for choice in get_args(field.annotation) if str(choice) == choice]
        meaning = f"{field.description}" + (f" ({', '.join(choices)})" if choices else "")
        rows.append(f"| `{name}` | {shown} | {meaning} |")
    return "\n".join(rows)


def _usage(command: Any) -> str:
    """Arguments and options of a command, in the order of its help."""
    words = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        metavar = parameter.metavar
        if parameter.param_type_name == "argument":
            word = f"{metavar}{'…' if parameter.nargs == -1 else ''}"
            words.append(word if parameter.required else f"[{word}]")
        elif parameter.is_flag:
            words.append(f"[{parameter.opts[0]}]")
        else:
            words.append(f"[{parameter.opts[0]} {metavar}]{'…' if parameter.multiple else ''}")
    return " ".join(words)


def _rows(group: Any, prefix: str = "") -> list[str]:
    rows = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            rows += _rows(command, f"{prefix}{name} ")
            continue
        usage = f"{prefix}{name} {_usage(command)}".strip().replace("|", "\\|")
        rows.append(f"| `{usage}` | {command.help.split(chr(10) * 2)[0].strip()} |")
    return rows


def commands_table() -> str:
    """Usage and first paragraph of the help of every command."""
    group = typer.main.get_command(app)
    return "\n".join(["| command | what it does |", "| --- | --- |", *_rows(group)])


def updated(text: str) -> str:
    """README's text with both tables as they should be. ValueError if a mark is missing."""
    for mark, table in (("settings", settings_table()), ("commands", commands_table())):
        pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"README.md has no <!-- {mark} --> … <!-- /{mark} -->")
        text = pattern.sub(lambda m, table=table: f"{m[1]}{table}\n{m[2]}", text)
    return text


def main() -> int:
    """Update README.md, or with --check say whether that is needed."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    wanted = updated(text)
    if text == wanted:
        return 0
    if "--check" in sys.argv[1:]:
        print("README.md is out of step; run: .venv/bin/python scripts/readme.py", file=sys.stderr)
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
