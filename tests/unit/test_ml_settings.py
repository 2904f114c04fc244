"""Settings: what is refused, and what the presets come to for small and large datasets."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.settings import (
    AUGMENTS,
    LENGTHS,
    MAX_BATCH,
    MAX_ENSEMBLE,
    MAX_EPOCHS,
    MAX_MINUTES,
    MAX_SEED,
    MAX_SIZE,
    MAX_STEPS,
    MAX_THREADS,
    PRESETS,
    RESIZES,
    Recipe,
    TrainSettings,
    resolve,
)
from storage.errors import DatasetError, UsageError


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
        ("steps", 0),
        ("steps", 1.5),
        ("minutes", 0),
        ("minutes", -1.0),
        ("minutes", True),
        ("minutes", "5"),
        ("minutes", float("nan")),
        ("minutes", float("inf")),
        ("ensemble", 0),
        ("ensemble", 17),
        ("class_weights", "yes"),
        ("class_weights", None),
        ("start_from", 5),
        ("start_from", "\x1b[2J"),
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


def bounded(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(1, most)


LENGTH: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"epochs": st.integers(1, MAX_EPOCHS)}),
    st.fixed_dictionaries({"steps": st.integers(1, MAX_STEPS)}),
    st.fixed_dictionaries({"minutes": st.floats(0, MAX_MINUTES, exclude_min=True)}),
)
OTHERS = st.fixed_dictionaries(
    {
        "preset": st.sampled_from(PRESETS),
        "batch": bounded(MAX_BATCH),
        "seed": st.integers(0, MAX_SEED),
        "size": bounded(MAX_SIZE),
        "resize": st.none() | st.sampled_from(RESIZES),
        "augment": st.sampled_from(AUGMENTS),
        "threads": bounded(MAX_THREADS),
        "class_weights": st.booleans(),
        "start_from": st.none() | st.text(st.characters(categories=["L", "N"]), max_size=50),
        "ensemble": bounded(MAX_ENSEMBLE),
    }
)


@given(LENGTH, OTHERS)
def test_whatever_is_within_bounds_survives_its_own_json(
    length: dict[str, Any], others: dict[str, Any]
) -> None:
    settings = TrainSettings(**length, **others)
    assert TrainSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@given(LENGTH, OTHERS, st.integers(1, 2_000_000))
def test_whatever_is_within_bounds_has_a_recipe_that_hangs_together(
    length: dict[str, Any], others: dict[str, Any], images: int
) -> None:
    settings = TrainSettings(**length, **others)
    recipe = resolve(settings, images=images, height=28, width=28, channels=1)
    per_epoch = -(-images // recipe.batch)
    assert 1 <= recipe.batch <= images
    assert (recipe.epochs - 1) * per_epoch < recipe.steps <= recipe.epochs * per_epoch
    assert settings.steps in (None, recipe.steps)
    assert settings.epochs in (None, recipe.epochs)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.sampled_from([field.name for field in fields(TrainSettings)]), JUNK)
def test_any_value_is_taken_or_refused_by_name(field: str, value: Any) -> None:
    try:
        settings = TrainSettings.from_json({field: value})
    except UsageError as error:
        refused = error.message
    else:
        assert getattr(settings, field) == value
        return
    assert refused.startswith(f"{field}: received")


@pytest.mark.parametrize("pair", list(itertools.combinations(LENGTHS, 2)))
def test_two_ways_of_saying_how_long_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=f"{pair[0]} and {pair[1]}: received both") as refused:
        TrainSettings.from_json(dict.fromkeys(pair, 3))
    assert refused.value.hint


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


@pytest.mark.parametrize(("images", "strength"), [(900, "strong"), (9_000, "light")])
def test_a_few_photos_are_distorted_more_than_many(images: int, strength: str) -> None:
    recipe = resolve(TrainSettings(), images=images, height=64, width=64, channels=3)
    assert recipe.augment == strength


@pytest.mark.parametrize(
    ("chosen", "strength"),
    [({"epochs": 3}, "none"), ({"epochs": 12}, "light"), ({"minutes": 2.0}, "light")],
)
def test_many_digits_are_distorted_once_they_are_seen_often(
    chosen: dict[str, Any], strength: str
) -> None:
    assert digits_recipe(TrainSettings(**chosen), images=60_000).augment == strength


def test_a_training_that_starts_from_a_model_goes_slower() -> None:
    fresh, taught = (digits_recipe(TrainSettings(start_from=model)) for model in (None, "old"))
    assert taught.peak_rate < fresh.peak_rate
    assert taught.muon_rate < fresh.muon_rate


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch", 0),
        ("batch", -4),
        ("batch", 10**12),
        ("batch", True),
        ("epochs", 0),
        ("steps", -1),
        ("members", 0),
        ("members", 17),
        ("members", "3"),
        ("members", None),
        ("width", 10**6),
        ("peak_rate", float("nan")),
        ("muon_rate", float("inf")),
        ("weight_decay", -1.0),
        ("augment", "zap"),
        ("flips", 1),
    ],
)
def test_a_stored_recipe_out_of_bounds_is_refused_by_its_field(field: str, value: Any) -> None:
    stored = digits_recipe(TrainSettings()).to_json() | {field: value}
    with pytest.raises(DatasetError, match=field):
        Recipe.from_json(stored)


def test_a_recipe_survives_its_own_json() -> None:
    recipe = digits_recipe(TrainSettings(ensemble=2))
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
