"""Settings: what is refused, and what the presets come to for small and large datasets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml.settings import PRESETS, Recipe, TrainSettings, resolve
from storage.errors import UsageError


def digits_recipe(settings: TrainSettings, images: int = 1_430) -> Recipe:
    return resolve(settings, images=images, height=8, width=8, channels=1)


def test_settings_survive_their_own_json() -> None:
    settings = TrainSettings(
        preset="quick", epochs=3, seed=7, query="tag:x", name="mine", threads=2
    )
    assert TrainSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_a_field_left_out_has_its_default() -> None:
    assert TrainSettings.from_json({"seed": 3}) == TrainSettings(seed=3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("preset", "fast"),
        ("preset", None),
        ("epochs", 0),
        ("epochs", 2.0),
        ("epochs", True),
        ("batch", -1),
        ("batch", 10**9),
        ("seed", -1),
        ("seed", None),
        ("seed", 2**31),
        ("size", 0),
        ("size", 1_025),
        ("resize", "squash"),
        ("augment", "wild"),
        ("query", 5),
        ("query", "x" * 2_001),
        ("name", "two\nlines"),
        ("threads", 0),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(UsageError) as refused:
        TrainSettings.from_json({field: value})
    assert refused.value.message.startswith(f"{field}: received")


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="unknown field 'epoch'"):
        TrainSettings.from_json({"epoch": 3})


def test_settings_that_are_no_object_are_refused() -> None:
    with pytest.raises(UsageError, match="expected an object"):
        TrainSettings.from_json([])  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_spends_more_epochs_on_a_small_dataset(preset: Any) -> None:
    settings = TrainSettings(preset=preset)
    assert digits_recipe(settings).epochs > digits_recipe(settings, 54_000).epochs


def test_each_preset_sees_more_pictures_than_the_one_before() -> None:
    spent = [digits_recipe(TrainSettings(preset=preset)).epochs for preset in PRESETS]
    assert spent == sorted(set(spent))


def test_what_was_chosen_is_kept() -> None:
    recipe = digits_recipe(TrainSettings(epochs=3, batch=50, augment="strong"))
    assert (recipe.epochs, recipe.batch, recipe.augment) == (3, 50, "strong")


def test_a_batch_is_never_larger_than_the_training_set() -> None:
    assert digits_recipe(TrainSettings(batch=512), images=9).batch == 9


def test_a_tiny_training_set_still_gets_some_hundred_steps() -> None:
    recipe = digits_recipe(TrainSettings(), images=10)
    assert recipe.epochs * (10 // recipe.batch) >= 300


def test_small_grey_pictures_are_never_mirrored() -> None:
    recipe = resolve(TrainSettings(preset="thorough"), images=900, height=32, width=32, channels=1)
    assert recipe.flips is False


def test_colour_pictures_may_be_mirrored() -> None:
    recipe = resolve(TrainSettings(), images=900, height=64, width=64, channels=3)
    assert recipe.flips is True
    assert recipe.augment == "light"
