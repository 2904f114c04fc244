"""A Keras model's config, read as a graph of known layers without running Keras.

Nested models are laid flat and layers that only work in training are left out. Whatever is not
known to be harmless is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.graph import INPUT, MOST_LAYERS, Graph, Node, node_name
from ml.layers import IDLE, KINDS, Shape, checked_options
from storage.errors import RefusedInput

MOST_DEPTH = 8
"""The most models that may lie within one another."""

_MODELS = ("Functional", "Model", "Sequential")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file keeps a layer's weights. `groups` are the names that Keras derives from
    classes, from the outermost model inwards, `names` the layers' own; `rank` is its place in
    the config and `trainable` what the config says of it."""

    groups: tuple[str, ...]
    names: tuple[str, ...]
    rank: tuple[int, ...]
    trainable: bool


def read_config(
    config: object, size: tuple[int, int] | None = None
) -> tuple[Graph, dict[str, Place], str]:
    """The graph of a Keras model's config, the place of each node's weights, and the dtype of the
    input that the model was given. `size` is the height and width for a model that takes any.
    Raises RefusedInput, naming the layer, for whatever is not known to be harmless."""
    reader = _Reader(size)
    answer = reader.read_model(_mapping("the model's config", config), None, (), (), (), True, 0)
    if reader.input is None:
        raise RefusedInput("the model does not say what it takes")
    if not reader.nodes:
        raise RefusedInput("the model has no layers that do something")
    if answer != reader.nodes[-1].name:
        raise RefusedInput("the model's answer is not given by its last layer")
    return Graph(reader.input, tuple(reader.nodes)), reader.places, reader.dtype


class _Reader:
    """Lays nested configs flat, in an order in which the layers can be computed."""

    def __init__(self, size: tuple[int, int] | None) -> None:
        self.size = size
        self.input: Shape | None = None
        self.dtype = "float32"
        self.nodes: list[Node] = []
        self.places: dict[str, Place] = {}

    def read_model(
        self,
        body: Mapping[str, Any],
        given: str | None,
        groups: tuple[str, ...],
        names: tuple[str, ...],
        rank: tuple[int, ...],
        trainable: bool,
        depth: int,
    ) -> str:
        """Add a model's layers to the nodes; gives the name of what it answers with. `given` is
        what it is applied to; None for the outermost."""
        kind = known_class(body)
        if kind not in _MODELS or depth > MOST_DEPTH:
            raise RefusedInput(f"the model is a {kind!r:.80}, not a Sequential or Functional one")
        config = _mapping("a model's config", body.get("config"))
        layers = config.get("layers")
        if not isinstance(layers, list) or len(layers) > MOST_LAYERS:
            raise RefusedInput("the model's layers are not a list of a sensible length")
        trainable = trainable and config.get("trainable") is not False
        entries = [_mapping("a layer", layer) for layer in layers]
        order = _in_line(entries) if kind == "Sequential" else _sorted(entries)
        inner = _groups(entries)
        values: dict[str, str] = {}
        last = given
        for at, inputs in order:
            entry = entries[at]
            own = _mapping("a layer's config", entry.get("config"))
            name = _name(own, entry)
            if name in values:
                raise RefusedInput(f"the model has two layers that are called {name!r:.80}")
            if inputs is not None:
                taken = [values[each] for each in inputs]
            else:
                taken = [] if last is None else [last]
            place = (*groups, inner[at]), (*names, name), (*rank, at)
            last = self._read_layer(entry, own, name, taken, given, place, trainable, depth)
            values[name] = last
        if kind == "Sequential":
            if last is None:
                raise RefusedInput("the model has no layers")
            return last
        return values[_one_end("output", config.get("output_layers"), values)]

    def _read_layer(
        self,
        entry: Mapping[str, Any],
        config: Mapping[str, Any],
        name: str,
        taken: Sequence[str],
        given: str | None,
        place: tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]],
        trainable: bool,
        depth: int,
    ) -> str:
        kind = known_class(entry)
        if kind == "InputLayer":
            if given is None:
                self._take_input(config)
            return given or INPUT
        if kind in _MODELS:
            if len(taken) > 1:
                raise RefusedInput(f"the model {name!r:.80} within the model takes several inputs")
            inner = taken[0] if taken else None
            return self.read_model(entry, inner, *place, trainable, depth + 1)
        if not taken:
            # Keras 2 lets the first layer of a line say what the model takes.
            self._take_input(config)
            taken = [INPUT]
        if kind in IDLE:
            return taken[0]
        if kind not in KINDS:
            raise RefusedInput(
                f"the layer {name!r:.80} is a {kind!r:.80}, which cannot be imported",
                hint=f"what can be: {', '.join(sorted(KINDS))}",
            )
        if len(self.nodes) >= MOST_LAYERS:
            raise RefusedInput(f"the model has more than {MOST_LAYERS} layers")
        made = node_name(kind, len(self.nodes))
        self.nodes.append(Node(made, kind, checked_options(kind, name, config), tuple(taken)))
        self.places[made] = Place(*place, trainable and config.get("trainable") is not False)
        return made

    def _take_input(self, config: Mapping[str, Any]) -> None:
        if self.input is not None:
            raise RefusedInput("the model takes more than one input")
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if not isinstance(shape, list | tuple) or len(shape) != 4:
            raise RefusedInput(
                f"the model takes {shape!r:.80}, not pictures [N, height, width, channels]"
            )
        height, width, channels = shape[1:]
        asked = self.size or (None, None)
        sides = []
        for side, wanted in ((height, asked[0]), (width, asked[1])):
            if side is not None and wanted not in (None, side):
                raise RefusedInput(
                    f"the model takes pictures of {width}x{height}, not of {asked[1]}x{asked[0]}"
                )
            chosen = side if side is not None else wanted
            if chosen is None:
                raise RefusedInput(
                    "the model takes pictures of any size, and pixshelf needs one",
                    hint="say the one that it was trained with, such as --size 224",
                )
            sides.append(chosen)
        if not all(type(each) is int for each in (*sides, channels)):
            raise RefusedInput(f"the model takes {shape!r:.80}, which is no picture")
        self.input = (sides[0], sides[1], channels)
        dtype = config.get("dtype")
        self.dtype = dtype if isinstance(dtype, str) else "float32"


