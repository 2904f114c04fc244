"""The Keras layers that pixshelf takes from a stranger's model: what each may be told, and the
shapes of what it gives and of its weights.

It is a list of what is allowed, so what is not here is refused. Nothing here runs or imports
Keras; shapes are without the batch, and channels come last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import RefusedInput

Shape = tuple[int, ...]
Options = Mapping[str, Any]
Weights = dict[str, Shape]
Check = Callable[[Any], Any]

MOST_UNITS = 100_000
MOST_SIDE = 1_024

ACTIVATIONS = frozenset(
    {"linear", "relu", "relu6", "elu", "selu", "gelu", "sigmoid", "silu", "softmax", "softplus"}
    | {"tanh"}
)
_SAME_ACTIVATION = {"swish": "silu", None: "linear"}

IDLE = frozenset(
    {"ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"}
    | {"RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation"}
    | {"RandomZoom", "SpatialDropout2D"}
)
"""Layers that do something in training only; a model that predicts goes without them."""

_TRAINING = ("_initializer", "_regularizer", "_constraint")
_PASSED_OVER = frozenset(
    {"name", "trainable", "dtype", "momentum", "renorm_momentum", "synchronized", "fused"}
    | {"batch_input_shape", "batch_shape", "autocast"}
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of layer: a check for each option it may be told, the shapes that follow from its
    options and inputs (what it gives, and its weights in Keras' order), and whether it takes
    several inputs. The checks raise ValueError or TypeError, `shapes` ValueError."""

    options: Mapping[str, Check]
    shapes: Callable[[Options, Sequence[Shape]], tuple[Shape, Weights]]
    joins: bool = False


def checked_options(layer: str, name: str, config: Options) -> dict[str, Any]:
    """Of a layer's config what its answers depend on, checked. What matters in training only is
    left out. Raises RefusedInput, naming layer and option, for anything else."""
    kind = KINDS[layer]
    chosen: dict[str, Any] = {}
    for key, value in config.items():
        if key in kind.options:
            try:
                chosen[_RENAMED.get((layer, key), key)] = kind.options[key](value)
            except (TypeError, ValueError, OverflowError) as error:
                raise RefusedInput(
                    f"the layer {name!r:.80} ({layer}) cannot be imported: its {key} is "
                    f"{value!r:.80}{_because(error)}"
                ) from error
        elif not (key in _PASSED_OVER or key.endswith(_TRAINING) or value in (None, False)):
            raise RefusedInput(
                f"the layer {name!r:.80} ({layer}) cannot be imported: it has a setting "
                f"{key!r:.40} that pixshelf does not know"
            )
    _check_dtype(layer, name, config.get("dtype"))
    return chosen


def shapes_of(
    layer: str, name: str, options: Options, inputs: Sequence[Shape]
) -> tuple[Shape, Weights]:
    """The shape that a layer gives and those of its weights. Raises RefusedInput where the inputs
    do not fit it."""
    kind = KINDS[layer]
    try:
        if not inputs or (len(inputs) > 1) != kind.joins:
            raise ValueError(f"it has {len(inputs)} inputs")
        return kind.shapes(options, inputs)
    except (KeyError, ValueError, IndexError) as error:
        missing = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        given = " and ".join(map(str, inputs)) or "nothing"
        raise RefusedInput(
            f"the layer {name!r:.80} ({layer}) does not fit its input {given}: {missing}"
        ) from error


# Checks of options


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is needed")
        return value

    return check


def _number(value: Any) -> float:
    if isinstance(value, Mapping) and isinstance(value.get("value"), int | float):
        value = value["value"]  # how Keras 2 wrote a numpy number
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("a number is needed")
    return float(value)


def _numbers(value: Any) -> float | list[float]:
    if isinstance(value, list) and 1 <= len(value) <= 4:
        return [_number(each) for each in value]
    return _number(value)


def _pair(least: int, most: int) -> Check:
    one = _whole(least, most)

    def check(value: Any) -> list[int]:
        sides = value if isinstance(value, list | tuple) else [value, value]
        if len(sides) != 2:
            raise ValueError("two whole numbers are needed")
        return [one(side) for side in sides]

    return check


def _strides(value: Any) -> list[int] | None:
    return None if value is None else list(_pair(1, 32)(value))


def _margins(value: Any) -> list[list[int]]:
    if isinstance(value, list | tuple) and any(isinstance(side, list | tuple) for side in value):
        up, across = value
        return [_pair(0, 64)(up), _pair(0, 64)(across)]
    up, across = _pair(0, 64)(value)
    return [[up, up], [across, across]]


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("yes or no is needed")
    return value


