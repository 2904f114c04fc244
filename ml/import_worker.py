"""The child process that takes a foreign model apart: `python -m ml.import_worker`.

Takes one JSON object on stdin (path, folder, size, scale, resize, threads), under limits on memory,
time and files. Leaves weights.safetensors, model.tflite and answer.json in the folder, and says
nothing; otherwise prints a Failed event.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.child import import_tensorflow
from ml.convert import check_parity, run_litert, to_litert
from ml.errand import serve
from ml.foreign import ForeignSpec, Scale, build_foreign, scaled_within
from ml.model_files import ModelFile, read_card, read_model_file
from ml.pixels import InputSpec
from ml.weights import to_bytes
from storage.errors import DatasetError, PixshelfError, RefusedInput

if TYPE_CHECKING:
    import keras

MEMORY, MEMORY_PER_CPU = 16 << 30, 256 << 20
"""Bytes of address space, of which TensorFlow and its threads alone take some gigabytes."""

CPU_SECONDS = 1_800
FILE_BYTES = 4 << 30

_PIXELS = 1 << 22
_AT_ONCE = 16
_PICTURES = 256


def take_apart(request: dict[str, Any]) -> None:
    """Read the file and leave what a stored model needs. Raises RefusedInput."""
    _limit()
    # A driver maps more address space than the limit; a few pictures need no accelerator.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    folder = Path(request["folder"])
    asked = request["size"]
    found = read_model_file(
        Path(request["path"]), folder, size=None if asked is None else (asked[0], asked[1])
    )
    labels, card_input = read_card(found.card)
    spec = _spec(found, request["scale"], request["resize"], card_input)
    import_tensorflow()
    from ml.trainer import prepare_tensorflow

    prepare_tensorflow(request["threads"])
    model = build_foreign(spec, found.weights)
    litert = to_litert(model)
    _compare(spec, model, litert)
    (folder / "weights.safetensors").write_bytes(to_bytes(found.weights))
    (folder / "model.tflite").write_bytes(litert)
    answer = {
        "spec": spec.to_json(),
        "classes": spec.classes,
        "parameters": spec.graph.parameters,
        "labels": labels,
    }
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _spec(found: ModelFile, scale: Scale | None, resize: str | None, card: Any) -> ForeignSpec:
    """What the file leaves open is taken from its card, then from what is usual."""
    height, width, channels = found.graph.input
    body = {"height": height, "width": width, "channels": channels, "resize": "letterbox"}
    if isinstance(card, dict) and card.get("resize") is not None:
        body["resize"] = card["resize"]
    if resize is not None:
        body["resize"] = resize
    try:
        given = InputSpec.from_json(body)
    except DatasetError as error:
        raise RefusedInput(error.message) from error
    if scale is None:
        bytes_wanted = found.dtype.startswith(("uint", "int")) or scaled_within(found.graph)
        scale = "0..255" if bytes_wanted else "0..1"
    return ForeignSpec(given, scale, found.graph)


def _compare(spec: ForeignSpec, model: keras.Model, litert: bytes) -> None:
    """Raises RefusedInput unless LiteRT answers as Keras does, on pictures of random pixels."""
    import numpy as np

    count = max(_AT_ONCE, min(_PICTURES, _PIXELS // (spec.input.height * spec.input.width)))
    images = np.random.default_rng(0).integers(0, 256, (count, *spec.input.shape), np.uint8)
    parts = [images[at : at + _AT_ONCE] for at in range(0, count, _AT_ONCE)]
    keras_says = np.concatenate([model(part, training=False).numpy() for part in parts])
    litert_says = np.concatenate([run_litert(litert, part, None) for part in parts])
    try:
        check_parity(keras_says, litert_says)
    except PixshelfError as error:
        raise RefusedInput(
            error.message, hint="LiteRT, which predicts here, cannot run this network exactly"
        ) from error


def _limit() -> None:
    """Bound what this process may take, whatever the file makes of the libraries that read it."""
    wanted = [(resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_FSIZE, FILE_BYTES)]
    if sys.platform == "linux":  # other systems count address space in their own ways
        wanted.append((resource.RLIMIT_AS, MEMORY + MEMORY_PER_CPU * (os.cpu_count() or 1)))
    for which, most in [*wanted, (resource.RLIMIT_CORE, 0)]:
        hard = resource.getrlimit(which)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (bound, hard))


if __name__ == "__main__":
    sys.exit(serve(take_apart))
