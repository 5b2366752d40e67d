"""Changing single settings in ``settings.toml``, leaving the rest of the file as it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rag.settings import FILE_NAME, Settings, load_settings


def change_settings(home: Path, changes: Mapping[str, str | int]) -> Settings:
    """Write ``changes`` into the settings of ``home`` and return what is in force then.

    Comments and other keys stay. Raises SettingsError, and leaves the file alone, if the result
    would not be valid.
    """
    path = home / FILE_NAME
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    # Tried in a folder of its own first: the page must not write a file that it cannot read.
    with tempfile.TemporaryDirectory() as trial:
        after = changed(before, changes)
        (Path(trial) / FILE_NAME).write_text(after, encoding="utf-8")
        load_settings(Path(trial))
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(after, encoding="utf-8")
    os.replace(partial, path)
    return load_settings(home)


def changed(toml: str, changes: Mapping[str, str | int]) -> str:
    """``toml`` with top-level keys set: in the line that they have, else above any table."""
    lines = toml.splitlines()
    end = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    top, tables = lines[:end], lines[end:]
    for key, value in changes.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
        places = [i for i, old in enumerate(top) if pattern.match(old)]
        if places:
            top[places[0]] = line
        else:
            top.append(line)
    return "\n".join([*top, *tables]) + "\n"