def known_class(body: Mapping[str, Any]) -> str:
    """The name of a serialised object's class. Raises RefusedInput for one that is not Keras' own,
    whatever it is called."""
    name = body.get("class_name")
    module = body.get("module")
    registered = body.get("registered_name")
    if not isinstance(name, str):
        raise RefusedInput(f"the model has a layer whose class is {name!r:.80}")
    foreign = module is not None and str(module).split(".")[0] != "keras"
    if foreign or registered not in (None, name):
        where = f"{module}." if foreign else ""
        raise RefusedInput(
            f"the model has a layer of the class {where + (str(registered or name))!r:.80}, "
            "which is not Keras' own",
            hint="a class from elsewhere is code, and pixshelf runs none from a model file",
        )
    return name


def _sorted(
    entries: Sequence[Mapping[str, Any]],
) -> list[tuple[int, list[str] | None]]:
    """Places of a Functional's layers, each after what it takes, with the names of that."""
    taken = [_inbound(entry) for entry in entries]
    waiting = list(range(len(entries)))
    done: set[str] = set()
    order: list[tuple[int, list[str] | None]] = []
    while waiting:
        ready = [at for at in waiting if done.issuperset(taken[at])]
        if not ready:
            raise RefusedInput("the model's layers go round in a circle, or take what is not there")
        for at in ready:
            order.append((at, taken[at]))
            done.add(_name(_mapping("a layer's config", entries[at].get("config")), entries[at]))
        gone = set(ready)
        waiting = [at for at in waiting if at not in gone]
    return order


def _in_line(entries: Sequence[Mapping[str, Any]]) -> list[tuple[int, list[str] | None]]:
    """A Sequential's layers as `_sorted` gives them: each takes what the one before it gives."""
    return [(at, None) for at in range(len(entries))]


def _inbound(entry: Mapping[str, Any]) -> list[str]:
    """The names of the layers whose answers a layer takes."""
    calls = entry.get("inbound_nodes")
    if not isinstance(calls, list) or len(calls) > 1:
        raise RefusedInput(
            f"the layer {entry.get('name')!r:.80} is used more than once, or nobody knows how",
            hint="layers that share their weights cannot be imported",
        )
    if not calls:
        return []
    call = calls[0]
    if isinstance(call, Mapping):
        _check_arguments(entry, call.get("kwargs"))
        tensors = call.get("args")
        if isinstance(tensors, list) and len(tensors) == 1 and isinstance(tensors[0], list):
            tensors = tensors[0]
    else:
        tensors = call
    if not isinstance(tensors, list) or not 1 <= len(tensors) <= MOST_LAYERS:
        raise RefusedInput(f"the layer {entry.get('name')!r:.80} takes what nobody knows")
    return [_tensor(entry, tensor) for tensor in tensors]


def _tensor(entry: Mapping[str, Any], tensor: Any) -> str:
    """The name of the layer that gives a tensor, as Keras 3 writes it or as Keras 2 did."""
    history = tensor
    if isinstance(tensor, Mapping) and tensor.get("class_name") == "__keras_tensor__":
        history = _mapping("a tensor", tensor.get("config")).get("keras_history")
    if isinstance(history, list) and len(history) >= 3 and isinstance(history[0], str):
        if len(history) > 3:
            _check_arguments(entry, history[3])
        if isinstance(history[1], int) and history[2] == 0:
            return history[0]
    raise RefusedInput(f"the layer {entry.get('name')!r:.80} takes what nobody knows")


def _check_arguments(entry: Mapping[str, Any], named: Any) -> None:
    """Beside tensors a layer may be called with nothing that changes its answer. Those that are
    left out may be called with anything: Keras writes training=True for some of them."""
    if entry.get("class_name") in IDLE:
        return
    for key, value in (_mapping("arguments", named) if named else {}).items():
        nothing = value in (None, False) or (isinstance(value, list) and not any(value))
        if key not in ("training", "mask") or not nothing:
            raise RefusedInput(
                f"the layer {entry.get('name')!r:.80} is called with {key!r:.40}, "
                "which cannot be imported"
            )


def _one_end(which: str, ends: Any, values: Mapping[str, str]) -> str:
    """The name of a Functional's one output."""
    if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
        ends = ends[0]
    if isinstance(ends, list) and len(ends) == 3 and ends[0] in values:
        return str(ends[0])
    raise RefusedInput(f"the model has not one {which}, but {ends!r:.80}")


def _groups(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The group of each layer in a .keras file: its class's name, counted where it comes again."""
    seen: dict[str, int] = {}
    groups = []
    for entry in entries:
        base = snake_case(known_class(entry))
        count = seen.get(base, 0)
        seen[base] = count + 1
        groups.append(f"{base}_{count}" if count else base)
    return groups


def snake_case(name: str) -> str:
    """A class's name as Keras writes it in files: Conv2D as conv2d, MaxPooling2D as
    max_pooling2d."""
    import re

    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _name(config: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    name = entry.get("name", config.get("name"))
    if not isinstance(name, str):
        raise RefusedInput(f"the model has a layer whose name is {name!r:.80}")
    return name


def _mapping(what: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RefusedInput(f"the file cannot be imported: {what} is {value!r:.80}")
    return value
