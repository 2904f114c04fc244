"""A model that another program trained: what is stored of it, and its network in Keras.

The spec holds a graph of known layers (`ml.graph`), and the network is built from that by our own
code, so nothing of the file that it came from is ever run. Importing this module is light.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from ml.graph import INPUT, Graph, Node
from ml.pixels import InputSpec
from storage.errors import DatasetError, RefusedInput

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

FAMILY = "keras-import"
VERSION = 1

Scale = Literal["0..1", "-1..1", "0..255"]
SCALES: tuple[Scale, ...] = get_args(Scale)

Ending = Literal["probabilities", "logits", "chance", "score"]
"""What a network gives: for each label its probability or its logit, or one number, the
probability of the second of two labels or its logit."""

_SCALING: dict[str, tuple[float, float]] = {
    "0..1": (1 / 255, 0.0),
    "-1..1": (1 / 127.5, -1.0),
    "0..255": (1.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class ForeignSpec:
    """A foreign network as data. `input` is what a picture is made into, `scale` the range that
    the network takes its pixels in. Raises RefusedInput where the two do not go with the graph."""

    input: InputSpec
    scale: Scale
    graph: Graph

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise RefusedInput(
                f"scale: received {self.scale!r:.40}", hint=f"choices: {', '.join(SCALES)}"
            )
        if self.input.shape != self.graph.input:
            raise RefusedInput(
                f"the model takes {list(self.graph.input)}, not {list(self.input.shape)}"
            )
        ending(self.graph)

    @property
    def classes(self) -> int:
        """How many labels the network tells apart."""
        return max(2, self.graph.output[0])

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values; `from_json` gives an equal spec back."""
        return {
            "family": FAMILY,
            "version": VERSION,
            "input": self.input.to_json(),
            "scale": self.scale,
            "layers": self.graph.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The spec that a stored model carries, checked anew. Raises DatasetError."""
        if value.get("family") != FAMILY or value.get("version") != VERSION:
            raise DatasetError(
                f"the model cannot be read: it is of family {value.get('family')!r:.40}, "
                f"version {value.get('version')!r:.40}; this program knows {FAMILY}, {VERSION}",
                hint="the model was made by a newer version of pixshelf, or by another program",
            )
        given = InputSpec.from_json(value.get("input"))
        try:
            return cls(
                given, value.get("scale", ""), Graph.from_json(given.shape, value.get("layers"))
            )
        except RefusedInput as error:
            raise DatasetError(f"the model cannot be read: {error.message}") from error


def is_foreign(spec: Mapping[str, Any]) -> bool:
    """Whether a stored model's spec is that of an imported one."""
    return spec.get("family") == FAMILY


def ending(graph: Graph) -> Ending:
    """What the network gives. Raises RefusedInput if it is no classifier."""
    if len(graph.output) != 1:
        raise RefusedInput(
            f"the model gives {list(graph.output)} for a picture, not one number for each label"
        )
    found = _last_activation(graph)
    alone = graph.output[0] == 1
    if found == "softmax" and not alone:
        return "probabilities"
    if found == "linear":
        return "score" if alone else "logits"
    if found == "sigmoid" and alone:
        return "chance"
    raise RefusedInput(
        f"the model ends in {graph.output[0]} x {found}, and a picture has one label here",
        hint="models that can be imported end in a softmax, in logits, or in one sigmoid for two "
        "labels",
    )


def _last_activation(graph: Graph) -> str:
    """The activation that the answer goes through last. Each layer is looked at once, in order:
    what a layer passes on may be taken by any number of others."""
    last: dict[str, str] = {}
    for node in graph.nodes:
        if node.layer in ("Flatten", "Reshape", "Average") and INPUT not in node.inputs:
            ends = {last[name] for name in node.inputs}
            last[node.name] = ends.pop() if len(ends) == 1 else "a mixture"
        else:
            last[node.name] = _activation(node)
    return last[graph.nodes[-1].name]


def _activation(node: Node) -> str:
    if node.layer == "Softmax":
        return "softmax"
    if node.layer in ("ReLU", "LeakyReLU", "ELU"):
        return node.layer
    return str(node.options.get("activation", "linear"))


def scaled_within(graph: Graph) -> bool:
    """Whether the network scales its pixels itself, and so takes them from 0 to 255."""
    return any(node.layer == "Rescaling" and node.inputs == (INPUT,) for node in graph.nodes)


def build_foreign(spec: ForeignSpec, weights: Mapping[str, NDArray[Any]]) -> keras.Model:
    """The network with its weights: uint8 pictures [N, H, W, C] to probabilities [N, classes].

    Raises DatasetError, before anything is built, if the weights are not those of the spec.
    """
    import keras

    check_weights(spec.graph, weights)
    image = keras.Input(spec.input.shape, dtype="uint8", name="image")
    scale, offset = _SCALING[spec.scale]
    values: dict[str, Any] = {
        INPUT: keras.layers.Rescaling(scale, offset=offset, name="scale", dtype="float32")(image)
    }
    for node in spec.graph.nodes:
        layer = getattr(keras.layers, node.layer)(
            name=node.name, dtype="float32", **node.options, **_unset(node)
        )
        taken = [values[name] for name in node.inputs]
        values[node.name] = layer(taken if len(taken) > 1 else taken[0])
        for variable in layer.variables:
            variable.assign(weights[f"{node.name}/{variable.name}"])
    answer = _probabilities(values[spec.graph.nodes[-1].name], ending(spec.graph))
    return keras.Model(image, answer, name="imported")


def check_weights(graph: Graph, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Raises DatasetError unless these are the graph's weights, 'layer/weight' in float32."""
    expected = {
        f"{layer}/{name}": shape
        for layer, own in graph.weights().items()
        for name, shape in own.items()
    }
    if expected.keys() != weights.keys():
        odd = sorted(expected.keys() ^ weights.keys())
        raise DatasetError(f"the model's weights are not those of its spec: {', '.join(odd)[:200]}")
    for name, shape in expected.items():
        if weights[name].shape != shape or weights[name].dtype.name != "float32":
            raise DatasetError(
                f"the model's weights are not those of its spec: {name} is "
                f"{weights[name].dtype} {list(weights[name].shape)}, not float32 {list(shape)}"
            )


def _unset(node: Node) -> dict[str, Any]:
    """Random starts that are overwritten at once would only take time."""
    starts = {"Conv2D": ["kernel"], "DepthwiseConv2D": ["depthwise"], "Dense": ["kernel"]}
    starts["SeparableConv2D"] = ["depthwise", "pointwise"]
    return {f"{start}_initializer": "zeros" for start in starts.get(node.layer, ())}


def _probabilities(answer: Any, gives: Ending) -> Any:
    import keras

    layers = keras.layers
    if gives == "logits":
        return layers.Softmax(name="probabilities")(answer)
    if gives == "score":
        answer = layers.Activation("sigmoid", name="chance")(answer)
    if gives in ("score", "chance"):
        other = layers.Rescaling(-1.0, offset=1.0, name="other")(answer)
        return layers.Concatenate(name="probabilities")([other, answer])
    return answer
