"""How the weights move: Muon for the kernels within, AdamW for the first and the last layer.

Muon (Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024) moves a
matrix by its momentum with all singular values brought near one; five Newton-Schulz steps do
that. AdamW is that of Loshchilov and Hutter (2019). Both decays are apart from the gradient.
Everything is done by raw operations on the device's own copy of a variable, so that the copies of
several devices stay alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOMENTUM = 0.9
"""Muon's, with Nesterov's step ahead."""

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-7
"""Adam's own. 0.99 in place of 0.999 since a training may have only a few hundred steps."""

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Of the quintic that drives singular values to about one; Jordan's coefficients."""

ROUNDS = 5


class Optimizer:
    """The state of the optimizer, for `variables`; `matrices` says which of them Muon moves."""

    def __init__(
        self, variables: Sequence[Any], matrices: Sequence[bool], *, weight_decay: float
    ) -> None:
        import tensorflow as tf

        self._variables = list(variables)
        self._matrices = list(matrices)
        self._decay = weight_decay
        self._first = [tf.Variable(tf.zeros_like(value)) for value in self._variables]
        self._second = [
            None if matrix else tf.Variable(tf.zeros_like(value))
            for value, matrix in zip(self._variables, self._matrices, strict=True)
        ]

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Everything to go on from, by name."""
        return {name: slot.numpy() for name, slot in self._slots().items()}

    def names(self) -> set[str]:
        """The names in `state`."""
        return set(self._slots())

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go back to a state that has all of `names`."""
        for name, slot in self._slots().items():
            slot.assign(state[name])

    def apply(self, gradients: Sequence[Any], rates: Any, corrections: Any) -> None:
        """Move every variable: `rates` are Adam's and Muon's, `corrections` the powers of Adam's
        decays at this step. To be traced."""
        for gradient, value, matrix, first, second in zip(
            gradients, self._variables, self._matrices, self._first, self._second, strict=True
        ):
            rate = rates[1] if matrix else rates[0]
            if len(value.shape) > 1:  # decay pulls at kernels, not at biases and normalisations
                subtract(value, rate * self._decay * value)
            if matrix:
                _muon(value, gradient, first, rate)
            else:
                _adam(value, gradient, first, second, rate, corrections)

    def _slots(self) -> dict[str, Any]:
        slots = {f"first/{at}": slot for at, slot in enumerate(self._first)}
        return slots | {
            f"second/{at}": slot for at, slot in enumerate(self._second) if slot is not None
        }


def corrections(step: int) -> tuple[float, float]:
    """The powers of Adam's decays at a step, counted from 1."""
    return FIRST_DECAY**step, SECOND_DECAY**step


def subtract(variable: Any, change: Any) -> None:
    """Lessen this device's copy of a variable."""
    import tensorflow as tf

    tf.raw_ops.AssignSubVariableOp(resource=variable.handle, value=change)


def orthogonal(matrix: Any) -> Any:
    """The matrix [rows, columns] with its singular values brought between about 0.7 and 1.2."""
    import tensorflow as tf

    tall = matrix.shape[0] > matrix.shape[1]
    if tall:
        matrix = tf.transpose(matrix)
    # The greatest singular value is no more than the norm.
    matrix /= tf.norm(matrix) + EPSILON
    linear, cubic, quintic = NEWTON_SCHULZ
    for _ in range(ROUNDS):
        square = tf.matmul(matrix, matrix, transpose_b=True)
        square = cubic * square + quintic * tf.matmul(square, square)
        matrix = linear * matrix + tf.matmul(square, matrix)
    return tf.transpose(matrix) if tall else matrix


def _muon(value: Any, gradient: Any, momentum: Any, rate: Any) -> None:
    import tensorflow as tf

    running = MOMENTUM * momentum + gradient
    tf.raw_ops.AssignVariableOp(resource=momentum.handle, value=running)
    outputs = value.shape[-1]
    inputs = math.prod(value.shape[:-1])
    ahead = tf.reshape(gradient + MOMENTUM * running, [inputs, outputs])
    scale = math.sqrt(max(1.0, outputs / inputs))
    subtract(value, rate * scale * tf.reshape(orthogonal(ahead), value.shape))


def _adam(value: Any, gradient: Any, first: Any, second: Any, rate: Any, powers: Any) -> None:
    import tensorflow as tf

    tf.raw_ops.ResourceApplyAdam(
        var=value.handle,
        m=first.handle,
        v=second.handle,
        beta1_power=powers[0],
        beta2_power=powers[1],
        lr=rate,
        beta1=FIRST_DECAY,
        beta2=SECOND_DECAY,
        epsilon=EPSILON,
        grad=gradient,
    )
