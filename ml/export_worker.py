"""The child process that writes a model for other programs: `python -m ml.export_worker`.

Takes one JSON object on stdin (format, spec, temperature, weights, card, target, threads). Says
nothing and exits with 0 when the target is written; otherwise prints a Failed event.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.child import import_tensorflow
from ml.errand import serve
from ml.foreign import ForeignSpec, build_foreign, is_foreign
from ml.spec import ArchitectureSpec
from ml.weights import from_bytes

if TYPE_CHECKING:
    import keras


def write_model(request: dict[str, Any]) -> None:
    """Build the model that the request describes and write it. Raises PixshelfError, OSError."""
    import_tensorflow()
    from ml.trainer import prepare_tensorflow

    prepare_tensorflow(request["threads"])
    classifier = rebuild(
        request["spec"], Path(request["weights"]).read_bytes(), float(request["temperature"])
    )
    target, card = Path(request["target"]), request["card"]
    if request["format"] == "onnx":
        from ml.onnx_file import write_onnx

        write_onnx(classifier, target, card)
    elif request["format"] == "savedmodel":
        classifier.export(target, format="tf_saved_model", verbose=False)
        extra = target / "assets.extra"
        extra.mkdir()
        (extra / "pixshelf.json").write_text(json.dumps(card), encoding="utf-8")
    else:
        from ml.model_files import add_card

        classifier.save(target)
        add_card(target, card)


def rebuild(spec: dict[str, Any], weights: bytes, temperature: float) -> keras.Model:
    """A stored model in Keras, whoever trained it: uint8 pictures to probabilities."""
    if is_foreign(spec):
        return build_foreign(ForeignSpec.from_json(spec), from_bytes(weights))
    known = ArchitectureSpec.from_json(spec)
    from ml.network import build_classifier

    return build_classifier(known, from_bytes(weights), temperature)


if __name__ == "__main__":
    sys.exit(serve(write_model))
