"""Network, loop and augmentation, with TensorFlow in this process: what a training rests on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.augment import LIMITS, augment
from ml.calibration import loss_and_accuracy
from ml.child import environment
from ml.convert import check_parity, run_litert, to_litert
from ml.network import (
    build_classifier,
    build_network,
    join_members,
    member_weights,
    put_weights,
    take_weights,
)
from ml.optimizer import orthogonal
from ml.pixels import InputSpec
from ml.settings import Recipe
from ml.spec import ArchitectureSpec, Stage, design, parameters
from ml.trainer import Diverged, OutOfMemory, Progress, Trainer, averaged, prepare_tensorflow
from ml.weights import from_bytes, to_bytes
from storage.errors import DatasetError
from storage.records import Checkpoint
from tests.ml_fixtures import digits

SMALL = ArchitectureSpec(InputSpec(8, 8, 1), 4, 3, 1, (Stage(8, 1, pool=True),), 10)
RECIPE = Recipe(
    epochs=3,
    steps=21,
    members=1,
    batch=32,
    peak_rate=0.01,
    muon_rate=0.05,
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


def test_a_checkpoint_from_within_an_epoch_goes_on_bit_for_bit(data: Any) -> None:
    straight = trainer()
    straight.run_epoch(*data, 1, go_on)
    kept: list[Checkpoint] = []

    def keep_the_third(progress: Any) -> bool:
        if straight.steps == 10:
            kept.append(straight.checkpoint(2))
        return True

    end = straight.run_epoch(*data, 2, keep_the_third)
    resumed = trainer()
    resumed.restore(kept[0])
    resumed_end = resumed.run_epoch(*data, 2, go_on)
    assert digest(resumed) == digest(straight)
    assert end is not None
    assert resumed_end is not None
    assert (resumed_end.loss, resumed_end.accuracy) == (end.loss, end.accuracy)


def test_a_training_may_end_within_an_epoch(data: Any) -> None:
    made = trainer(recipe=replace(RECIPE, steps=10, epochs=2))
    made.run_epoch(*data, 1, go_on)
    made.run_epoch(*data, 2, go_on)
    assert made.steps == 10
    with pytest.raises(ValueError, match="epoch=2"):
        made.run_epoch(*data, 2, go_on)


def test_a_lowered_rate_is_part_of_the_checkpoint(data: Any) -> None:
    made = trainer()
    made.rate_scale = 0.25
    other = trainer()
    other.restore(made.checkpoint(0))
    assert other.rate_scale == 0.25


def test_weights_that_are_no_numbers_are_not_kept() -> None:
    made = trainer()
    weights = take_weights(made.network)
    put_weights(made.network, {name: array * np.nan for name, array in weights.items()})
    with pytest.raises(Diverged, match="came apart"):
        made.checkpoint(1)


def test_a_batch_that_does_not_fit_is_told_by_its_size(
    data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def out_of_memory(*given: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    made = trainer()
    monkeypatch.setattr(made, "_step", out_of_memory)
    with pytest.raises(OutOfMemory, match="32"):
        made.run_epoch(*data, 1, go_on)


def test_starting_from_weights_takes_over_all_that_fits(data: Any) -> None:
    taught = trainer(seed=1)
    taught.run_epoch(*data, 1, go_on)
    weights = take_weights(taught.average)
    again = trainer()
    assert again.start_from(weights) == []
    assert np.array_equal(again.logits(data[0]), taught.logits(data[0]))
    fewer = Trainer(replace(SMALL, classes=3), RECIPE, seed=0, steps_per_epoch=7)
    assert sorted(fewer.start_from(weights)) == ["head/bias", "head/kernel"]
    assert np.array_equal(take_weights(fewer.network)["stem/kernel"], weights["stem/kernel"])


def test_a_label_with_more_weight_is_guessed_more_often(data: Any) -> None:
    favoured = Trainer(SMALL, RECIPE, seed=0, steps_per_epoch=7, class_weights=(20.0, *[0.05] * 9))
    plain = trainer()
    for made in (favoured, plain):
        for epoch in (1, 2, 3):
            made.run_epoch(*data, epoch, go_on)
    zeros = [(made.logits(data[0]).argmax(axis=1) == 0).sum() for made in (favoured, plain)]
    assert zeros[0] > 2 * zeros[1]


MIRRORED = """
from dataclasses import replace
import numpy as np
import tensorflow as tf
from tests.ml.test_network import RECIPE, SMALL, digits
from ml.trainer import Trainer, prepare_tensorflow

processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
prepare_tensorflow(None)
images, targets = digits()
images, targets = images[:200, :, :, None], targets[:200].astype(np.int32)


def made(devices):
    recipe = replace(RECIPE, batch=31)
    return Trainer(SMALL, recipe, seed=0, steps_per_epoch=7, devices=devices)


def loss(trainer):
    logits = trainer.logits(images)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits).numpy().mean()


two, one = made(("CPU:0", "CPU:1")), made(None)
assert type(two._strategy).__name__ == "MirroredStrategy"
# With a last layer of zeros its bias's gradient is the labels' alone, and Adam's first moment after
# a step is a tenth of it: the shares of the devices must add up to one.
moments = []
for trainer in (made(("CPU:0", "CPU:1")), made(None)):
    last = trainer.network.get_layer("head")
    last.set_weights([0 * array for array in last.get_weights()])
    trainer.run_epoch(images, targets, 1, lambda progress: False)
    moments.append(trainer._optimizer.state()[f"first/{len(trainer._trained) - 1}"])
assert max(np.abs(moments[0])) > 1e-3
assert np.allclose(*moments, rtol=1e-4), moments
lone = Trainer(SMALL, replace(RECIPE, batch=1), seed=0, steps_per_epoch=200,
               devices=("CPU:0", "CPU:1"))
lone.run_epoch(images, targets, 1, lambda progress: False)
before = loss(two)
for trainer in (two, one):
    for epoch in (1, 2):
        end = trainer.run_epoch(images, targets, epoch, lambda progress: True)
    assert end.step == 14
kept = two.checkpoint(2)
for variable in two.network.trainable_variables:
    copies = [copy.numpy() for copy in variable.value.values]
    assert np.array_equal(copies[0], copies[1]), variable.path
for trainer in (two, one):
    trainer.run_epoch(images, targets, 3, lambda progress: True)
