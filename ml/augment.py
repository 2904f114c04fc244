"""Random distortions of training pictures: a pure function of (seed, epoch, step), for batches.

Each picture is turned, scaled, sheared, shifted and, where that is allowed, mirrored, in one
resampling. What moves in from outside is the nearest pixel of the border. Colour pictures are also
made brighter, darker, harder or softer, and lose a square to their mean colour (DeVries and
Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml.settings import Strength

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a picture may be distorted either way: `turn` in radians, `scale` as the natural
    logarithm of the factor, `shear` as a slope, `shift` as a share of the side. For colour
    pictures: `shade` as the natural logarithm of the factors of contrast and of brightness, `hole`
    as the share of the longer side that the lost square has."""

    turn: float
    scale: float
    shear: float
    shift: float
    shade: float = 0.0
    hole: float = 0.0


LIMITS: dict[Strength, Limits | None] = {
    "none": None,
    "light": Limits(turn=0.15, scale=0.08, shear=0.08, shift=0.05),
    "strong": Limits(turn=0.25, scale=0.15, shear=0.15, shift=0.09, shade=0.3, hole=0.3),
}


def augment(
    images: tf.Tensor, *, limits: Limits, flips: bool, seed: Any, epoch: Any, step: Any
) -> tf.Tensor:
    """uint8 [N, H, W, C] distorted, in the same form. `seed`, `epoch` and `step` (from the
    beginning of the run) may be tensors; equal arguments give equal pictures."""
    import tensorflow as tf

    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    when = tf.cast(epoch, tf.int64) * (1 << 32) + tf.cast(step, tf.int64)
    source = tf.stack([tf.cast(seed, tf.int64), when])
    random = tf.random.stateless_uniform((7, count), source, -1.0, 1.0)
    transforms = _transforms(random, limits, flips, height, width)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms,
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    if images.shape[3] == 3:
        moved = _shaded(moved, limits.shade, tf.random.stateless_uniform((2, count), source + 1))
        moved = _with_hole(moved, limits.hole, tf.random.stateless_uniform((2, count), source + 2))
    return tf.cast(tf.round(moved), tf.uint8)


def _shaded(images: Any, shade: float, random: Any) -> Any:
    """Contrast around the picture's mean, and brightness, each changed by a factor."""
    import tensorflow as tf

    if not shade:
        return images
    contrast, brightness = tf.unstack(tf.exp(shade * (2 * random - 1))[:, :, None, None, None])
    mean = tf.reduce_mean(images, [1, 2], keepdims=True)
    return tf.clip_by_value((images - mean) * contrast + mean * brightness, 0.0, 255.0)


def _with_hole(images: Any, hole: float, random: Any) -> Any:
    """A square around a point of the picture gives way to the mean colour."""
    import tensorflow as tf

    height, width = images.shape[1], images.shape[2]
    reach = hole * max(height, width) / 2
    if reach < 1:
        return images

    def near(side: int, place: Any) -> Any:
        return tf.abs(tf.range(side, dtype=tf.float32) + 0.5 - place[:, None] * side) < reach

    inside = near(height, random[0])[:, :, None] & near(width, random[1])[:, None, :]
    mean = tf.reduce_mean(images, [1, 2], keepdims=True)
    return tf.where(inside[..., None], mean, images)


def _transforms(random: Any, limits: Limits, flips: bool, height: int, width: int) -> Any:
    """From seven uniform numbers in [-1, 1] each, the 3x3 matrices [N, 8] that lead from a pixel
    of the result to its place in the picture."""
    import tensorflow as tf

    angle, grow = limits.turn * random[0], tf.exp(limits.scale * random[1])
    slope = limits.shear * random[2]
    right, down = limits.shift * width * random[3], limits.shift * height * random[4]
    stretch = tf.exp(0.5 * limits.scale * random[5])
    mirror = tf.where(random[6] < 0, -1.0, 1.0) if flips else 1.0
    cosine, sine = tf.cos(angle) / grow, tf.sin(angle) / grow
    xx, xy = mirror * cosine * stretch, slope - sine
    yx, yy = mirror * sine, cosine / stretch
    across, along = (width - 1) / 2, (height - 1) / 2
    none = tf.zeros_like(angle)
    return tf.stack(
        [
            xx,
            xy,
            across - xx * across - xy * along + right,
            yx,
            yy,
            along - yx * across - yy * along + down,
            none,
            none,
        ],
        axis=1,
    )