def _one_of(*allowed: Any) -> Check:
    def check(value: Any) -> Any:
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise ValueError(f"only {' or '.join(map(repr, allowed))} can be imported")
        return value

    return check


def _activation(value: Any) -> str:
    if value is None or isinstance(value, str):
        value = _SAME_ACTIVATION.get(value, value)
        if value in ACTIVATIONS:
            return str(value)
    raise ValueError(f"known are {', '.join(sorted(ACTIVATIONS))}")


def _target(value: Any) -> list[int]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 4:
        raise ValueError("a list of whole numbers is needed")
    return [_whole(-1, 1 << 24)(side) for side in value]


def _axis(value: Any) -> int:
    """One axis; Keras 2 wrote a list of one."""
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    return int(_whole(-1, 4)(one))


def _perhaps(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _because(error: Exception) -> str:
    return f", but {error}" if str(error) else ""


def _check_dtype(layer: str, name: str, dtype: Any) -> None:
    """float32 throughout; a mixed policy keeps its weights in float32 and is taken as that."""
    if isinstance(dtype, Mapping):
        inner = dtype.get("config")
        dtype = inner.get("name") if isinstance(inner, Mapping) else dtype
    if dtype not in (None, "float32", "mixed_float16", "mixed_bfloat16"):
        raise RefusedInput(
            f"the layer {name!r:.80} ({layer}) cannot be imported: it counts in {dtype!r:.80}, "
            "not in float32"
        )


# Shapes


def conv_side(side: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """How many places a window has along one side."""
    if padding == "same":
        return -(-side // stride)
    return (side - dilation * (kernel - 1) - 1) // stride + 1


def _windowed(options: Options, shape: Shape, kernel: Sequence[int]) -> tuple[int, int]:
    if len(shape) != 3:
        raise ValueError("it needs height, width and channels")
    strides = options.get("strides") or kernel
    dilation = options.get("dilation_rate") or [1, 1]
    padding = options.get("padding", "valid")
    high, wide = (
        conv_side(shape[at], kernel[at], strides[at], dilation[at], padding) for at in (0, 1)
    )
    return high, wide


def _biased(options: Options, weights: Weights, count: int) -> Weights:
    return weights | ({"bias": (count,)} if options.get("use_bias", True) else {})


def _conv(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    kernel, filters, groups = options["kernel_size"], options["filters"], options.get("groups", 1)
    sides = _windowed({"strides": [1, 1], **options}, inputs[0], kernel)
    channels = inputs[0][2]
    if channels % groups or filters % groups:
        raise ValueError(f"its {groups} groups do not divide its channels")
    weights = {"kernel": (*kernel, channels // groups, filters)}
    return (*sides, filters), _biased(options, weights, filters)


def _depthwise(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    kernel, times = options["kernel_size"], options.get("depth_multiplier", 1)
    sides = _windowed({"strides": [1, 1], **options}, inputs[0], kernel)
    channels = inputs[0][2]
    weights = {"kernel": (*kernel, channels, times)}
    return (*sides, channels * times), _biased(options, weights, channels * times)


def _separable(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    shape, weights = _depthwise({**options, "use_bias": False}, inputs)
    filters = options["filters"]
    weights = {"depthwise_kernel": weights["kernel"], "pointwise_kernel": (1, 1, shape[2], filters)}
    return (*shape[:2], filters), _biased(options, weights, filters)


def _dense(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    units = options["units"]
    return (*inputs[0][:-1], units), _biased(options, {"kernel": (inputs[0][-1], units)}, units)


def _batch_norm(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    one = _normalised(options, inputs)[1]
    channels = inputs[0][-1:]
    return inputs[0], one | {"moving_mean": channels, "moving_variance": channels}


def _normalised(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    axis = options.get("axis", -1)
    if axis not in (-1, len(inputs[0])):
        raise ValueError(f"it works along axis {axis}, not along the channels")
    kept = [("gamma", options.get("scale", True)), ("beta", options.get("center", True))]
    return inputs[0], {name: inputs[0][-1:] for name, wanted in kept if wanted}


def _pool(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    size = options.get("pool_size", [2, 2])
    return (*_windowed(options, inputs[0], size), inputs[0][2]), {}


def _global_pool(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    if len(inputs[0]) != 3:
        raise ValueError("it needs height, width and channels")
    channels = inputs[0][2]
    return ((1, 1, channels) if options.get("keepdims") else (channels,)), {}


def _padded(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    high, wide, channels = inputs[0]
    (top, bottom), (left, right) = options["padding"]
    return (high + top + bottom, wide + left + right, channels), {}


def _flattened(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    return (math.prod(inputs[0]),), {}


def _reshaped(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    target, size = options["target_shape"], math.prod(inputs[0])
    known = math.prod(side for side in target if side != -1)
    if target.count(-1) > 1 or not known or size % known:
        raise ValueError(f"{size} numbers cannot be given the shape {target}")
    shape = tuple(size // known if side == -1 else side for side in target)
    if math.prod(shape) != size:
        raise ValueError(f"{size} numbers cannot be given the shape {target}")
    return shape, {}


def _alike(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    return inputs[0], {}


def _together(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    if len({len(shape) for shape in inputs}) > 1:
        raise ValueError("its inputs have different numbers of sides")
    result = []
    for sides in zip(*inputs, strict=True):
        longest = max(sides)
        if any(side not in (1, longest) for side in sides):
            raise ValueError("its inputs have different sizes")
        result.append(longest)
    return tuple(result), {}


def _joined(options: Options, inputs: Sequence[Shape]) -> tuple[Shape, Weights]:
    if options.get("axis", -1) not in (-1, len(inputs[0])):
        raise ValueError(f"it joins along axis {options['axis']}, not along the channels")
    if len({shape[:-1] for shape in inputs}) > 1:
        raise ValueError("its inputs have different sizes")
    return (*inputs[0][:-1], sum(shape[-1] for shape in inputs)), {}


_LAST: dict[str, Check] = {"data_format": _perhaps(_one_of("channels_last"))}
_WINDOW: dict[str, Check] = _LAST | {
    "strides": _pair(1, 32),
    "padding": _one_of("same", "valid"),
    "dilation_rate": _pair(1, 32),
    "activation": _activation,
    "use_bias": _flag,
    "kernel_size": _pair(1, 63),
}
_FILTERS: dict[str, Check] = {"filters": _whole(1, 1 << 14), "groups": _whole(1, 1 << 14)}
_TIMES: dict[str, Check] = {"depth_multiplier": _whole(1, 64)}
_POOL: dict[str, Check] = _LAST | {
    "pool_size": _pair(1, 256),
    "strides": _strides,
    "padding": _one_of("same", "valid"),
}
_NORM: dict[str, Check] = {
    "axis": _axis,
    "epsilon": _number,
    "center": _flag,
    "scale": _flag,
}
_KEEP: dict[str, Check] = _LAST | {"keepdims": _flag}

KINDS: dict[str, Kind] = {
    "Activation": Kind({"activation": _activation}, _alike),
    "Add": Kind({}, _together, joins=True),
    "Average": Kind({}, _together, joins=True),
    "AveragePooling2D": Kind(_POOL, _pool),
    "BatchNormalization": Kind(_NORM, _batch_norm),
    "Concatenate": Kind({"axis": _whole(-1, 4)}, _joined, joins=True),
    "Conv2D": Kind(_WINDOW | _FILTERS, _conv),
    "Dense": Kind(
        {"units": _whole(1, MOST_UNITS), "activation": _activation, "use_bias": _flag}, _dense
    ),
    "DepthwiseConv2D": Kind(_WINDOW | _TIMES, _depthwise),
    "ELU": Kind({"alpha": _number}, _alike),
    "Flatten": Kind(_LAST, _flattened),
    "GlobalAveragePooling2D": Kind(_KEEP, _global_pool),
    "GlobalMaxPooling2D": Kind(_KEEP, _global_pool),
    "LayerNormalization": Kind(_NORM, _normalised),
    "LeakyReLU": Kind({"negative_slope": _number, "alpha": _number}, _alike),
    "MaxPooling2D": Kind(_POOL, _pool),
    "Maximum": Kind({}, _together, joins=True),
    "Multiply": Kind({}, _together, joins=True),
    "ReLU": Kind(
        {
            "max_value": _perhaps(_number),
            "negative_slope": _number,
            "threshold": lambda value: _one_of(0.0)(_number(value)),
        },
        _alike,
    ),
    "Rescaling": Kind({"scale": _numbers, "offset": _numbers}, _alike),
    "Reshape": Kind({"target_shape": _target}, _reshaped),
    "SeparableConv2D": Kind(_WINDOW | _TIMES | {"filters": _FILTERS["filters"]}, _separable),
    "Softmax": Kind({"axis": _one_of(-1)}, _alike),
    "ZeroPadding2D": Kind(_LAST | {"padding": _margins}, _padded),
}
"""Every layer with something to do in a model that predicts, by Keras' name of its class."""

_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
"""Options that Keras 2 called otherwise."""
