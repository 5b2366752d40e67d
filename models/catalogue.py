"""Which weights Mustanad knows: ``catalogue.toml``, read into frozen types.

The file is data: adding a model is an edit there, not here. It is checked strictly, since a slip
in it (a misspelt key, a path that leaves its folder, parts that do not add up) would otherwise
show only after a gigabyte has been fetched.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files as resource_files
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from models.protocols import EmbedderIdentity, ModelError

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
STRICT = ConfigDict(extra="forbid")


def is_inside(path: str) -> bool:
    """Whether a "/"-separated path names something inside the folder it is joined to."""
    pure = PurePosixPath(path)
    return not (
        not pure.parts or pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path
    )


@dataclass(frozen=True, config=STRICT)
class ModelFile:
    """One file of a model: its path inside the model's folder, size in bytes, SHA-256."""

    path: str
    size: int
    sha256: Sha256


@dataclass(frozen=True, config=STRICT)
class HubSource:
    """A repository of a model hub at a revision; file paths there are those of the model."""

    repo: str
    revision: str


@dataclass(frozen=True, config=STRICT)
class WheelPart:
    """A part of the weights: ``member`` (``size`` bytes unpacked) of a wheel with that hash."""

    wheel: str  # requirement, "NAME==VERSION"
    sha256: Sha256
    member: str
    size: int


@dataclass(frozen=True, config=STRICT)
class WheelSource:
    """Weights cut into parts of wheels; concatenated they are one file or one zip of files."""

    layout: Literal["file", "zip"]
    size: int  # bytes of the concatenated parts
    sha256: Sha256  # of the concatenated parts
    parts: tuple[WheelPart, ...]
    root: str = ""  # folder inside the zip which holds the files


@dataclass(frozen=True, config=STRICT)
class Embedding:
    """How an embedder wants to be asked. ``document_prompt`` has a {title} to fill in."""

    dimension: int
    max_tokens: int
    query_prompt: str
    document_prompt: str
    no_title: str  # what stands for {title} where there is none


@dataclass(frozen=True, config=STRICT)
class ModelSpec:
    """A model of the catalogue."""

    name: str
    kind: Literal["embedder", "language_model"]
    title: str
    default: bool  # fetched when no name is given
    licence: str
    licence_url: str
    terms: str  # to be shown before the weights are fetched
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]
    embedding: Embedding | None = None
    hub: HubSource | None = None
    wheels: WheelSource | None = None

    def __post_init__(self) -> None:
        if (self.kind == "embedder") != (self.embedding is not None):
            raise ValueError(f"{self.name}: an embedder, and only an embedder, has [embedding]")
        if self.kind == "language_model" and len(self.files) != 1:
            raise ValueError(f"{self.name}: a language model is one GGUF file")
        for path in [self.name, *(file.path for file in self.files)]:
            if not is_inside(path):
                raise ValueError(f"{self.name}: {path!r} would land outside the model's folder")
        if self.wheels and sum(part.size for part in self.wheels.parts) != self.wheels.size:
            raise ValueError(f"{self.name}: the wheels' parts do not add up to {self.wheels.size}")

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """Of the file itself where there is one, else a digest over all paths and hashes."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = sorted(f"{file.sha256}  {file.path}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def identity(self) -> EmbedderIdentity:
        """What an archive remembers of its embedder. Raises ModelError for another kind."""
        if self.embedding is None:
            raise ModelError(f"{self.name} is a {self.kind.replace('_', ' ')}, not an embedder.")
        return EmbedderIdentity(
            name=self.name,
            weights_sha256=self.sha256,
            query_prompt=self.embedding.query_prompt,
            document_prompt=self.embedding.document_prompt,
            dimension=self.embedding.dimension,
        )


def parse_catalogue(text: str) -> dict[str, ModelSpec]:
    """The models of a catalogue by name. Raises ModelError where anything in it is not right."""
    try:
        tables: dict[str, dict[str, Any]] = tomllib.loads(text)
        return TypeAdapter(dict[str, ModelSpec]).validate_python(
            {name: {"name": name, **table} for name, table in tables.items()}
        )
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelError(f"the catalogue of models cannot be used: {error}") from error


@cache
def load_catalogue() -> dict[str, ModelSpec]:
    """The models that come with Mustanad, by name, in the order of the file."""
    return parse_catalogue(
        resource_files("models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    )


def get_spec(name: str) -> ModelSpec:
    """The model of that name. Raises ModelError that lists the known names."""
    known = load_catalogue()
    if name not in known:
        raise ModelError(
            f"there is no model called {name!r} in the catalogue; known: {', '.join(known)}."
        )
    return known[name]


def default_names() -> list[str]:
    """Names of the models that Mustanad needs out of the box."""
    return [name for name, spec in load_catalogue().items() if spec.default]
