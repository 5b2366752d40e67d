"""One settings object: ``settings.toml`` in the data folder, overridden by MUSTANAD_* variables.

Nothing is read at import. An unknown key is an error that names the key and the known ones.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE_NAME = "settings.toml"


class SettingsError(ValueError):
    """A setting is unknown or has a value that cannot be used; the message says which."""


class Settings(BaseModel):
    """All that a user can set. Frozen: a change makes a new object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    embedder: str = Field("embeddinggemma-300m", description="catalogue name of the embedder")
    embedder_backend: Literal["auto", "openvino", "torch"] = Field(
        "auto", description="auto: CUDA or MPS where present, else OpenVINO INT8, else PyTorch"
    )
    language_model: str = Field(
        "qwen2.5-coder-1.5b-instruct",
        description="catalogue name, path of a GGUF file, URL of an OpenAI-compatible server, "
        "or none",
    )
    server_model: str = Field("", description="model name to ask a server for")
    server_api_key: str = Field("", description="key for a server, if it wants one")
    allow_remote_model: bool = Field(
        False, description="consent to send passages to a server that is not on this machine"
    )
    threads: int = Field(0, ge=0, description="CPU threads for the models; 0: all cores")
    context_tokens: int = Field(4096, ge=1024, description="context of the language model, tokens")
    gpu_layers: int = Field(0, ge=-1, description="layers of a GGUF on a GPU build; -1: all")
    evidence_sentences: int = Field(4, ge=1, le=8, description="sentences given to the model")
    answer_tokens: int = Field(160, ge=32, le=1024, description="longest answer, tokens")
    exact_search_passages: int = Field(
        100_000, ge=0, description="up to this many passages search is exact; above, through Chroma"
    )
    names: dict[str, str] = Field(
        default_factory=dict, description="your own names, English = Arabic, for English answers"
    )


def default_home() -> Path:
    """$MUSTANAD_HOME, else the platform's user data folder."""
    return Path(os.environ.get("MUSTANAD_HOME") or user_data_path("mustanad", appauthor=False))


def load_settings(home: Path) -> Settings:
    """Settings of a data folder. Raises SettingsError on an unknown key or a bad value."""
    path = home / FILE_NAME
    values: dict[str, object] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is not valid TOML: {error}. Mend or remove it.") from error
    for name, field in Settings.model_fields.items():
        variable = f"MUSTANAD_{name.upper()}"
        if variable in os.environ and field.annotation is not dict[str, str]:
            values[name] = os.environ[variable]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        )
        known = ", ".join(Settings.model_fields)
        raise SettingsError(f"{path}: {problems}. Known settings: {known}.") from error
