"""From an ArchitectureSpec to a Keras model, and weights in and out of it by name.

Every network takes uint8 pictures [N, H, W, C], scales them itself, and gives float32 logits
[N, classes]. Only child processes import this module's libraries: TensorFlow is slow to start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ml.spec import MAX_MEMBERS, ArchitectureSpec
from ml.weights import under
from storage.errors import DatasetError

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

HEAD = "head"
"""The name of the layer that gives the logits."""

MOMENTUM = 0.9
"""What batch normalisation keeps of its running statistics. Keras' 0.99 is too slow for trainings
of a few hundred steps."""


STEM = "stem"
"""The name of the first layer."""


def build_network(
    spec: ArchitectureSpec, *, seed: int = 0, in_training: bool = False
) -> keras.Model:
    """The network with fresh weights, which depend on nothing but spec and seed. Of an ensemble,
    the members' logits are averaged. One `in_training` has the same weights and answers, and a
    faster normalisation that other programs could not load."""
    import keras

    image = keras.Input(spec.input.shape, dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    logits = [
        _member(spec, scaled, seed + at, _prefix(spec, at), in_training)
        for at in range(spec.members)
    ]
    together = keras.layers.Average(name="average")(logits) if spec.members > 1 else logits[0]
    return keras.Model(image, together, name="pixshelf")


def join_members(weights: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """An ensemble's weights from those of its networks, in their order; one network's stay as
    they are."""
    if len(weights) == 1:
        return dict(weights[0])
    return {
        _member_prefix(at) + name: array
        for at, member in enumerate(weights)
        for name, array in member.items()
    }


def member_weights(weights: Mapping[str, NDArray[Any]], at: int) -> dict[str, NDArray[Any]]:
    """Of an ensemble's weights, those of one of its networks, counted from 0 and round again; of
    one network's, all."""
    prefixes = [_member_prefix(place) for place in range(MAX_MEMBERS)]
    there = [prefix for prefix in prefixes if f"{prefix}{HEAD}/kernel" in weights]
    if not there:
        return dict(weights)
    return under(weights, there[at % len(there)])


def build_classifier(
    spec: ArchitectureSpec, weights: Mapping[str, NDArray[Any]], temperature: float
) -> keras.Model:
    """The network with its weights, giving calibrated probabilities in place of logits.

    Dividing logits by a temperature is dividing the last layer's weights by it, so the model is
    made of Keras' own layers alone. Raises DatasetError if the weights are not those of the spec.
    """
    import keras

    network = build_network(spec)
    scaled = {
        name: array / array.dtype.type(temperature) if f"{HEAD}/" in name else array
        for name, array in weights.items()
    }
    put_weights(network, scaled)
    answer = keras.layers.Softmax(name="probabilities")(network.output)
    return keras.Model(network.input, answer, name="pixshelf")


def take_weights(network: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Every weight, the statistics of batch normalisation included, by its name."""
    return {variable.path: variable.numpy() for variable in network.variables}


def put_weights(network: keras.Model, weights: Mapping[str, NDArray[Any]]) -> None:
    """Set every weight by its name. Raises DatasetError, having changed nothing, if a name or a
    shape is not the network's."""
    variables = {variable.path: variable for variable in network.variables}
    if variables.keys() != weights.keys():
        odd = sorted(variables.keys() ^ weights.keys())
        raise DatasetError(f"the model's weights are not those of its spec: {', '.join(odd)[:200]}")
    for name, variable in variables.items():
        if tuple(variable.shape) != weights[name].shape:
            raise DatasetError(
                f"the model's weights are not those of its spec: {name} has shape "
                f"{weights[name].shape}, not {tuple(variable.shape)}"
            )
    for name, variable in variables.items():
        variable.assign(weights[name])


def _member(spec: ArchitectureSpec, x: Any, seed: int, prefix: str, fused: bool) -> Any:
    """One network, from the scaled picture to its logits."""
    import keras

    layers = keras.layers
    fresh = _seeds(seed)
    stem = f"{prefix}{STEM}"
    x = _conv(x, stem, spec.stem_filters, next(fresh), spec.stem_kernel, spec.stem_stride)
    x = _normalised(x, stem, fused)
    for number, stage in enumerate(spec.stages, 1):
        for conv in range(1, stage.convs + 1):
            name = f"{prefix}stage{number}_conv{conv}"
            x = _conv(x, name, stage.filters, next(fresh))
            if stage.pool and conv == stage.convs:
                # Pooled before it is normalised: a quarter of the work for the same maximum.
                x = layers.MaxPooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
            x = _normalised(x, name, fused)
    kinds = {"average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
    x = kinds[spec.pooling](data_format="channels_last", name=f"{prefix}pool")(x)
    start = keras.initializers.GlorotUniform(seed=next(fresh))
    return layers.Dense(spec.classes, kernel_initializer=start, name=f"{prefix}{HEAD}")(x)


def _prefix(spec: ArchitectureSpec, at: int) -> str:
    """What the layers' names of a member begin with; those of a lone network with nothing."""
    return _member_prefix(at) if spec.members > 1 else ""


def _member_prefix(at: int) -> str:
    return f"member{at + 1}_"


def _conv(x: Any, name: str, filters: int, seed: int, kernel: int = 3, stride: int = 1) -> Any:
    import keras

    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,  # the normalisation that follows has one
        kernel_initializer=keras.initializers.HeNormal(seed=seed),
        data_format="channels_last",
        name=name,
    )(x)


def _normalised(x: Any, name: str, fused: bool) -> Any:
    import keras

    kind = _fused_normalisation() if fused else keras.layers.BatchNormalization
    norm = kind(momentum=MOMENTUM, name=f"{name}_norm")
    return keras.layers.ReLU(name=f"{name}_relu")(norm(x))


@cache
def _fused_normalisation() -> Any:
    """Batch normalisation by TensorFlow's own kernel, which Keras 3 does not use: a third of the
    time in training. Outside of training it is Keras' own."""
    import keras
    import tensorflow as tf

    class FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # untyped
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not training:
                return super().call(inputs, training=training, mask=mask)
            out, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                self.gamma.value,
                self.beta.value,
                epsilon=self.epsilon,
                is_training=True,
            )
            for kept, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + now * (1 - self.momentum))
            return out

    return FusedNormalization


def _seeds(seed: int) -> Any:
    """Another seed for each layer, so that no two of one shape start alike."""
    return iter(range(seed * 1_000, seed * 1_000 + 1_000))
