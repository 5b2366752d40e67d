"""Open an embedder in the fastest way that this machine has."""

from __future__ import annotations

import importlib.util
import logging
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from models.protocols import Embedder, EmbedderIdentity, ModelError

log = logging.getLogger(__name__)

BACKENDS = ("auto", "openvino", "torch")


def open_embedder(
    folder: Path,
    spec_identity: EmbedderIdentity,
    *,
    backend: str = "auto",
    threads: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Embedder:
    """The embedder whose verified weights lie in ``folder``; nothing is ever downloaded.

    ``backend``: "torch" is plain sentence-transformers (CUDA or MPS where present), "openvino"
    INT8 on the CPU, and "auto" a GPU through PyTorch where there is one, else OpenVINO, else
    PyTorch with a warning that says why. ``threads``: CPU threads, 0 for all cores. ``progress``
    is told (stage, fraction done) while the weights are converted, the first time only.

    Raises ModelError for an unknown backend or weights that cannot be loaded or converted.
    """
    if backend not in BACKENDS:
        raise ModelError(f"Unknown embedder backend {backend!r}; known: {', '.join(BACKENDS)}.")
    lack = missing_ability() if backend != "torch" else None
    if backend == "openvino" and lack:
        raise ModelError(f'OpenVINO cannot be used: {lack}. Set embedder_backend = "torch".')
    device = accelerator() if backend != "openvino" else None
    if backend == "torch" or device or lack:
        from models.torch_embedder import TorchEmbedder

        if lack and not device:
            log.warning("embedding through PyTorch, about four times slower: %s", lack)
        return TorchEmbedder(folder, spec_identity, device or "cpu", threads)
    from models.openvino_embedder import open_openvino

    return open_openvino(folder, spec_identity, threads, progress)


def missing_ability() -> str | None:
    """What is lacking for the accelerated CPU path, in words; None where nothing is."""
    missing = [name for name in ("openvino", "nncf") if importlib.util.find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    import openvino

    abilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "INT8" not in abilities:
        return f"the processor has no fast 8-bit arithmetic (it has {', '.join(abilities)})"
    return None


def accelerator() -> str | None:
    """The GPU that PyTorch can use, "cuda" or "mps", or None.

    PyTorch takes seconds to import, so it is asked only on machines that may have one.
    """
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    nvidia = Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None
    if not (apple or nvidia):
        return None
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None
