"""Turn a sentence-transformers folder into an OpenVINO model with INT8 weights, once, and keep it.

The conversion needs PyTorch, about 3 GiB of memory and about a minute, so it runs in a process of
its own; the process that embeds never imports PyTorch. The result lies beside the weights, in
``NAME.converted/KEY``, where KEY changes with the weights and with whatever made the conversion;
a folder of that name is complete, since it is renamed into place at the end.

What is kept: ``model.xml`` and ``model.bin`` (token ids and mask to token vectors of the last
layer, and to those of a middle one) and ``dense.npy``, (768, 768) float32, the product of the dense
layers that follow the pooling; they have no bias and no activation, so one matrix does the work of
both.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_path

from models.embedding_inputs import STATES_AFTER
from models.protocols import EmbedderIdentity, ModelError

FORMAT = "2"  # raise it when a conversion made by older code must not be used any more
STAGE = "preparing the embedder for this processor (once)"
NEEDED_BYTES = 400 * 2**20  # the result is about 310 MB

Progress = Callable[[str, float], None]


def conversion_key(identity: EmbedderIdentity) -> str:
    """A short digest of the weights and of everything that shapes their conversion."""
    parts = [FORMAT, identity.weights_sha256, platform.machine()]
    for package in ("openvino", "nncf", "torch", "transformers"):
        parts.append(f"{package} {importlib.metadata.version(package)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def conversions_folder(folder: Path) -> Path:
    """Where conversions of the weights in ``folder`` are kept: beside it, or in the user's cache
    where that cannot be written to."""
    beside = folder.with_name(f"{folder.name}.converted")
    if os.access(beside if beside.exists() else folder.parent, os.W_OK):
        return beside
    return user_cache_path("mustanad", appauthor=False) / "converted" / folder.name


def converted(folder: Path, identity: EmbedderIdentity, progress: Progress | None = None) -> Path:
    """The folder of the converted model; converts first where that was not done yet.

    Several processes may call this at once: one converts, the others wait. Raises ModelError
    where the conversion fails or the disk is too full for it.
    """
    home = conversions_folder(folder)
    target = home / conversion_key(identity)
    if target.is_dir():
        return target
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".lock"):
        if not target.is_dir():
            free = shutil.disk_usage(home).free
            if free < NEEDED_BYTES:
                raise ModelError(
                    f"Converting the embedder needs {NEEDED_BYTES >> 20} MiB in {home}, "
                    f"{free >> 20} MiB are free. Make room, or point MUSTANAD_MODELS elsewhere."
                )
            _clear(home)
            with tempfile.TemporaryDirectory(dir=home, prefix=".partial-") as work:
                result = Path(work) / target.name
                _run(folder, result, progress or (lambda stage, fraction: None))
                os.replace(result, target)
    return target


def _clear(home: Path) -> None:
    """Remove conversions by other versions and what an interrupted one left behind."""
    for entry in home.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


def _run(folder: Path, result: Path, progress: Progress) -> None:
    """Convert in a child process, which reports a fraction a line on its standard output."""
    room = str(Path(__file__).resolve().parent.parent)
    paths = [room, *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-P", "-m", "models.openvino_conversion", str(folder), str(result)]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as noise:
        with subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=noise,
            text=True,
        ) as child:
            assert child.stdout is not None
            try:
                for line in child.stdout:
                    progress(STAGE, float(line))
            except BaseException:  # interrupted: do not leave it running
                child.kill()
                raise
        if child.returncode:
            noise.seek(0)
            last = (noise.read().strip().splitlines() or ["no message"])[-1]
            killed = " (killed: probably out of memory, about 3 GiB are needed)"
            raise ModelError(
                f"Converting the embedder in {folder} failed with code {child.returncode}"
                f"{killed if child.returncode == -9 else ''}: {last}. "
                "Try again, or run it unconverted: MUSTANAD_EMBEDDER_BACKEND=torch (slower)."
            )


def fused_dense(folder: Path) -> np.ndarray:
    """The layers after the pooling as one (in, out) float32 matrix, from ``modules.json``.

    Raises ModelError for a model with other layers than mean pooling, dense layers without bias
    or activation, and normalisation: it would not give the same vectors.
    """
    from safetensors.numpy import load_file

    matrix: np.ndarray | None = None
    for module in json.loads((folder / "modules.json").read_text(encoding="utf-8"))[1:]:
        kind = module["type"].rsplit(".", 1)[-1]
        settings_file = folder / module["path"] / "config.json"
        settings = json.loads(settings_file.read_text("utf-8")) if settings_file.exists() else {}
        if kind == "Pooling":
            modes = [k for k, v in settings.items() if k.startswith("pooling_mode_") and v is True]
            fits = modes == ["pooling_mode_mean_tokens"] and settings.get("include_prompt", True)
        elif kind == "Dense":
            fits = not settings["bias"] and settings["activation_function"].endswith("Identity")
            weight = load_file(folder / module["path"] / "model.safetensors")["linear.weight"].T
            matrix = weight if matrix is None else matrix @ weight
        else:
            fits = kind == "Normalize"
        if not fits:
            raise ModelError(
                f"{folder} has a {kind} layer that the accelerated path does not know: {settings}. "
                "Run it with MUSTANAD_EMBEDDER_BACKEND=torch."
            )
    if matrix is None:
        raise ModelError(f"{folder} has no dense layers; expected an EmbeddingGemma folder.")
    return np.ascontiguousarray(matrix, dtype=np.float32)


def convert(folder: Path, result: Path, report: Callable[[float], None]) -> None:
    """Write the converted model of ``folder`` into the new folder ``result``."""
    dense = fused_dense(folder)
    import nncf
    import openvino
    import torch
    from transformers import AutoModel

    class Layers(torch.nn.Module):
        """(batch, tokens) int64 ids and mask to the last layer's states and the middle one's,
        (batch, tokens, width) float32 each."""

        def __init__(self, transformer: torch.nn.Module) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            found = self.transformer(
                input_ids=input_ids,
                attention_mask=attention_mask,
                use_cache=False,
                output_hidden_states=True,
            )
            return found.last_hidden_state, found.hidden_states[STATES_AFTER]

    report(0.05)
    transformer = AutoModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, attn_implementation="sdpa"
    )
    report(0.1)
    ids = torch.arange(10, 31).reshape(3, 7)  # an example; only its being two-dimensional counts
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    sizes = {
        0: torch.export.Dim("batch", min=1, max=4096),
        1: torch.export.Dim("tokens", min=2, max=transformer.config.max_position_embeddings),
    }
    with torch.no_grad():
        program = torch.export.export(
            Layers(transformer).eval(), (ids, mask), dynamic_shapes=(sizes, sizes), strict=False
        )
        report(0.3)
        model = openvino.convert_model(program)
    report(0.75)
    model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    report(0.95)
    result.mkdir()
    openvino.save_model(model, result / "model.xml", compress_to_fp16=False)
    np.save(result / "dense.npy", dense)
    report(1.0)


def main() -> None:
    """``python -m models.openvino_conversion FOLDER RESULT``: the child of ``converted``."""
    reports = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # the libraries print progress bars, which must not mix with the reports
    folder, result = map(Path, sys.argv[1:])
    convert(folder, result, lambda fraction: print(fraction, file=reports, flush=True))


if __name__ == "__main__":
    main()
