"""Models in the forms that other programs read: LiteRT, and Keras' own files.

`to_litert` and `check_parity` run in a training's child process. `export_model` runs anywhere: it
never imports TensorFlow, and has `ml.export_worker` make the Keras forms.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.child import environment
from ml.events import Failed, decode, to_error
from storage.errors import PixshelfError, StorageFull, UsageError
from storage.repository import Repository

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

ENDINGS = (".tflite", ".keras", ".h5")
"""What a model can be exported as."""

TOLERANCE = 1e-3
"""The most that a probability may differ between Keras and LiteRT."""

PARITY_IMAGES = 256
"""How many images the two are compared on."""

_TIE = 1e-5
"""Two labels closer than this are a tie, which rounding may break either way."""

_EXPORT_SECONDS = 600

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def to_litert(classifier: keras.Model) -> bytes:
    """The model as LiteRT bytes: uint8 [N, H, W, C] in, float32 [N, classes] out, N free.

    Uses LiteRT's own operations alone, so that no Flex delegate is needed.
    """
    import tensorflow as tf

    shape = [None, *classifier.input_shape[1:]]
    serve = tf.function(
        lambda image: classifier(image, training=False),
        input_signature=[tf.TensorSpec(shape, tf.uint8, name="image")],
        jit_compile=False,
    )
    # Named without the model that holds the variables, the function is frozen: its weights become
    # constants. With it, they would be left behind as variables that nobody sets.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return bytes(converter.convert())


def run_litert(
    litert: bytes, images: NDArray[np.uint8], threads: int | None
) -> NDArray[np.float32]:
    """What LiteRT's own runtime answers."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=litert, num_threads=threads or os.cpu_count() or 1)
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, images)
    interpreter.invoke()
    answer: NDArray[np.float32] = interpreter.get_tensor(
        interpreter.get_output_details()[0]["index"]
    )
    return answer


def check_parity(keras_says: NDArray[Any], litert_says: NDArray[Any]) -> float:
    """The greatest difference between two sets of probabilities [N, classes].

    Raises PixshelfError if it is above TOLERANCE, or if a label differs that was no tie.
    """
    import numpy as np

    if keras_says.shape != litert_says.shape or not np.isfinite(litert_says).all():
        raise _unequal("it does not answer with one probability for each label")
    difference = float(np.abs(keras_says - litert_says).max(initial=0.0))
    if difference > TOLERANCE:
        raise _unequal(f"its probabilities differ by up to {difference:.2g}")
    rows = np.arange(len(keras_says))
    ahead = keras_says.max(axis=1) - keras_says[rows, litert_says.argmax(axis=1)]
    flipped = int((ahead > _TIE).sum())
    if flipped:
        raise _unequal(f"it gives {flipped} of {len(rows)} images another label")
    return difference


def export_model(repo: Repository, model: int, target: Path, *, threads: int | None = None) -> Path:
    """Write a stored model as `.tflite`, `.keras` or `.h5`, by the ending of `target`.

    The file takes uint8 pictures [N, H, W, C] and gives float32 probabilities [N, labels]. It is
    written under a temporary name and put in place whole; an existing file is replaced. The Keras
    forms are made in a child process. Raises UsageError for another ending, NotFound for an
    unknown model, PixshelfError if it cannot be written.
    """
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"{target}: a model cannot be written as {ending or 'a file without an ending'}",
            hint=f"endings: {', '.join(ENDINGS)}",
        )
    record = repo.models.get(model)
    try:
        with tempfile.TemporaryDirectory(prefix=".pixshelf-", dir=target.parent) as folder:
            made = Path(folder) / f"model{ending}"
            if ending == ".tflite":
                made.write_bytes(repo.models.litert(model))
            else:
                weights = Path(folder) / "weights.safetensors"
                weights.write_bytes(repo.models.weights(model))
                _make_keras_file(
                    {
                        "spec": dict(record.spec),
                        "temperature": record.temperature,
                        "weights": str(weights),
                        "target": str(made),
                        "threads": threads,
                    }
                )
            _to_disk(made)
            made.replace(target)
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else PixshelfError
        raise kind(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _make_keras_file(request: dict[str, Any]) -> None:
    command = [sys.executable, "-P", "-m", "ml.export_worker"]
    try:
        child = subprocess.run(
            command,
            input=json.dumps(request).encode(),
            capture_output=True,
            env=environment(),
            timeout=_EXPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PixshelfError(f"the export took more than {_EXPORT_SECONDS} seconds") from error
    if child.returncode == 0:
        return
    last = child.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
    said = child.stdout.splitlines()
    if not said:
        raise PixshelfError(f"the export failed: {' / '.join(last) or 'without a word'}")
    event = decode(said[-1])
    if not isinstance(event, Failed):
        raise PixshelfError("the export failed, and said something else")
    raise to_error(event)


def _to_disk(path: Path) -> None:
    """Make the file durable before it takes another's place."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _unequal(how: str) -> PixshelfError:
    return PixshelfError(
        f"the model was converted to LiteRT, but does not answer as it did in Keras: {how}",
        hint="train again with another --seed; if it stays, another version of TensorFlow",
    )
