"""Opening a language model by its location: what is refused, and with what words."""

from __future__ import annotations

import hashlib
import os
from types import SimpleNamespace

import pytest

from models.language_model import open_language_model
from models.protocols import ModelError
from models.weights import weights_sha256


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("models.language_model.user_cache_path", lambda *_, **__: tmp_path / "c")


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "some-model.gguf"
    path.write_bytes(b"GGUF and then nothing that a model needs")
    return path


def test_a_missing_file_is_named_with_the_choices(tmp_path):
    with pytest.raises(ModelError, match="does not exist.*catalogue name") as caught:
        open_language_model(str(tmp_path / "no.gguf"))
    assert str(tmp_path / "no.gguf") in str(caught.value)


def test_a_folder_is_not_a_model(tmp_path):
    with pytest.raises(ModelError, match="is a folder"):
        open_language_model(str(tmp_path))


def test_another_kind_of_file_is_refused_by_its_first_bytes(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(ModelError, match="not a GGUF file: it begins with"):
        open_language_model(str(path))


def test_too_little_memory_is_said_with_both_numbers(gguf, monkeypatch):
    free = SimpleNamespace(available=2**29)
    monkeypatch.setattr("models.weights.psutil.virtual_memory", lambda: free)
    with pytest.raises(ModelError, match="needs about 0.6 GiB of memory and 0.5 GiB are free"):
        open_language_model(str(gguf))


def test_opening_loads_nothing_and_names_the_weights(gguf):
    model = open_language_model(str(gguf), context_tokens=2048)
    assert model.name == "some-model"
    assert model.identity == hashlib.sha256(gguf.read_bytes()).hexdigest()
    assert model.context_tokens == 2048
    assert model.queued() == 0
    model.close()


def test_a_damaged_gguf_is_an_error_and_not_a_crash(gguf):
    model = open_language_model(str(gguf))
    with pytest.raises(ModelError, match=r"cannot load .*some-model\.gguf.*Fetch the file again"):
        model.load()
    model.close()


def test_the_hash_is_remembered_until_the_file_changes(gguf, tmp_path):
    memory = tmp_path / "memory" / "weights.json"
    first = weights_sha256(gguf, memory)
    memory.write_text(memory.read_text().replace(first, "f" * 64))
    assert weights_sha256(gguf, memory) == "f" * 64  # from memory, then
    gguf.write_bytes(b"GGUF changed")
    assert weights_sha256(gguf, memory) == hashlib.sha256(b"GGUF changed").hexdigest()
    os.utime(gguf, (1, 1))
    assert weights_sha256(gguf, memory) == hashlib.sha256(b"GGUF changed").hexdigest()


@pytest.mark.parametrize("content", ["", "[1]", "{no json", "null"])
def test_a_damaged_memory_of_hashes_is_done_without(gguf, tmp_path, content):
    memory = tmp_path / "weights.json"
    memory.write_text(content)
    assert weights_sha256(gguf, memory) == hashlib.sha256(gguf.read_bytes()).hexdigest()
