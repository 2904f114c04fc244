"""A network as a graph of known layers.

Everything is bounded, checked against `ml.layers`, and sound in its shapes before anything is built
from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ml.layers import KINDS, MOST_SIDE, Shape, checked_options, shapes_of
from storage.errors import RefusedInput

INPUT = "input"
"""The name of the picture in a graph."""

MOST_LAYERS = 2_000
MOST_PARAMETERS = 200_000_000
"""800 MB of float32; a dataset file takes no more than a billion bytes in one value."""

MOST_NUMBERS = 1 << 26
"""The most numbers that any one layer may make of a picture."""


@dataclass(frozen=True, slots=True)
class Node:
    """A layer: its name in the graph, Keras' name of its class, its options, and the names of
    what it takes."""

    name: str
    layer: str
    options: Mapping[str, Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Layers in an order in which they can be computed; the last one gives the answer.

    `input` is [height, width, channels]. `shapes` and `weights` say what each layer gives and
    which weights it has, by name, in Keras' order. Raises RefusedInput if it does not hold
    together or is too big.
    """

    input: Shape
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        if len(self.input) != 3 or not all(0 < side <= MOST_SIDE for side in self.input):
            raise RefusedInput(f"the model takes {list(self.input)}, which is no picture")
        if self.input[2] not in (1, 3):
            raise RefusedInput(
                f"the model takes pictures of {self.input[2]} channels; 1 and 3 can be imported"
            )
        if not self.nodes:
            raise RefusedInput("the model has no layers")
        if self.parameters > MOST_PARAMETERS:
            raise RefusedInput(
                f"the model has {self.parameters:,} parameters; {MOST_PARAMETERS:,} are the most"
            )

    @property
    def output(self) -> Shape:
        """The shape of the answer."""
        return self.shapes()[self.nodes[-1].name]

    @property
    def parameters(self) -> int:
        """How many numbers its weights hold."""
        return sum(math.prod(shape) for each in self.weights().values() for shape in each.values())

    def shapes(self) -> dict[str, Shape]:
        """What each node gives, without the batch."""
        return self._sizes()[0]

    def weights(self) -> dict[str, dict[str, Shape]]:
        """The weights of each node that has any."""
        return self._sizes()[1]

    def to_json(self) -> list[dict[str, Any]]:
        """The layers as plain JSON values."""
        return [
            {
                "name": node.name,
                "layer": node.layer,
                "options": dict(node.options),
                "inputs": list(node.inputs),
            }
            for node in self.nodes
        ]

    @classmethod
    def from_json(cls, shape: Shape, value: object) -> Self:
        """The graph that `to_json` wrote, checked anew. Raises RefusedInput."""
        if not isinstance(value, list) or len(value) > MOST_LAYERS:
            raise RefusedInput("the model's layers are not a list of a sensible length")
        nodes: list[Node] = []
        for at, body in enumerate(value):
            if not isinstance(body, Mapping) or body.get("layer") not in KINDS:
                raise RefusedInput(f"layer {at} of the model is not one that pixshelf knows")
            layer, inputs, options = body["layer"], body.get("inputs"), body.get("options")
            if not isinstance(inputs, list) or not isinstance(options, Mapping):
                raise RefusedInput(f"layer {at} of the model is malformed")
            name = node_name(layer, at)
            if body.get("name") != name:
                raise RefusedInput(f"layer {at} of the model is called {body.get('name')!r:.80}")
            checked = checked_options(layer, name, options)
            nodes.append(Node(name, layer, checked, tuple(map(str, inputs))))
        return cls(shape, tuple(nodes))

    def _sizes(self) -> tuple[dict[str, Shape], dict[str, dict[str, Shape]]]:
        shapes: dict[str, Shape] = {INPUT: self.input}
        weights: dict[str, dict[str, Shape]] = {}
        for node in self.nodes:
            absent = [name for name in node.inputs if name not in shapes]
            if absent:
                raise RefusedInput(f"the layer {node.name} takes what is not there: {absent[0]!r}")
            inputs = [shapes[name] for name in node.inputs]
            made, own = shapes_of(node.layer, node.name, node.options, inputs)
            if not all(side > 0 for side in made) or math.prod(made) > MOST_NUMBERS:
                raise RefusedInput(
                    f"the layer {node.name} ({node.layer}) would make {list(made)} of a picture"
                )
            shapes[node.name] = made
            if own:
                weights[node.name] = own
        return shapes, weights


def node_name(layer: str, at: int) -> str:
    """The name of the layer at this place of a graph."""
    return f"{layer.lower()}_{at}"
