"""Occlusion maps: where they peak, what they promise for any patch, and how they are drawn."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.explaining import MAX_POSITIONS, occlusion_map
from ml.heat import colours, overlay, strengths, to_png
from ml.pixels import InputSpec
from ml.predicting import Predictor
from storage.errors import RefusedInput, UsageError
from storage.pictures import open_picture
from storage.records import ModelRecord, NewModel
from tests.ml_fixtures import as_record, linear_litert
from tui.plain.heatmap import heatmap_lines, unmapped_lines

LABELS = ("here", "elsewhere")
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 20, 3), (128, 128, 3)]
CORNERS = [(0, 0), (0, -1), (-1, 0), (-1, -1)]


def record(spec: InputSpec) -> ModelRecord:
    return as_record(
        NewModel(
            name="corner",
            labels=LABELS,
            spec={"input": spec.to_json()},
            parameters=2,
            weights=b"none",
            litert=b"",
            temperature=1.0,
        )
    )


@cache
def looking_at(shape: tuple[int, int, int], row: int, column: int, strength: float) -> Predictor:
    """A model that says 'here' the surer the brighter a 2x2 square at this corner is."""
    spec = InputSpec(*shape)
    seen = np.zeros(shape, np.float32)
    down = slice(0, 2) if row == 0 else slice(-2, None)
    across = slice(0, 2) if column == 0 else slice(-2, None)
    seen[down, across] = strength
    weights = np.stack([seen.ravel(), -seen.ravel()])
    litert = linear_litert(weights, np.zeros(2, np.float32), spec)
    return Predictor(record(spec), litert, threads=1)


def lit_at(shape: tuple[int, int, int], row: int, column: int) -> np.ndarray:
    """A black picture with that corner and something in the middle in white."""
    pixels = np.zeros(shape, np.uint8)
    down = slice(0, 2) if row == 0 else slice(-2, None)
    across = slice(0, 2) if column == 0 else slice(-2, None)
    pixels[down, across] = 255
    pixels[shape[0] // 2, shape[1] // 2] = 255
    return pixels


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("row", "column"), CORNERS)
def test_a_model_that_looks_at_one_corner_gets_a_map_that_peaks_there(
    shape: tuple[int, int, int], row: int, column: int
) -> None:
    predictor = looking_at(shape, row, column, 0.001)
    heat = occlusion_map(predictor, lit_at(shape, row, column))
    assert (heat.shape, heat.dtype) == (shape[:2], np.float32)
    assert heat[row, column] == heat.max() > 0.05
    middle = heat[shape[0] // 2, shape[1] // 2]
    assert middle == pytest.approx(0, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_patch_and_stride_hide_every_pixel_and_keep_to_the_bounds(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(8, 8, 1), (5, 9, 3), (3, 2, 1)]))
    patch = data.draw(st.integers(1, min(shape[:2])))
    stride = data.draw(st.integers(1, patch))
    pixels = np.array(data.draw(st.lists(st.integers(0, 255), min_size=9, max_size=9)), np.uint8)
    pixels = np.resize(pixels, shape)
    predictor = looking_at(shape, 0, 0, 0.01)
    heat = occlusion_map(predictor, pixels, patch=patch, stride=stride)
    assert heat.shape == shape[:2]
    assert np.isfinite(heat).all()
    assert np.abs(heat).max() <= 1


def test_of_two_labels_the_other_ones_map_is_the_opposite() -> None:
    shape = (8, 8, 1)
    predictor = looking_at(shape, 0, 0, 0.001)
    pixels = lit_at(shape, 0, 0)
    here = occlusion_map(predictor, pixels, label="here")
    elsewhere = occlusion_map(predictor, pixels, label="elsewhere")
    assert np.allclose(here, -elsewhere, atol=1e-6)
    assert np.array_equal(here, occlusion_map(predictor, pixels))


def test_a_picture_of_one_colour_has_nothing_to_hide() -> None:
    heat = occlusion_map(looking_at((8, 8, 1), 0, 0, 0.001), np.full((8, 8, 1), 200, np.uint8))
    assert np.array_equal(heat, np.zeros((8, 8), np.float32))


def test_the_map_leaves_the_picture_as_it_was() -> None:
    pixels = lit_at((8, 8, 1), 0, 0)
    before = pixels.copy()
    occlusion_map(looking_at((8, 8, 1), 0, 0, 0.001), pixels)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("shape", [(5, 1024, 1), (1, 1, 1), (1, 40, 3), (2, 2, 1)], ids=str)
def test_a_picture_of_any_shape_is_explained_within_the_bound(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = looking_at(shape, 0, 0, 0.001)
    asked = 0
    answer = predictor.predict

    def counting(batch: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(batch)
        return answer(batch)

    monkeypatch.setattr(predictor, "predict", counting)
    heat = occlusion_map(predictor, lit_at(shape, 0, 0))
    assert heat.shape == shape[:2]
    assert 1 < asked <= MAX_POSITIONS + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"patch": 9}, r"patch: received 9, expected 1 to 8"),
        ({"patch": 0}, r"patch: received 0"),
        ({"patch": 2, "stride": 3}, r"stride: received 3, expected 1 to 2"),
        ({"stride": 0}, r"stride: received 0"),
        ({"label": "cat"}, r"label: received 'cat'"),
    ],
)
def test_what_makes_no_sense_is_named(words: dict[str, int], said: str) -> None:
    predictor = looking_at((8, 8, 1), 0, 0, 0.001)
    with pytest.raises(UsageError, match=said):
        occlusion_map(predictor, np.zeros((8, 8, 1), np.uint8), **words)


def test_too_many_places_are_refused_where_they_are_asked_for() -> None:
    predictor = looking_at((128, 128, 3), 0, 0, 0.001)
    with pytest.raises(UsageError, match="more than 4,096"):
        occlusion_map(predictor, np.zeros((128, 128, 3), np.uint8), patch=4, stride=1)


def test_a_picture_of_another_shape_is_refused() -> None:
    with pytest.raises(RefusedInput, match="takes uint8 arrays"):
        occlusion_map(looking_at((8, 8, 1), 0, 0, 0.001), np.zeros((9, 8, 1), np.uint8))


# Drawing


def test_the_colours_are_those_of_inferno_and_always_grow_brighter() -> None:
    from matplotlib import colormaps

    shares = np.linspace(0, 1, 256, dtype=np.float32)[None]
    ours = colours(shares)[0].astype(np.float64)
    theirs = colormaps["inferno"](shares[0])[:, :3] * 255
    assert np.abs(ours - theirs).max() < 8
    brightness = ours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(brightness) >= 0).all()


def test_a_maps_strengths_are_shares_of_its_highest_value_and_nothing_below_0() -> None:
    heat = np.array([[0.4, 0.2], [-0.3, 0.0]], np.float32)
    assert np.allclose(strengths(heat), [[1, 0.5], [0, 0]])


def test_mere_noise_stays_dark() -> None:
    assert strengths(np.full((4, 4), 0.0001, np.float32)).max() < 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_the_overlay_is_brightest_where_the_map_is_highest(channels: int) -> None:
    heat = np.zeros((6, 5), np.float32)
    heat[2, 3] = 0.5
    mixed = overlay(np.full((6, 5, channels), 100, np.uint8), heat)
    assert (mixed.shape, mixed.dtype) == ((6, 5, 3), np.uint8)
    assert np.unravel_index(mixed.sum(axis=2).argmax(), (6, 5)) == (2, 3)


@pytest.mark.parametrize(("side", "shown"), [(8, 256), (28, 252), (200, 200), (300, 300)])
def test_the_png_holds_the_picture_and_the_map_side_by_side(side: int, shown: int) -> None:
    pixels = np.zeros((side, side, 1), np.uint8)
    pixels[0, 0] = 255
    drawn = np.asarray(open_picture(to_png(pixels, np.zeros((side, side), np.float32))))
    assert drawn.shape == (shown, 2 * shown + 8, 3)
    factor = shown // side
    assert (drawn[:factor, :factor] == 255).all()
    assert (drawn[factor:, :factor] == 0).all()
    assert (drawn[:, shown : shown + 8] == 255).all()


def test_without_colours_the_map_is_plain_characters_densest_where_it_is_highest() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[:2, :2] = 0.5
    lines = heatmap_lines(np.zeros((8, 8, 1), np.uint8), heat, 8, colour="none")
    assert lines == ["@@      ", *["        "] * 3]


def test_with_colours_the_map_lies_over_the_picture_in_as_many_cells() -> None:
    pixels, heat = np.full((8, 8, 3), 80, np.uint8), np.eye(8, dtype=np.float32)
    mapped = heatmap_lines(pixels, heat, 16, 8, colour="truecolor")
    plain = unmapped_lines(pixels, 16, 8, colour="truecolor")
    assert len(mapped) == len(plain) == 8
    assert "\x1b[" in mapped[0]
    assert mapped != plain
