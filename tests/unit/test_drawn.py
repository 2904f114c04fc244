"""How drawings lie in stored pictures, as a drawing area has to know it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.drawn import DrawnStyle, drawn_style, measured_style
from storage.opening import open_repository
from tests.making import add_images, new_image
from tests.ml_fixtures import digits, digits_model, store_digits


def stroke(side: int = 28, box: int = 20, pen: int = 3) -> NDArray[np.uint8]:
    """An upright stroke of that length and width, light on dark."""
    picture = np.zeros((side, side, 1), np.uint8)
    start = (side - box) // 2
    picture[start : start + box, side // 2 : side // 2 + pen] = 255
    return picture


def test_strokes_are_measured_in_the_models_own_pixels() -> None:
    style = measured_style([stroke()])
    assert style is not None
    assert style.dark
    assert style.box == pytest.approx(20 / 28)
    assert style.pen == pytest.approx(3, rel=0.15)


def test_the_same_in_black_on_white_differs_in_nothing_else() -> None:
    light, dark = measured_style([255 - stroke()]), measured_style([stroke()])
    assert dark is not None
    assert light == DrawnStyle(False, dark.box, dark.pen)


def test_digits_that_fill_their_pictures_have_a_full_box() -> None:
    style = measured_style(list(digits()[0][:200, :, :, None]))
    assert style is not None
    assert (style.dark, style.box) == (True, 1.0)
    assert 1 < style.pen < 2


def test_noise_is_no_drawing() -> None:
    dice = np.random.default_rng(0)
    assert measured_style([dice.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(5)]) is None


def test_a_coloured_picture_is_no_drawing() -> None:
    picture = np.repeat(stroke(), 3, axis=2)
    picture[..., 2] = 200
    assert measured_style([picture]) is None


def test_an_empty_page_is_no_drawing() -> None:
    assert measured_style([np.zeros((8, 8, 1), np.uint8)]) is None


def test_a_dataset_tells_the_style_of_its_training_pictures(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repo:
        store_digits(repo, 60, split="train")
        model = repo.models.get(repo.models.add(digits_model()))
        style = drawn_style(repo, model)
    assert style is not None
    assert (style.dark, style.box) == (True, 1.0)


def test_without_training_pictures_the_style_is_that_of_mnist(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repo:
        model = repo.models.get(repo.models.add(digits_model()))
        assert drawn_style(repo, model) == DrawnStyle(True, 20 / 28, 8 * 2.4 / 28)


def test_a_damaged_picture_is_passed_over(tmp_path: Path) -> None:
    with open_repository(tmp_path / "d.db", create=True) as repo:
        store_digits(repo, 20, split="train")
        damaged = new_image(1, data=b"no picture", label="0", split="train", width=8, height=8)
        add_images(repo, damaged)
        style = drawn_style(repo, repo.models.get(repo.models.add(digits_model())))
    assert style is not None
    assert style.box == 1.0
