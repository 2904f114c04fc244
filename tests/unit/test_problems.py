"""Pictures made to have each problem are found to have it, and everyday ones to have none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from sklearn.datasets import load_digits, load_sample_image

from storage.errors import RefusedInput
from storage.importing.pipeline import import_source
from storage.pictures import encode_png
from storage.problems import VERSION, measure, measure_images
from storage.query import parse
from storage.records import LOOKS
from storage.repository import Repository
from tests.made_pictures import dataset, lay

ROOT = Path(__file__).resolve().parents[2]


def saved(*frames: Image.Image, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    more = {"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {}
    frames[0].save(buffer, kind, **more)
    return buffer.getvalue()


@cache
def photo(name: str = "china.jpg", *, width: int = 640, blur: float = 0) -> Image.Image:
    """A photograph that scikit-learn carries, 640 x 427."""
    picture = Image.fromarray(load_sample_image(name)).filter(ImageFilter.GaussianBlur(blur))
    return picture.resize((width, width * 427 // 640), Image.Resampling.BOX)


def scaled(picture: Image.Image, factor: float, offset: float = 0) -> Image.Image:
    values = np.asarray(picture).astype(np.float64) * factor + offset
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def digits(count: int, factor: float = 255 / 16, offset: float = 0) -> list[bytes]:
    values: NDArray[np.float64] = load_digits().images[:count]
    return [encode_png((one * factor + offset).astype(np.uint8)) for one in values]


def looks(repo: Repository) -> dict[str, list[str]]:
    """Every look that any image has, with the sources of those that have it."""
    measure_images(repo, repo.measurements.missing(parse(""), version=VERSION))
    found = {look: repo.images.ids(parse(f"is:{look}")) for look in LOOKS}
    return {
        look: [repo.images.get(image).source.removesuffix(".png") for image in ids]
        for look, ids in found.items()
        if ids
    }


def looks_of(folder: Path, pictures: dict[str, bytes]) -> dict[str, list[str]]:
    lay(folder / "in", dict(pictures))
    with dataset(folder) as repo:
        import_source(repo, folder / "in")
        return looks(repo)


MADE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "night": (lambda: saved(scaled(photo(), 0.25)), {"dark"}),
    "overexposed": (lambda: saved(scaled(photo(), 0.08, 232)), {"bright"}),
    "fog": (lambda: saved(scaled(photo(), 0.03, 120)), {"blank"}),
    "card": (lambda: saved(Image.new("RGB", (60, 40), (90, 120, 150))), {"one-colour", "blank"}),
    "lens cap": (lambda: saved(Image.new("L", (60, 40), 0)), {"one-colour", "blank", "dark"}),
    "white page": (lambda: saved(Image.new("1", (60, 40), 1)), {"one-colour", "blank", "bright"}),
    "out of focus": (lambda: saved(photo(blur=2.5)), {"blurry"}),
    "faint and out of focus": (lambda: saved(scaled(photo(blur=2.5), 0.4, 100)), {"blurry"}),
    "moving": (lambda: saved(photo(width=64), photo(width=64, blur=2), kind="GIF"), {"animated"}),
    "moving png": (lambda: saved(photo(width=64), photo("flower.jpg", width=64)), {"animated"}),
    "pages": (lambda: saved(photo(width=64), photo(width=64), kind="TIFF"), {"animated"}),
    "photo": (lambda: saved(photo()), set()),
    "photo with a soft background": (lambda: saved(photo("flower.jpg")), set()),
    "small photo": (lambda: saved(photo(width=32)), set()),
    "large photo": (lambda: saved(photo().resize((1300, 867), Image.Resampling.BICUBIC)), set()),
    "still gif": (lambda: saved(photo(width=64), kind="GIF"), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_picture_has_the_problems_it_was_made_to_have_and_no_other(
    name: str, tmp_path: Path
) -> None:
    make, expected = MADE[name]
    found = looks_of(tmp_path, {f"{name}.png": make()})
    assert set(found) == expected


@pytest.mark.parametrize(
    ("factor", "offset"),
    [(255 / 16, 0), (-255 / 16, 255), (6, 60), (-5, 160)],
    ids=["white on black", "black on white", "grey on grey", "dark grey on grey"],
)
def test_small_digits_have_no_problem(factor: float, offset: float, tmp_path: Path) -> None:
    files = {f"{at}.png": one for at, one in enumerate(digits(60, factor, offset))}
    assert looks_of(tmp_path, files) == {}


def test_thin_strokes_on_a_black_square_have_no_problem(tmp_path: Path) -> None:
    files = {}
    for at in range(4):
        square = Image.new("L", (28, 28))
        ImageDraw.Draw(square).line((14 + at, 4, 13, 23), fill=255, width=2)
        files[f"{at}.png"] = saved(square)
    assert looks_of(tmp_path, files) == {}


def test_odd_sizes_and_aspects_are_those_far_from_the_medians(tmp_path: Path) -> None:
    files = {f"usual {at}.png": saved(photo(width=60 + at)) for at in range(6)}
    files["upright.png"] = saved(photo(width=60).transpose(Image.Transpose.ROTATE_90))
    files["strip.png"] = saved(photo(width=120).resize((120, 22)))
    files["huge.png"] = saved(photo(width=400))
    files["tiny.png"] = saved(photo(width=13))
    assert looks_of(tmp_path, files) == {"odd-aspect": ["strip"], "odd-size": ["huge", "tiny"]}


def test_pictures_that_are_all_long_strips_are_not_odd(tmp_path: Path) -> None:
    files = {f"{at}.png": saved(photo(width=200 + at).resize((200 + at, 20))) for at in range(4)}
    assert looks_of(tmp_path, files) == {}


def test_measures_are_what_their_definitions_say() -> None:
    values = np.zeros((10, 10), np.uint8)
    values[4, 4] = 200
    found = measure(encode_png(values))
    assert (found.low, found.high, found.spread) == (0, 0, 200)
    assert found.contrast == pytest.approx(values.std())
    inner = values.astype(float)
    laplacian = (
        inner[:-2, 1:-1] + inner[2:, 1:-1] + inner[1:-1, :-2] + inner[1:-1, 2:]
    ) - 4 * inner[1:-1, 1:-1]
    assert found.sharpness == pytest.approx(laplacian.var() / values.var())


def test_a_colour_that_luma_cannot_see_is_contrast() -> None:
    values = np.zeros((10, 10, 3), np.uint8)
    values[:5] = (0, 0, 114)
    values[5:] = (43, 0, 0)
    assert measure(encode_png(values)).contrast == pytest.approx(57)


def test_clear_pixels_are_laid_over_white() -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    assert measure(encode_png(clear)).low == 255


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 2)])
def test_a_picture_of_few_pixels_has_no_sharpness(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    assert measure(encode_png(noise)).sharpness is None


def test_a_large_picture_is_measured_in_bands_as_it_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = saved(photo(width=600))
    whole = measure(data)
    monkeypatch.setattr("storage.picture_modes._BAND_PIXELS", 5_000)
    assert measure(data) == whole


def test_wide_grey_values_are_measured_as_they_are_shown() -> None:
    values = np.linspace(0, 65535, 10_000).astype(np.uint16).reshape(100, 100)
    found = measure(saved(Image.fromarray(values)))
    assert (found.low, found.high) == (3, 252)


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(RefusedInput, match="not a picture"):
        measure(b"image 1")


def test_a_second_frame_that_is_damaged_leaves_the_first_measured() -> None:
    whole = saved(photo(width=64), photo("flower.jpg", width=64), kind="GIF")
    first = saved(photo(width=64), kind="GIF")
    for end in range(len(first), len(whole), 211):
        measure(whole[:end] + b"\x00" * 8)


def test_measuring_again_measures_only_what_is_new(tmp_path: Path) -> None:
    with dataset(tmp_path) as repo:
        import_source(repo, lay(tmp_path / "one", {"a.png": 1, "b.png": 2}))
        missing = repo.measurements.missing(parse(""), version=VERSION)
        assert measure_images(repo, missing).images == 2
        import_source(repo, lay(tmp_path / "two", {"c.png": 3}))
        assert repo.measurements.missing(parse(""), version=VERSION) == [3]


def test_many_pictures_are_measured_in_batches_with_their_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.problems._BATCH", 3)
    monkeypatch.setattr("storage.problems._FLIGHT", 2)
    seen: list[tuple[int, int]] = []
    with dataset(tmp_path) as repo:
        import_source(repo, lay(tmp_path / "in", {f"{at}.png": at for at in range(8)}))
        report = measure_images(
            repo, list(range(1, 9)), progress=lambda *now: seen.append(now), threads=2
        )
        assert report.images == 8
        assert seen == [(done, 8) for done in range(1, 9)]
        assert repo.measurements.missing(parse(""), version=VERSION) == []


def test_what_was_measured_before_an_interruption_is_kept(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with dataset(tmp_path) as repo:
        import_source(repo, lay(tmp_path / "in", {f"{at}.png": at for at in range(8)}))
        with pytest.raises(KeyboardInterrupt):
            measure_images(repo, list(range(1, 9)), progress=interrupt)
        assert repo.measurements.missing(parse(""), version=VERSION) == [5, 6, 7, 8]


def test_the_thresholds_are_known_without_loading_a_picture_library() -> None:
    code = "import sys, storage.problems; sys.exit(bool({'PIL', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