again = made(("CPU:0", "CPU:1"))
again.restore(kept)
again.run_epoch(images, targets, 3, lambda progress: True)
assert np.array_equal(again.logits(images), two.logits(images))
print(before, loss(two), loss(one))
"""


def test_several_devices_share_each_batch_and_stay_alike() -> None:
    """Two logical processors in a process of its own: devices are fixed once TensorFlow starts."""
    said = subprocess.run(
        [sys.executable, "-c", MIRRORED],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert said.returncode == 0, said.stderr[-2_000:]
    before, two, one = map(float, said.stdout.split())
    assert two < before
    assert abs(two - one) < 0.25 * (before - one)


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
    with pytest.raises(Diverged, match="no longer a number"):
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


def test_an_ensemble_answers_with_the_mean_of_its_members_logits() -> None:
    networks = [build_network(SMALL, seed=seed) for seed in (1, 2)]
    spec = replace(SMALL, members=2)
    ensemble = build_network(spec)
    put_weights(ensemble, join_members([take_weights(each) for each in networks]))
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    mean = (networks[0](image) + networks[1](image)) / 2
    assert np.allclose(ensemble(image), mean, atol=1e-6)
    assert parameters(spec) == 2 * parameters(SMALL)


def test_each_network_of_an_ensemble_can_be_taken_out_of_it_again() -> None:
    networks = [take_weights(build_network(SMALL, seed=seed)) for seed in (1, 2)]
    together = join_members(networks)
    for at in range(4):
        taken = member_weights(together, at)
        assert taken.keys() == networks[at % 2].keys()
        assert all(np.array_equal(taken[name], networks[at % 2][name]) for name in taken)
    assert member_weights(networks[0], 1).keys() == networks[0].keys()


def test_validation_that_does_not_fit_in_memory_is_done_in_parts(
    data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    made = trainer()
    expected = made.logits(data[0])
    whole = made._logits

    def small_memory(images: Any) -> Any:
        if len(images) > 30:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return whole(images)

    monkeypatch.setattr(made, "_logits", small_memory)
    assert np.allclose(made.logits(data[0]), expected, atol=1e-5)


def test_an_ensemble_is_calibrated_and_converted_like_one_network(data: Any) -> None:
    members = join_members([take_weights(build_network(SMALL, seed=seed)) for seed in (1, 2, 3)])
    classifier = build_classifier(replace(SMALL, members=3), members, 0.5)
    expected = classifier(data[0]).numpy()
    assert check_parity(expected, run_litert(to_litert(classifier), data[0], 1)) < 1e-5
    plain = build_classifier(replace(SMALL, members=3), members, 1.0)(data[0]).numpy()
    assert np.allclose(plain**2 / (plain**2).sum(axis=1, keepdims=True), expected, atol=1e-5)


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
    white = np.full((16, 12, 10, 1), 255, np.uint8)
    assert np.array_equal(distorted(white), white)


def test_colour_pictures_change_their_brightness() -> None:
    grey = np.full((16, 12, 10, 3), 100, np.uint8)
    means = distorted(grey).mean(axis=(1, 2, 3))
    assert means.std() > 5
    assert (np.abs(means - 100) < 40).all()


def test_a_colour_picture_loses_a_square_to_its_mean() -> None:
    from ml.augment import Limits

    stripes = np.zeros((8, 20, 20, 3), np.uint8)
    stripes[:, ::2] = 200
    still = Limits(turn=0, scale=0, shear=0, shift=0, hole=0.3)
    out: Any = augment(stripes, limits=still, flips=False, seed=0, epoch=1, step=0)
    lost = (out.numpy() == 100).all(axis=3)
    assert (lost.sum(axis=(1, 2)) <= 36).all()
    assert (lost.sum(axis=(1, 2)) >= 9).all()


def test_a_matrix_is_made_nearly_orthogonal() -> None:
    made: Any = orthogonal(np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32))
    values = np.linalg.svd(made.numpy(), compute_uv=False)
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_a_network_in_training_has_the_weights_and_answers_of_the_plain_one(data: Any) -> None:
    plain, fast = build_network(SMALL, seed=1), build_network(SMALL, seed=1, in_training=True)
    weights = take_weights(plain)
    assert weights.keys() == take_weights(fast).keys()
    assert np.array_equal(plain(data[0]).numpy(), fast(data[0]).numpy())
    expected, found = plain(data[0], training=True), fast(data[0], training=True)
    assert np.allclose(expected, found, atol=1e-4)
    moved, by_keras = take_weights(fast), take_weights(plain)
    for name, value in moved.items():
        assert np.allclose(value, by_keras[name], rtol=2e-2, atol=1e-5), name


def test_the_first_layer_can_begin_with_what_the_pictures_are_made_of(data: Any) -> None:
    made = trainer()
    made.whiten(data[0])
    kernel = take_weights(made.network)["stem/kernel"]
    assert np.array_equal(kernel[..., 0], -kernel[..., 2])
    assert np.array_equal(kernel, take_weights(made.average)["stem/kernel"])


def test_mirroring_turns_about_half_of_the_pictures() -> None:
    from ml.augment import Limits

    half = np.zeros((400, 8, 8, 1), np.uint8)
    half[:, :, :4] = 200
    still = Limits(turn=0, scale=0, shear=0, shift=0)
    out: Any = augment(half, limits=still, flips=True, seed=0, epoch=1, step=0)
    mirrored = int((out.numpy()[:, 4, 7, 0] == 200).sum())
    assert 150 < mirrored < 250
