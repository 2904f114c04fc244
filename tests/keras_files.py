"""Keras files for tests, written without Keras: a network of one dense layer, and what a stranger
might make of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

PARTS = ("config.json", "metadata.json", "model.weights.h5")
KERNEL = np.linspace(-1, 1, 32, dtype=np.float32).reshape(16, 2)
BIAS = np.array([0.5, -0.5], np.float32)

Change = Callable[[h5py.File], None]


def layer(kind: str, name: str, *, module: str | None = "keras.layers", **config: Any) -> Any:
    """A layer as Keras 3 serialises one."""
    body = {"class_name": kind, "config": {"name": name, **config}, "registered_name": None}
    return body if module is None else {"module": module, **body}


def picture(*shape: int | None, dtype: str = "float32") -> Any:
    """The layer that says what a network takes; 4 x 4 grey if no shape is given."""
    return layer("InputLayer", "image", batch_shape=[None, *(shape or (4, 4, 1))], dtype=dtype)


def dense(**changes: Any) -> Any:
    return layer("Dense", "dense", **({"units": 2, "activation": "softmax"} | changes))


def in_line(*layers: Any) -> Any:
    """A Sequential."""
    return layer("Sequential", "line", module="keras", layers=list(layers))


PLAIN = in_line(picture(), layer("Flatten", "flatten"), dense())


def write_keras(
    path: Path,
    config: Any = PLAIN,
    *,
    kernel: Any = KERNEL,
    bias: Any = BIAS,
    change: Change | None = None,
    parts: Mapping[str, bytes] | None = None,
) -> Path:
    """A .keras file of the config, whose dense layer has these weights. `change` gets its HDF5
    before it is packed; `parts` are put into the zip beside or in place of its own."""
    weights = path.with_suffix(".inner")
    with h5py.File(weights, "w") as file:
        values = file.create_group("layers/dense/vars")
        values["0"], values["1"] = kernel, bias
        if change is not None:
            change(file)
    files = dict(
        zip(PARTS, (json.dumps(config).encode(), b"{}", weights.read_bytes()), strict=True)
    )
    weights.unlink()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (files | dict(parts or {})).items():
            archive.writestr(name, data)
    return path


def write_h5(path: Path, config: Any = PLAIN, *, change: Change | None = None) -> Path:
    """A .h5 file of the config, as Keras has always written them."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights/dense")
        group["line/dense/kernel"], group["line/dense/bias"] = KERNEL, BIAS
        group.attrs["weight_names"] = ["line/dense/kernel", "line/dense/bias"]
        if change is not None:
            change(file)
    return path
