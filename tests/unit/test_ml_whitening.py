"""The first layer's kernel from training images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.whitening import whitening_kernel


def pictures(count: int = 50, side: int = 12, channels: int = 3) -> NDArray[np.uint8]:
    random = np.random.default_rng(3)
    rough = random.integers(0, 256, (count, side, side, channels))
    smooth = (rough + np.roll(rough, 1, axis=1) + np.roll(rough, 1, axis=2)) // 3
    made: NDArray[np.uint8] = smooth.astype(np.uint8)
    return made


def fresh(side: int = 3, channels: int = 3, filters: int = 16) -> NDArray[np.float32]:
    return np.full((side, side, channels, filters), 7, np.float32)


def answers(images: NDArray[np.uint8], kernel: NDArray[np.float32]) -> Any:
    """What each filter makes of every patch [patches, filters]."""
    side = kernel.shape[0]
    views = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    patches = views.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel[..., 0].size)
    return (patches / 127.5 - 1) @ kernel.reshape(-1, kernel.shape[3])


def test_filters_answer_with_unit_variance_and_apart_from_each_other() -> None:
    images = pictures()
    kernel = whitening_kernel(images, fresh(), seed=0)
    half = answers(images, kernel)[:, :8]
    moments = half.T @ half / len(half)
    assert np.allclose(moments, np.eye(8), atol=0.1)


def test_every_direction_stands_there_with_either_sign() -> None:
    kernel = whitening_kernel(pictures(), fresh(), seed=0)
    assert np.array_equal(kernel[..., :8], -kernel[..., 8:])


def test_the_same_images_and_seed_give_the_same_kernel() -> None:
    first, second = (whitening_kernel(pictures(), fresh(), seed=5) for _ in range(2))
    assert np.array_equal(first, second)


def test_more_filters_than_directions_leave_the_rest_fresh() -> None:
    kernel = whitening_kernel(pictures(channels=1), fresh(channels=1, filters=24), seed=0)
    assert (kernel[..., 18:] == 7).all()
    assert not (kernel[..., :18] == 7).any()


@pytest.mark.parametrize("side", [1, 2])
def test_images_smaller_than_the_kernel_leave_it_fresh(side: int) -> None:
    assert np.array_equal(whitening_kernel(pictures(side=side), fresh(), seed=0), fresh())


def test_images_that_are_all_alike_still_give_finite_numbers() -> None:
    kernel = whitening_kernel(np.full((4, 8, 8, 3), 200, np.uint8), fresh(), seed=0)
    assert np.isfinite(kernel).all()
