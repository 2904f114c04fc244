"""The training loop: AdamW on a one-cycle schedule, with a running average of the weights.

A Trainer holds a network, its optimizer and the average, and takes steps on arrays in memory. All
that is random is a function of (seed, epoch, step), so the same seed and arrays give the same
weights on the same machine. It imports TensorFlow, and knows neither datasets nor events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml import schedule
from ml.augment import LIMITS, augment
from ml.network import build_network, put_weights, take_weights
from ml.order import batches
from ml.settings import Recipe
from ml.spec import ArchitectureSpec
from ml.weights import from_bytes, to_bytes
from storage.errors import DatasetError, PixshelfError
from storage.records import Checkpoint

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-7
"""Adam's own. 0.99 in place of 0.999 since a training may have only a few hundred steps."""

EVAL_PIXELS = 1 << 20
"""Validation batches have about this many pixels."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training is. `step` counts from 1 over the whole run; `loss` (mean cross-entropy in
    nats) and `accuracy` are over the epoch so far, `seconds` is time spent in steps."""

    epoch: int
    step: int
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float


def prepare_tensorflow(threads: int | None) -> None:
    """Settle what TensorFlow and Keras take from the process or the user's home: threads,
    determinism, number format. To be called once, before anything is built."""
    import keras
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    # A user's ~/.keras/keras.json may say otherwise.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")


