"""Network, loop and augmentation, with TensorFlow in this process: what a training rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.augment import LIMITS, augment
from ml.calibration import loss_and_accuracy
from ml.convert import check_parity, run_litert, to_litert
from ml.network import build_classifier, build_network, put_weights, take_weights
from ml.pixels import InputSpec
from ml.settings import Recipe
from ml.spec import ArchitectureSpec, Stage, design, parameters
from ml.trainer import Progress, Trainer, averaged, prepare_tensorflow
from ml.weights import from_bytes, to_bytes
from storage.errors import DatasetError, PixshelfError
from tests.ml_fixtures import digits

SMALL = ArchitectureSpec(InputSpec(8, 8, 1), 4, 3, 1, (Stage(8, 1, pool=True),), 10)
RECIPE = Recipe(
    epochs=3,
    steps=21,
    members=1,
    batch=32,
    peak_rate=0.01,
    weight_decay=0.05,
    label_smoothing=0.05,
    ema_decay=0.9,
    augment="light",
    flips=False,
    width=4,
)


@pytest.fixture(scope="module", autouse=True)
def tensorflow() -> None:
    prepare_tensorflow(None)


@pytest.fixture(scope="module")
def data() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    images, targets = digits()
    return images[:200, :, :, None], targets[:200].astype(np.int32)


def trainer(seed: int = 0, recipe: Recipe = RECIPE) -> Trainer:
    return Trainer(SMALL, recipe, seed=seed, steps_per_epoch=7)


def go_on(progress: Any) -> bool:
    return True


def digest(trained: Trainer) -> bytes:
    made = trained.checkpoint(0)
    return made.weights + made.optimizer


def test_training_learns(data: Any) -> None:
    made = trainer()
    before = loss_and_accuracy(made.logits(data[0]), data[1])
    for epoch in (1, 2, 3):
        made.run_epoch(*data, epoch, go_on)
    after = loss_and_accuracy(made.logits(data[0]), data[1])
    assert after[0] < before[0]
    assert after[1] > before[1]


def test_the_same_seed_gives_the_same_weights_and_another_one_others(data: Any) -> None:
    made = [trainer(seed) for seed in (0, 0, 1)]
    for each in made:
        each.run_epoch(*data, 1, go_on)
    assert digest(made[0]) == digest(made[1])
    assert digest(made[0]) != digest(made[2])


def test_a_checkpoint_goes_on_bit_for_bit(data: Any) -> None:
    straight = trainer()
    straight.run_epoch(*data, 1, go_on)
    kept = straight.checkpoint(1)
    straight.run_epoch(*data, 2, go_on)
    resumed = trainer(seed=0)
    resumed.restore(kept)
    resumed.run_epoch(*data, 2, go_on)
    assert resumed.steps == straight.steps == 14
    assert digest(resumed) == digest(straight)


def test_a_checkpoint_of_another_network_is_refused() -> None:
    other = ArchitectureSpec(InputSpec(8, 8, 1), 5, 3, 1, (Stage(8, 1, pool=True),), 10)
    foreign = Trainer(other, RECIPE, seed=0, steps_per_epoch=7).checkpoint(1)
    with pytest.raises(DatasetError, match="shape"):
        trainer().restore(foreign)


def test_an_epoch_ends_where_it_is_told_to(data: Any) -> None:
    made = trainer()
    steps = iter([True, True, False])
    assert made.run_epoch(*data, 1, lambda progress: next(steps)) is None
    assert made.steps == 3


def test_progress_counts_steps_and_means_over_the_epoch(data: Any) -> None:
    seen: list[Progress] = []

    def watch(progress: Any) -> bool:
        seen.append(progress())
        return True

    made = trainer()
    end = made.run_epoch(*data, 1, watch)
    assert end == seen[-1]
    assert [each.step for each in seen] == list(range(1, 8))
    assert all(0 <= each.accuracy <= 1 and each.loss > 0 for each in seen)


def test_a_loss_that_is_no_number_ends_the_training_with_its_reason(data: Any) -> None:
    made = trainer()
    weights = take_weights(made.network)
    put_weights(made.network, {name: array * np.nan for name, array in weights.items()})
    with pytest.raises(PixshelfError, match="no longer a number"):
        made.run_epoch(*data, 1, go_on)


def test_the_parameters_are_those_that_the_spec_counts() -> None:
    assert trainer().parameters == parameters(SMALL)


@pytest.mark.parametrize("side", [1, 3, 8, 28, 64])
def test_every_size_can_be_built_and_answers_with_logits(side: int) -> None:
    network = build_network(design(InputSpec(side, side, 3), classes=4, width=8))
    assert network(np.zeros((2, side, side, 3), np.uint8)).shape == (2, 4)


def test_weights_go_through_bytes_into_an_equal_network() -> None:
    first, second = build_network(SMALL, seed=1), build_network(SMALL, seed=2)
    put_weights(second, from_bytes(to_bytes(take_weights(first))))
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    assert np.array_equal(first(image).numpy(), second(image).numpy())


def test_weights_of_other_names_are_refused() -> None:
    network = build_network(SMALL)
    weights = take_weights(network)
    weights.pop("head/bias")
    with pytest.raises(DatasetError, match="head/bias"):
        put_weights(network, weights)


def test_the_average_follows_the_trained_weights(data: Any) -> None:
    made = trainer()
    made.run_epoch(*data, 1, go_on)
    weights = from_bytes(made.checkpoint(1).weights)
    now, mean = averaged(weights, "network/"), averaged(weights)
    assert now.keys() == mean.keys()
    assert not np.array_equal(now["head/kernel"], mean["head/kernel"])


@pytest.fixture(scope="module")
def converted() -> tuple[Any, bytes]:
    classifier = build_classifier(SMALL, take_weights(build_network(SMALL, seed=3)), 0.5)
    return classifier, to_litert(classifier)


def test_litert_answers_as_keras_does(converted: Any, data: Any) -> None:
    classifier, litert = converted
    expected = classifier(data[0]).numpy()
    assert check_parity(expected, run_litert(litert, data[0], 1)) < 1e-5


def test_litert_uses_its_own_operations_alone(converted: Any) -> None:
    assert b"Flex" not in converted[1]


def test_probabilities_are_those_of_the_logits_over_the_temperature(converted: Any) -> None:
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    logits = build_network(SMALL, seed=3)(image).numpy().astype(np.float64) / 0.5
    expected = np.exp(logits) / np.exp(logits).sum()
    assert np.allclose(converted[0](image).numpy(), expected, atol=1e-5)


def distorted(images: NDArray[np.uint8], *, seed: int = 0, epoch: int = 1, step: int = 0) -> Any:
    limits = LIMITS["strong"]
    assert limits is not None
    out = augment(images, limits=limits, flips=False, seed=seed, epoch=epoch, step=step)
    return out.numpy()


def test_distortions_are_a_function_of_seed_epoch_and_step(data: Any) -> None:
    images = data[0][:8]
    first = distorted(images)
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    assert np.array_equal(first, distorted(images))
    for other in ({"seed": 1}, {"epoch": 2}, {"step": 1}):
        assert not np.array_equal(first, distorted(images, **other))


def test_each_picture_of_a_batch_is_distorted_in_its_own_way(data: Any) -> None:
    same = np.repeat(data[0][:1], 4, axis=0)
    out = distorted(same)
    assert not np.array_equal(out[0], out[1])


def test_a_plain_picture_stays_plain_whatever_its_shade() -> None:
    white = np.full((16, 12, 10, 3), 255, np.uint8)
    assert np.array_equal(distorted(white), white)


def test_mirroring_turns_about_half_of_the_pictures() -> None:
    from ml.augment import Limits

    half = np.zeros((400, 8, 8, 1), np.uint8)
    half[:, :, :4] = 200
    still = Limits(turn=0, scale=0, shear=0, shift=0)
    out: Any = augment(half, limits=still, flips=True, seed=0, epoch=1, step=0)
    mirrored = int((out.numpy()[:, 4, 7, 0] == 200).sum())
    assert 150 < mirrored < 250
