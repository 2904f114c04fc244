"""Models for tests, made in milliseconds: a linear classifier written out as a LiteRT file.

It takes what every stored model takes (uint8 [N, H, W, C]) and gives what every one gives
(float32 probabilities [N, labels]), so that tests of prediction need no training.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ml.pixels import InputSpec
from storage.pictures import describe, encode_png
from storage.records import ModelRecord, NewImage, NewModel
from storage.repository import Repository

DIGITS = tuple("0123456789")


def linear_litert(
    weights: NDArray[np.float32], bias: NDArray[np.float32], spec: InputSpec
) -> bytes:
    """softmax(weights @ pixels + bias) as a LiteRT file; weights [K, H*W*C], bias [K]."""
    graph = schema.SubGraphT()
    buffers = [schema.BufferT()]
    kinds = schema.TensorType
    shape = [1, *spec.shape]
    classes = len(bias)
    graph.tensors = [
        _tensor("pixels", shape, kinds.UINT8, 0, dynamic=True),
        _tensor("floats", shape, kinds.FLOAT32, 0, dynamic=True),
        _tensor("weights", list(weights.shape), kinds.FLOAT32, 1),
        _tensor("bias", [classes], kinds.FLOAT32, 2),
        _tensor("logits", [1, classes], kinds.FLOAT32, 0, dynamic=True),
        _tensor("probabilities", [1, classes], kinds.FLOAT32, 0, dynamic=True),
    ]
    for values in (weights, bias):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        buffers.append(buffer)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    options = schema.BuiltinOptions
    graph.operators = [
        _operator(0, [0], [1], options.CastOptions, schema.CastOptionsT()),
        _operator(
            1, [1, 2, 3], [4], options.FullyConnectedOptions, schema.FullyConnectedOptionsT()
        ),
        _operator(2, [4], [5], options.SoftmaxOptions, softmax),
    ]
    graph.inputs, graph.outputs = [0], [5]
    model = schema.ModelT()
    model.version = 3
    model.subgraphs, model.buffers = [graph], buffers
    operators = schema.BuiltinOperator
    model.operatorCodes = [
        _code(each) for each in (operators.CAST, operators.FULLY_CONNECTED, operators.SOFTMAX)
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, shape: list[int], kind: int, buffer: int, *, dynamic: bool = False) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
    if dynamic:
        tensor.shapeSignature = [-1, *shape[1:]]
    return tensor


def _operator(code: int, inputs: list[int], outputs: list[int], kind: int, options: Any) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator


def _code(operator: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 1
    return code


@cache
def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """scikit-learn's digits: uint8 [1797, 8, 8] and what they show [1797]."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return (loaded.images * 15.9375).astype(np.uint8), loaded.target.astype(np.int64)


@cache
def digits_weights() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A nearest-mean classifier of the first 1,000 digits: weights [10, 64] and bias [10]."""
    images, targets = digits()
    flat = images[:1000].reshape(1000, 64).astype(np.float64)
    means = np.stack([flat[targets[:1000] == digit].mean(axis=0) for digit in range(10)])
    scale = 1e-4
    bias = -scale * (means**2).sum(axis=1) / 2
    return (means * scale).astype(np.float32), bias.astype(np.float32)


def digits_model(name: str = "digits", labels: tuple[str, ...] = DIGITS) -> NewModel:
    """The nearest-mean classifier as a model for 8x8 grey pictures."""
    weights, bias = digits_weights()
    spec = InputSpec(8, 8, 1)
    return NewModel(
        name=name,
        labels=labels,
        spec={"input": spec.to_json()},
        parameters=weights.size + bias.size,
        weights=b"none",
        litert=linear_litert(weights[: len(labels)], bias[: len(labels)], spec),
        temperature=1.0,
    )


def as_record(model: NewModel) -> ModelRecord:
    """What a Repository would give for a model that it has just stored."""
    return ModelRecord(
        id=1,
        name=model.name,
        run=model.run,
        labels=model.labels,
        spec=model.spec,
        parameters=model.parameters,
        weights_sha256=hashlib.sha256(model.weights).digest(),
        temperature=model.temperature,
        val_accuracy=model.val_accuracy,
        val_loss=model.val_loss,
        created_at=0,
    )


def picture(array: NDArray[np.uint8], **changes: Any) -> NewImage:
    """An image for the dataset, from its pixels."""
    data = encode_png(array)
    facts = describe(data)
    known: dict[str, Any] = {
        "data": data,
        "sha256": hashlib.sha256(data).digest(),
        "source": "made.png",
        **{name: getattr(facts, name) for name in facts.__slots__},
    }
    return NewImage(**(known | changes))


def store_digits(repository: Repository, count: int, **changes: Any) -> list[int]:
    """Store the last `count` digits, labelled and in the test split unless `changes` says
    otherwise; gives their ids in that order."""
    images, targets = digits()
    news = [
        picture(image, **({"label": str(target), "split": "test"} | changes))
        for image, target in zip(images[-count:], targets[-count:].tolist(), strict=True)
    ]
    import_id = repository.images.begin_import("digits", {})
    return [added.id for added in repository.images.add(news, import_id=import_id)]
