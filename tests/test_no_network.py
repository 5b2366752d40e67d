"""With the weights in place, nothing leaves the machine: conversion, ingest, questions, page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.catalogue import default_names, get_spec
from models.fetch import model_folder, models_dir
from models.integrity import STAMP

EXAMPLES = Path(__file__).parent.parent / "examples" / "articles"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("weights")]


@pytest.fixture
def unconverted(tmp_path) -> Path:
    """A models folder with the verified weights (linked) and nothing made from them yet."""
    folder = tmp_path / "models"
    for spec in map(get_spec, default_names()):
        for path in [file.path for file in spec.files]:
            link = folder / spec.name / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(model_folder(spec) / path)
        shutil.copy(model_folder(spec) / STAMP, folder / spec.name / STAMP)
    return folder


def test_nothing_leaves_the_machine_from_conversion_to_answer(offline, unconverted, tmp_path):
    code = f"""
import json
from mustanad import Assistant
with Assistant.open({str(tmp_path / "home")!r}) as assistant:
    stages = []
    assistant.warm_up(progress=lambda stage, fraction: stages.append(stage))
    report = assistant.ingest([{str(EXAMPLES)!r}])
    asked = [
        assistant.ask("كم سريرا في مستشفى البلدة الجديد؟"),
        assistant.ask("Which contractor is building the east quay?"),
    ]
    print(json.dumps([len(stages), report.added, [bool(a.text) for a in asked]]))
"""
    written, attempts = offline(code, seconds=800, MUSTANAD_MODELS=str(unconverted))
    assert attempts == ""
    assert written.strip().endswith("30, [true, true]]")


def test_nothing_leaves_the_machine_when_the_page_is_served(offline, tmp_path):
    """A page over an archive whose models are not needed yet: what serving itself does."""
    code = f"""
import os, re, signal, threading, time, urllib.request
from pathlib import Path
from rag.settings import Settings
from ui import serve
lines, pages = [], []

def visit():
    while not (found := re.search(r"http://\\S+", " ".join(lines))):
        time.sleep(0.1)
    for _ in range(100):
        try:
            pages.append(urllib.request.urlopen(found.group()).read())
            break
        except OSError:
            time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=visit, daemon=True).start()
try:
    serve(Path({str(tmp_path / "home")!r}), Settings(language_model="none"), port=0,
          announce=lines.append)
except KeyboardInterrupt:
    pass
assert b"<html" in pages[0].lower()
"""
    _, attempts = offline(code, seconds=300, MUSTANAD_MODELS=str(models_dir()))
    assert attempts == ""
