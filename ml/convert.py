"""Models in the forms that other programs read: LiteRT, Keras' own files, SavedModel and ONNX.

`to_litert` and `check_parity` run in a training's child process. `export_model` runs anywhere: it
never imports TensorFlow, and has `ml.export_worker` make all but LiteRT.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ml.errand import send
from storage.errors import NotReady, PixshelfError, RefusedInput, StorageFull, UsageError
from storage.extras import install_hint
from storage.records import ModelRecord
from storage.repository import Repository

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

Form = Literal["keras", "h5", "tflite", "onnx", "savedmodel"]
FORMS: tuple[Form, ...] = get_args(Form)
"""What a model can be exported as."""

_ENDING_OF: dict[Form, str] = {form: "" if form == "savedmodel" else f".{form}" for form in FORMS}
_FORM_OF: dict[str, Form] = {ending: form for form, ending in _ENDING_OF.items()}

ENDINGS = tuple(filter(None, _FORM_OF))
"""The endings of files; a SavedModel is a folder and has none."""

TOLERANCE = 1e-3
"""The most that a probability may differ between Keras and LiteRT."""

PARITY_IMAGES = 256
"""How many images the two are compared on."""

_TIE = 1e-5
"""Two labels closer than this are a tie, which rounding may break either way."""

_EXPORT_SECONDS = 600.0

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

    Raises PixshelfError if it is above TOLERANCE, if a label differs that was no tie, or if either
    holds what is no number.
    """
    import numpy as np

    both_finite = np.isfinite(keras_says).all() and np.isfinite(litert_says).all()
    if keras_says.shape != litert_says.shape or not both_finite:
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


def export_model(
    repo: Repository,
    model: int,
    target: Path,
    *,
    form: Form | None = None,
    threads: int | None = None,
) -> Path:
    """Write a stored model for other programs, in the form named or by the ending of `target`: a
    file, or for 'savedmodel' (no ending) a folder.

    It takes uint8 pictures [N, H, W, C] and gives float32 probabilities [N, labels]. All but
    LiteRT carry the labels and the input along. It is written under a temporary name and put in
    place whole; an existing file is replaced, an existing folder is not. All forms but LiteRT are
    made in a child process. Raises UsageError for another ending, NotFound for an unknown model,
    RefusedInput for a folder that is there, NotReady without the package for ONNX,
    PixshelfError if it cannot be written.
    """
    chosen = form_of(target, form)
    record = repo.models.get(model)
    if chosen == "onnx" and importlib.util.find_spec("tf2onnx") is None:
        raise NotReady(
            "ONNX files are written with the package tf2onnx, which is not installed",
            hint=install_hint("onnx"),
        )
    if chosen == "savedmodel" and target.exists():
        raise RefusedInput(f"{target}: is there already", hint="name a folder that is not")
    try:
        with tempfile.TemporaryDirectory(prefix=".pixshelf-", dir=target.parent) as folder:
            made = Path(folder) / f"model{_ENDING_OF[chosen]}"
            if chosen == "tflite":
                made.write_bytes(repo.models.litert(model))
            else:
                weights = Path(folder) / "weights.safetensors"
                weights.write_bytes(repo.models.weights(model))
                request = {
                    "format": chosen,
                    "spec": dict(record.spec),
                    "temperature": record.temperature,
                    "weights": str(weights),
                    "card": _card(record),
                    "target": str(made),
                    "threads": threads,
                }
                send("ml.export_worker", request, what="the export", seconds=_EXPORT_SECONDS)
            _to_disk(made)
            made.replace(target)
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else PixshelfError
        raise kind(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def form_of(target: Path, form: str | None = None) -> Form:
    """The form that is meant. Raises UsageError for one that there is not."""
    ending = target.suffix.lower()
    if form is None and ending not in _FORM_OF:
        raise UsageError(
            f"{target}: a model cannot be written as {ending}",
            hint=f"endings: {', '.join(ENDINGS)}; no ending for a SavedModel folder",
        )
    if form is not None and form not in FORMS:
        raise UsageError(
            f"form: received {form!r:.40}, which is not one of the choices",
            hint=f"choices: {', '.join(FORMS)}",
        )
    return form if form is not None else _FORM_OF[ending]


def _card(record: ModelRecord) -> dict[str, Any]:
    """What a file says of itself beside the network: plain JSON values."""
    return {"name": record.name, "labels": list(record.labels), "input": record.spec.get("input")}


def _to_disk(path: Path) -> None:
    """Make a file, or the files of a folder, durable before it takes another's place."""
    for each in path.rglob("*") if path.is_dir() else [path]:
        if each.is_file():
            with each.open("rb") as file:
                os.fsync(file.fileno())


def _unequal(how: str) -> PixshelfError:
    return PixshelfError(
        f"the model was converted to LiteRT, but does not answer as it did in Keras: {how}",
        hint="train again with another --seed; if it stays, another version of TensorFlow",
    )
