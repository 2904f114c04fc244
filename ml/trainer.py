"""The training loop: Muon and AdamW on a one-cycle schedule, with a running average of the weights.

A Trainer holds a network, its optimizer and the average, and takes steps on arrays in memory. All
that is random is a function of (seed, epoch, step), so the same seed and arrays give the same
weights on the same machine. It imports TensorFlow, and knows neither datasets nor events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml import schedule
from ml.augment import LIMITS, augment
from ml.network import STEM, build_network, put_weights, take_weights
from ml.optimizer import Optimizer, corrections, subtract
from ml.order import batches
from ml.settings import Recipe
from ml.spec import ArchitectureSpec
from ml.weights import from_bytes, to_bytes, under
from ml.whitening import whitening_kernel
from storage.errors import DatasetError, PixshelfError
from storage.records import Checkpoint

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

EVAL_PIXELS = 1 << 20
"""Validation batches have about this many pixels."""


class Diverged(PixshelfError):
    """The training came apart: its loss or its weights are no longer numbers."""


class OutOfMemory(PixshelfError):
    """A batch does not fit in memory."""


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
    """A network in training on uint8 images [count, H, W, C] with integer targets [count].

    `steps` counts the batches taken. `rate_scale` multiplies the learning rate, and is lowered
    where a training came apart. With several `devices` (names as TensorFlow has them; by default
    every GPU there is) each takes its share of a batch.
    """

    def __init__(
        self,
        spec: ArchitectureSpec,
        recipe: Recipe,
        *,
        seed: int,
        steps_per_epoch: int,
        class_weights: tuple[float, ...] | None = None,
        devices: tuple[str, ...] | None = None,
    ) -> None:
        import tensorflow as tf

        self.spec = spec
        self.recipe = recipe
        self.seed = seed
        self.steps = 0
        self.seconds = 0.0
        self.rate_scale = 1.0
        self._steps_per_epoch = steps_per_epoch
        self._class_weights = class_weights
        self._strategy = _strategy(devices, most=recipe.batch)
        with self._strategy.scope():
            self.network = build_network(spec, seed=seed, in_training=True)
            self.average = build_network(spec, seed=seed)
            variables = self.network.trainable_variables
            self._trained = [variable.value for variable in variables]
            self._optimizer = Optimizer(
                self._trained,
                [_is_inner_kernel(variable) for variable in variables],
                weight_decay=recipe.weight_decay,
            )
            self._sums = tf.Variable(tf.zeros(2), aggregation=tf.VariableAggregation.SUM)
        self._step = tf.function(
            self._take_step,
            input_signature=[
                tf.TensorSpec([recipe.batch, *spec.input.shape], tf.uint8),
                tf.TensorSpec([recipe.batch], tf.int32),
                tf.TensorSpec([2], tf.int64),
                tf.TensorSpec([5], tf.float32),
            ],
            autograph=False,  # it would leave files behind in the temporary folder
            jit_compile=False,
        )
        self._logits = tf.function(
            lambda images: self.average(images, training=False),
            input_signature=[tf.TensorSpec([None, *spec.input.shape], tf.uint8)],
            autograph=False,
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
        """Train for one epoch (counted from 1), or for what is left of it after `restore`; None
        if `on_step` ended it.

        `on_step` is called after every step with a function that gives the Progress (which costs
        a little), and says whether to go on. Raises Diverged if the loss is no longer a number,
        OutOfMemory if a batch does not fit; either way the state is to be thrown away.
        """
        import numpy as np
        import tensorflow as tf

        before = (epoch - 1) * self._steps_per_epoch
        order = batches(self.seed, epoch, len(images), self.recipe.batch)
        order = order[: self.recipe.steps - before]
        done = self.steps - before
        if not 0 <= done < len(order):
            raise ValueError(f"epoch={epoch}: {self.steps} steps are taken, which is not within it")
        if done == 0:
            self._sums.assign(np.zeros(2, np.float32))
        began, earlier = time.perf_counter(), self.seconds
        seen = 0

        def progress() -> Progress:
            rows = (self.steps - before) * self.recipe.batch
            loss, right = (float(value) / rows for value in self._total())
            speed = seen / max(1e-9, self.seconds - earlier)
            return Progress(epoch, self.steps, loss, right, rate, speed, self.seconds)

        for indices in order[done:]:
            share = self.rate_scale * schedule.one_cycle(self.steps / self.recipe.steps)
            rate = self.recipe.peak_rate * share
            when = np.array([epoch, self.steps], np.int64)
            try:
                self._step(images[indices], targets[indices], when, self._scalars(share))
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                raise OutOfMemory(
                    f"a batch of {self.recipe.batch} does not fit in memory",
                    hint="choose a smaller --batch or --size",
                ) from error
            self.steps += 1
            seen += len(indices)
            self.seconds = earlier + time.perf_counter() - began
            if not on_step(progress):
                return None
        return progress()

    def logits(
        self, images: NDArray[np.uint8], *, alive: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The averaged network's logits [count, classes]. `alive` hears the count done so far.
        What does not fit in memory at once is done in smaller parts. Raises OutOfMemory if not even
        one image fits."""
        import numpy as np
        import tensorflow as tf

        batch = max(1, EVAL_PIXELS // (self.spec.input.height * self.spec.input.width))
        out = np.empty((len(images), self.spec.classes), np.float32)
        done = 0
        while done < len(images):
            part = images[done : done + batch]
            try:
                out[done : done + len(part)] = self._logits(part).numpy()
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                if len(part) == 1:
                    raise OutOfMemory(
                        "not even one image can be validated: it does not fit in memory",
                        hint="choose a smaller --size",
                    ) from error
                batch = len(part) // 2
                continue
            done += len(part)
            if alive is not None:
                alive(done)
        return out

    def checkpoint(self, epoch: int) -> Checkpoint:
        """All that is needed to go on from here, at an epoch's end or within one: trained and
        averaged weights, optimizer, step, the epoch's sums. Raises Diverged rather than keep what
        is no number."""
        import numpy as np

        weights = _prefixed("network/", self.network) | _prefixed("average/", self.average)
        slots: dict[str, NDArray[Any]] = dict(self._optimizer.state())
        slots["sums"] = np.array(self._total(), np.float32)
        slots["rate_scale"] = np.array([self.rate_scale])
        if not all(np.isfinite(array).all() for array in (*weights.values(), *slots.values())):
            raise self._diverged()
        return Checkpoint(epoch, self.steps, to_bytes(weights), to_bytes(slots))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a checkpoint of the same spec and recipe. Raises DatasetError for another."""
        weights = from_bytes(checkpoint.weights)
        slots = from_bytes(checkpoint.optimizer)
        if slots.keys() != self._optimizer.names() | {"sums", "rate_scale"}:
            raise DatasetError("the checkpoint's optimizer is not one of this network")
        for prefix, network in (("network/", self.network), ("average/", self.average)):
            put_weights(network, averaged(weights, prefix))
        self._optimizer.restore(slots)
        self._sums.assign(slots["sums"])
        self.rate_scale = float(slots["rate_scale"][0])
        self.steps = checkpoint.step

    def whiten(self, images: NDArray[np.uint8]) -> None:
        """Begin with a first layer made for these images (see ml.whitening)."""
        weights = take_weights(self.network)
        kernel = f"{STEM}/kernel"
        weights[kernel] = whitening_kernel(images, weights[kernel], self.seed)
        put_weights(self.network, weights)
        put_weights(self.average, weights)

    def start_from(self, weights: Mapping[str, NDArray[Any]]) -> list[str]:
        """Begin with every weight that fits by name and shape; the names of those left fresh."""
        left = []
        for network in (self.network, self.average):
            fitting = take_weights(network)
            for name, fresh in fitting.items():
                if name in weights and weights[name].shape == fresh.shape:
                    fitting[name] = weights[name]
                elif network is self.network:
                    left.append(name)
            put_weights(network, fitting)
        return left

    def _total(self) -> tuple[float, float]:
        """The epoch's sums of losses and right answers. Raises Diverged."""
        loss, right = self._sums.numpy().tolist()
        if not math.isfinite(loss):
            raise self._diverged()
        return loss, right

    def _diverged(self) -> Diverged:
        return Diverged(
            f"the training came apart at step {self.steps}: its loss is no longer a number",
            hint="try another --seed, or a larger --batch",
        )

    def _scalars(self, share: float) -> NDArray[np.float32]:
        """What changes from step to step, in one array: it crosses into TensorFlow once. `share`
        is that of the highest learning rates."""
        import numpy as np

        keep = schedule.averaging(self.recipe.ema_decay, self.steps)
        rates = (share * self.recipe.peak_rate, share * self.recipe.muon_rate)
        return np.array([*rates, *corrections(self.steps + 1), 1 - keep], np.float32)

    def _take_step(self, images: Any, targets: Any, when: Any, scalars: Any) -> None:
        """One batch: distort, differentiate, move the weights, and let the average follow."""
        everything = (images, targets, when, scalars)
        if self._strategy.num_replicas_in_sync == 1:
            self._take_share(*everything)
        else:
            self._strategy.run(self._take_share, args=everything)

    def _take_share(self, images: Any, targets: Any, when: Any, scalars: Any) -> None:
        """What one device does of a step: its share of the batch, the same move of the weights."""
        import tensorflow as tf

        recipe = self.recipe
        replica = tf.distribute.get_replica_context()
        seed, share = self.seed, 1.0
        if replica.num_replicas_in_sync > 1:
            images, targets, share, seed = self._share(replica, images, targets)
        limits = LIMITS[recipe.augment]
        if limits is not None:
            images = augment(
                images, limits=limits, flips=recipe.flips, seed=seed, epoch=when[0], step=when[1]
            )
        with tf.GradientTape() as tape:
            logits = self.network(images, training=True)
            losses = self._smoothed_loss(logits, targets)
            loss = tf.reduce_mean(losses) * share
        gradients = tape.gradient(loss, self._trained)
        if replica.num_replicas_in_sync > 1:
            gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        self._apply(gradients, scalars)
        plain = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        right = tf.equal(tf.argmax(logits, 1, tf.int32), targets)
        self._sums.assign_add(
            tf.stack([tf.reduce_sum(plain), tf.reduce_sum(tf.cast(right, tf.float32))])
        )

    def _share(self, replica: Any, images: Any, targets: Any) -> tuple[Any, Any, Any, Any]:
        """A device's images and targets, their share of the batch, and its own seed."""
        import tensorflow as tf

        count, place = replica.num_replicas_in_sync, replica.replica_id_in_sync_group
        low, high = place * self.recipe.batch // count, (place + 1) * self.recipe.batch // count
        share = tf.cast(high - low, tf.float32) / self.recipe.batch
        seed = self.seed + tf.cast(place, tf.int64) * (1 << 40)
        return images[low:high], targets[low:high], share, seed

    def _apply(self, gradients: Sequence[Any], scalars: Any) -> None:
        """Move the weights, then let their running average follow."""
        self._optimizer.apply(gradients, scalars[:2], scalars[2:4])
        for mean, now in zip(self.average.variables, self.network.variables, strict=True):
            subtract(mean.value, scalars[4] * (mean.value - now.value))

    def _smoothed_loss(self, logits: Any, targets: Any) -> Any:
        import tensorflow as tf

        smoothing, classes = self.recipe.label_smoothing, self.spec.classes
        truth = tf.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
        losses = tf.nn.softmax_cross_entropy_with_logits(truth, logits)
        if self._class_weights is not None:
            losses *= tf.gather(tf.constant(self._class_weights, tf.float32), targets)
        return losses


def _is_inner_kernel(variable: Any) -> bool:
    """Whether it is a convolution's kernel, but for the first layer's."""
    return len(variable.shape) == 4 and not variable.path.startswith(f"{STEM}/")


def _strategy(devices: tuple[str, ...] | None, most: int) -> Any:
    """How a step is spread: over the devices named, else over all GPUs, but no more of them than
    there are images in a batch; often there is one."""
    import tensorflow as tf

    named = devices or tuple(gpu.name for gpu in tf.config.list_logical_devices("GPU"))
    if min(len(named), most) < 2:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy(list(named[:most]))


def averaged(
    weights: dict[str, NDArray[np.generic]], prefix: str = "average/"
) -> dict[str, NDArray[np.generic]]:
    """Of a checkpoint's weights, those of one network; by default the averaged one's."""
    return under(weights, prefix)


def _prefixed(prefix: str, network: keras.Model) -> dict[str, NDArray[np.float32]]:
    return {prefix + name: array for name, array in take_weights(network).items()}
