"""Keeping conversions: keys, folders, one at a time, nothing half done; one real one offline."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from models import openvino_conversion as conversion
from models.protocols import EmbedderIdentity, ModelError

IDENTITY = EmbedderIdentity("toy", "0" * 64, "query: ", "title: {title} | text: ", 4)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder where weights would lie."""
    weights = tmp_path / "models" / "toy"
    weights.mkdir(parents=True)
    return weights


@pytest.fixture
def runs(monkeypatch) -> list[Path]:
    """Replaces the converting process by one that writes a file; lists what it was asked for."""
    asked: list[Path] = []

    def run(source: Path, result: Path, progress: conversion.Progress) -> None:
        asked.append(result)
        progress(conversion.STAGE, 0.5)
        result.mkdir()
        (result / "model.xml").write_text("converted", encoding="utf-8")

    monkeypatch.setattr(conversion, "_run", run)
    return asked


def test_the_key_follows_the_weights_and_the_versions(monkeypatch):
    key = conversion.conversion_key(IDENTITY)
    assert key == conversion.conversion_key(replace(IDENTITY, query_prompt="other"))
    assert key != conversion.conversion_key(replace(IDENTITY, weights_sha256="1" * 64))
    monkeypatch.setattr(conversion.importlib.metadata, "version", lambda package: "0.0")
    assert key != conversion.conversion_key(IDENTITY)


def test_converted_once_and_kept_beside_the_weights(folder, runs):
    heard = []
    first = conversion.converted(folder, IDENTITY, lambda *report: heard.append(report))
    assert first.parent == folder.parent / "toy.converted"
    assert (first / "model.xml").read_text(encoding="utf-8") == "converted"
    assert heard == [(conversion.STAGE, 0.5)]
    assert conversion.converted(folder, IDENTITY) == first
    assert len(runs) == 1


def test_processes_at_once_convert_once(folder, runs):
    threads = [
        threading.Thread(target=conversion.converted, args=(folder, IDENTITY)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1


def test_another_version_replaces_the_old_conversion(folder, runs, monkeypatch):
    old = conversion.converted(folder, IDENTITY)
    monkeypatch.setattr(conversion, "FORMAT", "another")
    new = conversion.converted(folder, IDENTITY)
    assert new != old and new.is_dir() and not old.exists()


def test_a_failed_conversion_leaves_nothing_that_could_be_used(folder, monkeypatch):
    def fail(source, result, progress):
        result.mkdir()
        (result / "model.xml").write_text("half", encoding="utf-8")
        raise ModelError("out of memory")

    monkeypatch.setattr(conversion, "_run", fail)
    with pytest.raises(ModelError, match="out of memory"):
        conversion.converted(folder, IDENTITY)
    assert [entry.name for entry in (folder.parent / "toy.converted").iterdir()] == [".lock"]


def test_a_full_disk_is_said_before_time_is_spent(folder, runs, monkeypatch):
    usage = conversion.shutil.disk_usage(folder)
    monkeypatch.setattr(conversion.shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(ModelError, match="needs 400 MiB in .* 1 MiB are free"):
        conversion.converted(folder, IDENTITY)
    assert not runs


def test_read_only_models_are_converted_in_the_users_cache(folder, runs, monkeypatch, tmp_path):
    monkeypatch.setattr(conversion, "user_cache_path", lambda *a, **k: tmp_path / "cache")
    real = os.access
    monkeypatch.setattr(
        conversion.os, "access", lambda path, mode: path != folder.parent and real(path, mode)
    )
    result = conversion.converted(folder, IDENTITY)
    assert result.parent == tmp_path / "cache" / "converted" / "toy"


def test_the_child_s_failure_is_told_with_the_remedy(folder):
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match=r"failed with code 1.*no dense layers.*BACKEND=torch"):
        conversion.converted(folder, IDENTITY)


def write_layers(folder: Path, pooling: dict, first: np.ndarray, second: np.ndarray) -> None:
    """A folder with a pooling layer and two dense ones, as sentence-transformers keeps them."""
    names = ["Transformer", "Pooling", "Dense", "Dense", "Normalize"]
    modules = [
        {"path": str(i), "type": f"sentence_transformers.models.{n}"} for i, n in enumerate(names)
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    for i, settings in (
        (1, pooling),
        (2, {"bias": False, "activation_function": "torch.nn.modules.linear.Identity"}),
        (3, {"bias": False, "activation_function": "torch.nn.modules.linear.Identity"}),
    ):
        (folder / str(i)).mkdir()
        (folder / str(i) / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    save_file({"linear.weight": first}, folder / "2" / "model.safetensors")
    save_file({"linear.weight": second}, folder / "3" / "model.safetensors")


MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}


def test_dense_layers_become_one_matrix(folder):
    generator = np.random.default_rng(0)
    first = generator.standard_normal((6, 3), dtype=np.float32)
    second = generator.standard_normal((4, 6), dtype=np.float32)
    write_layers(folder, MEAN, first, second)
    pooled = generator.standard_normal(3, dtype=np.float32)
    assert np.allclose(
        pooled @ conversion.fused_dense(folder), second @ (first @ pooled), atol=1e-5
    )


def test_layers_that_would_change_the_vectors_are_refused(folder):
    square = np.eye(3, dtype=np.float32)
    write_layers(folder, {"pooling_mode_cls_token": True}, square, square)
    with pytest.raises(ModelError, match="Pooling layer"):
        conversion.fused_dense(folder)
    settings = {"bias": True, "activation_function": "torch.nn.modules.linear.Identity"}
    (folder / "1" / "config.json").write_text(json.dumps(MEAN), encoding="utf-8")
    (folder / "3" / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ModelError, match="Dense layer"):
        conversion.fused_dense(folder)


CONVERT_AND_EMBED = """
import pathlib, sys
from models.catalogue import get_spec
from models.embedder import open_embedder

heard = []
embedder = open_embedder(
    pathlib.Path({folder!r}),
    get_spec("embeddinggemma-300m").identity,
    backend="openvino",
    progress=lambda stage, fraction: heard.append(fraction),
)
assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 3, heard
vector = embedder.embed_query("question")
assert vector.shape == (768,) and abs(float((vector ** 2).sum()) - 1) < 1e-5
print("torch" in sys.modules, "transformers" in sys.modules)
"""


@pytest.mark.slow
def test_a_first_start_converts_without_a_network_and_without_pytorch_here(
    weights, offline, tmp_path
):
    linked = tmp_path / "models" / "embeddinggemma-300m"
    linked.parent.mkdir()
    linked.symlink_to(weights["embedder"], target_is_directory=True)
    printed, attempts = offline(CONVERT_AND_EMBED.format(folder=str(linked)))
    assert printed.split() == ["False", "False"]
    assert attempts == ""