class Trainer:
    """A network in training on uint8 images [count, H, W, C] with integer targets [count]."""

    def __init__(
        self, spec: ArchitectureSpec, recipe: Recipe, *, seed: int, steps_per_epoch: int
    ) -> None:
        import tensorflow as tf

        self.spec = spec
        self.recipe = recipe
        self.seed = seed
        self.total_steps = recipe.steps
        self.steps = 0
        self.seconds = 0.0
        self.network = build_network(spec, seed=seed)
        self.average = build_network(spec, seed=seed)
        self._trained = [variable.value for variable in self.network.trainable_variables]
        self._first = [tf.Variable(tf.zeros_like(value)) for value in self._trained]
        self._second = [tf.Variable(tf.zeros_like(value)) for value in self._trained]
        self._sums = tf.Variable(tf.zeros(2))
        self._step = tf.function(
            self._take_step,
            input_signature=[
                tf.TensorSpec([recipe.batch, *spec.input.shape], tf.uint8),
                tf.TensorSpec([recipe.batch], tf.int32),
                tf.TensorSpec([2], tf.int64),
                tf.TensorSpec([4], tf.float32),
            ],
            jit_compile=False,
        )
        self._logits = tf.function(
            lambda images: self.average(images, training=False),
            input_signature=[tf.TensorSpec([None, *spec.input.shape], tf.uint8)],
            jit_compile=False,
        )

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(math.prod(value.shape) for value in self._trained)

    def run_epoch(
        self,
        images: NDArray[np.uint8],
        targets: NDArray[np.int32],
        epoch: int,
        on_step: Callable[[Callable[[], Progress]], bool],
    ) -> Progress | None:
        """Train for one epoch (counted from 1); None if `on_step` ended it.

        `on_step` is called after every step with a function that gives the Progress (which costs
        a little), and says whether to go on. Raises PixshelfError if the loss is no longer a
        number.
        """
        import numpy as np

        self._sums.assign(np.zeros(2, np.float32))
        order = batches(self.seed, epoch, len(images), self.recipe.batch)
        seen, began, before = 0, time.perf_counter(), self.seconds
        rate = 0.0

        def progress() -> Progress:
            loss, right = (float(value) / seen for value in self._sums.numpy())
            if not math.isfinite(loss):
                raise PixshelfError(
                    f"the training came apart at step {self.steps}: its loss is no longer a number",
                    hint="try another --seed, or a larger --batch",
                )
            speed = seen / max(1e-9, self.seconds - before)
            return Progress(epoch, self.steps, loss, right, rate, speed, self.seconds)

        for indices in order:
            rate = self.recipe.peak_rate * schedule.one_cycle(self.steps / self.total_steps)
            when = np.array([epoch, self.steps], np.int64)
            self._step(images[indices], targets[indices], when, self._scalars(rate))
            self.steps += 1
            seen += len(indices)
            self.seconds = before + time.perf_counter() - began
            if not on_step(progress):
                return None
        return progress()

    def logits(
        self, images: NDArray[np.uint8], *, alive: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The averaged network's logits [count, classes]. `alive` hears the count done so far."""
        import numpy as np

        batch = max(1, EVAL_PIXELS // (self.spec.input.height * self.spec.input.width))
        out = np.empty((len(images), self.spec.classes), np.float32)
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            out[start : start + len(part)] = self._logits(part).numpy()
            if alive is not None:
                alive(start + len(part))
        return out

    def checkpoint(self, epoch: int) -> Checkpoint:
        """All that is needed to go on from here: trained and averaged weights, optimizer, step."""
        weights = _prefixed("network/", self.network) | _prefixed("average/", self.average)
        slots = {f"first/{at}": value.numpy() for at, value in enumerate(self._first)}
        slots |= {f"second/{at}": value.numpy() for at, value in enumerate(self._second)}
        return Checkpoint(epoch, self.steps, to_bytes(weights), to_bytes(slots))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a checkpoint of the same spec and recipe. Raises DatasetError for another."""
        weights = from_bytes(checkpoint.weights)
        for prefix, network in (("network/", self.network), ("average/", self.average)):
            put_weights(network, averaged(weights, prefix))
        slots = from_bytes(checkpoint.optimizer)
        names = {f"{kind}/{at}" for kind in ("first", "second") for at in range(len(self._trained))}
        if slots.keys() != names:
            raise DatasetError("the checkpoint's optimizer is not one of this network")
        for at, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            first.assign(slots[f"first/{at}"])
            second.assign(slots[f"second/{at}"])
        self.steps = checkpoint.step

    def _scalars(self, rate: float) -> NDArray[np.float32]:
        """What changes from step to step, in one array: it crosses into TensorFlow once."""
        import numpy as np

        count = self.steps + 1
        keep = schedule.averaging(self.recipe.ema_decay, self.steps)
        return np.array([rate, FIRST_DECAY**count, SECOND_DECAY**count, 1 - keep], np.float32)

    def _take_step(self, images: Any, targets: Any, when: Any, scalars: Any) -> None:
        """One batch: distort, differentiate, move the weights, and let the average follow."""
        import tensorflow as tf

        recipe = self.recipe
        limits = LIMITS[recipe.augment]
        if limits is not None:
            images = augment(
                images,
                limits=limits,
                flips=recipe.flips,
                seed=self.seed,
                epoch=when[0],
                step=when[1],
            )
        with tf.GradientTape() as tape:
            logits = self.network(images, training=True)
            loss = tf.reduce_mean(self._smoothed_loss(logits, targets))
        gradients = tape.gradient(loss, self._trained)
        rate = scalars[0]
        for gradient, value, first, second in zip(
            gradients, self._trained, self._first, self._second, strict=True
        ):
            if len(value.shape) > 1:  # decay pulls at kernels, not at biases and normalisations
                value.assign_sub(rate * recipe.weight_decay * value)
            tf.raw_ops.ResourceApplyAdam(
                var=value.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=scalars[1],
                beta2_power=scalars[2],
                lr=rate,
                beta1=FIRST_DECAY,
                beta2=SECOND_DECAY,
                epsilon=EPSILON,
                grad=gradient,
            )
        for mean, now in zip(self.average.variables, self.network.variables, strict=True):
            mean.value.assign_sub(scalars[3] * (mean.value - now.value))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        right = tf.equal(tf.argmax(logits, 1, tf.int32), targets)
        self._sums.assign_add(
            tf.stack([tf.reduce_sum(losses), tf.reduce_sum(tf.cast(right, tf.float32))])
        )

    def _smoothed_loss(self, logits: Any, targets: Any) -> Any:
        import tensorflow as tf

        smoothing, classes = self.recipe.label_smoothing, self.spec.classes
        truth = tf.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
        return tf.nn.softmax_cross_entropy_with_logits(truth, logits)


def averaged(
    weights: dict[str, NDArray[np.generic]], prefix: str = "average/"
) -> dict[str, NDArray[np.generic]]:
    """Of a checkpoint's weights, those of one network; by default the averaged one's."""
    return {
        name.removeprefix(prefix): array
        for name, array in weights.items()
        if name.startswith(prefix)
    }


def _prefixed(prefix: str, network: keras.Model) -> dict[str, NDArray[np.float32]]:
    return {prefix + name: array for name, array in take_weights(network).items()}
