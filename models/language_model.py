"""One way to get a language model, wherever it is: a GGUF file or a server."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path

from models.protocols import LLAMA_CPP, LanguageModel
from models.weights import check_gguf, check_memory, weights_sha256
from models.worker import WorkerLanguageModel


def open_language_model(
    location: str,
    *,
    threads: int = 0,
    context_tokens: int = 4096,
    gpu_layers: int = 0,
    server_model: str = "",
    server_api_key: str = "",
    allow_remote: bool = False,
) -> LanguageModel:
    """The model at ``location``: the path of a GGUF file or the URL of an OpenAI-compatible server.

    A GGUF is loaded by the first call (or by ``load()``). Raises ModelError where the file is
    missing, not a GGUF or too big for the free memory, and where a server is not on this machine
    and ``allow_remote`` is false.
    """
    if "://" in location:
        from models.server import ServerLanguageModel  # a local model needs no HTTP client

        return ServerLanguageModel(
            location,
            model=server_model,
            api_key=server_api_key,
            context_tokens=context_tokens,
            allow_remote=allow_remote,
        )
    path = Path(location).expanduser().absolute()
    check_gguf(path)
    check_memory(path)
    cache = user_cache_path("mustanad", appauthor=False)
    identity = weights_sha256(path, cache / "weights.json")
    return WorkerLanguageModel(
        "models.language_model:load_engine",
        {
            "path": str(path),
            "identity": identity,
            "threads": threads,
            "context_tokens": context_tokens,
            "gpu_layers": gpu_layers,
            "state_folder": str(cache / "prompt-states"),
        },
        name=path.stem,
        identity=identity,
        capabilities=LLAMA_CPP,
        context_tokens=context_tokens,
    )


def load_engine(
    path: str,
    identity: str,
    threads: int,
    context_tokens: int,
    gpu_layers: int,
    state_folder: str,
) -> LanguageModel:
    """The engine itself; runs in the worker's process. Raises ModelError."""
    from models.llama import LlamaEngine  # loads native code, so not in the parent

    return LlamaEngine(
        Path(path),
        identity=identity,
        threads=threads,
        context_tokens=context_tokens,
        gpu_layers=gpu_layers,
        state_folder=Path(state_folder),
    )
