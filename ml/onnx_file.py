"""A Keras classifier as an ONNX model: uint8 [N, H, W, C] in, float32 probabilities out.

Keras' own exporter does it, by way of tf2onnx; here its answer gets names that people can use and
the card. Runs where TensorFlow runs, with the packages of the extra `onnx`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import PixshelfError

if TYPE_CHECKING:
    import keras

OUTPUT = "probabilities"


def write_onnx(classifier: keras.Model, target: Path, card: Mapping[str, Any]) -> None:
    """Write the model, with `image` in and `probabilities` out; the card's entries are its
    metadata, as JSON. Raises PixshelfError for a layer that ONNX has no operation for, OSError."""
    import numpy as np
    import onnx

    # Keras exports only what has been called.
    classifier(np.zeros((1, *classifier.input_shape[1:]), np.uint8))
    classifier.export(target, format="onnx", verbose=False)
    model = onnx.load(target)
    graph = model.graph
    (asked,), (answer,) = graph.input, graph.output
    graph.node.append(onnx.helper.make_node("Identity", [answer.name], [OUTPUT]))
    answer.name = OUTPUT
    for end in (asked, answer):
        end.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in card.items()})
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        # tf2onnx leaves an operation that it does not know in the graph, as TensorFlow calls it.
        raise PixshelfError(
            f"the model cannot be written as ONNX: {' '.join(str(error).split())[:200]}",
            hint="the other forms hold every layer",
        ) from error
    onnx.save(model, target)
