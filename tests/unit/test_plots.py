"""The confusion matrix as a picture file: what is written, and what is refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ml.plots import plot_confusion
from storage.errors import PixshelfError, UsageError

ROOT = Path(__file__).resolve().parents[2]
TWO = [[8, 2], [0, 10]]


def texts(path: Path) -> list[str]:
    """Every piece of text in an SVG."""
    root = ElementTree.parse(path).getroot()  # noqa: S314 - our own file
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_png_is_written_by_its_ending(tmp_path: Path) -> None:
    path = plot_confusion(TWO, ["cat", "dog"], tmp_path / "matrix.PNG")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300


def test_an_svg_holds_counts_labels_and_title_as_text(tmp_path: Path) -> None:
    path = plot_confusion(TWO, ["cat", "dog"], tmp_path / "matrix.svg", title="quick on test")
    found = texts(path)
    assert {"cat", "dog", "8", "2", "10", "true", "predicted", "quick on test"} <= set(found)
    assert "0" not in found


def test_the_same_matrix_gives_the_same_file(tmp_path: Path) -> None:
    files = [plot_confusion(TWO, ["a", "b"], tmp_path / f"{at}.svg") for at in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_rows_are_true_and_columns_predicted(tmp_path: Path) -> None:
    path = plot_confusion([[5, 5], [0, 0]], ["a", "b"], tmp_path / "matrix.png")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    height, width = pixels.shape
    # Beside the digits in the middle of each cell.
    upper = pixels[int(height * 0.2), int(width * 0.6)]
    lower = pixels[int(height * 0.6), int(width * 0.3)]
    assert upper < 200 < lower


@pytest.mark.parametrize("many", [1, 26, 100])
def test_any_number_of_classes_is_drawn(many: int, tmp_path: Path) -> None:
    matrix = np.eye(many, dtype=np.int64) * 7
    labels = [f"class {at}" for at in range(many)]
    path = plot_confusion(matrix, labels, tmp_path / "matrix.svg")
    found = texts(path)
    assert "class 0" in found
    assert ("7" in found) == (many <= 25)


def test_labels_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    labels = ["$x^2$", "<b>&", "\x1b[31mred", "long " * 30]
    path = plot_confusion(np.eye(4, dtype=np.int64), labels, tmp_path / "matrix.svg")
    found = texts(path)
    assert {"$x^2$", "<b>&", "\ufffd[31mred"} <= set(found)
    assert max(map(len, found)) <= 24


def test_another_ending_is_refused_and_the_endings_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither \.png nor \.svg"):
        plot_confusion(TWO, ["a", "b"], tmp_path / "matrix.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_matrix_that_does_not_fit_its_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not fit 3 labels"):
        plot_confusion(TWO, ["a", "b", "c"], tmp_path / "matrix.png")


def test_an_existing_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "matrix.svg"
    target.write_text("old")
    plot_confusion(TWO, ["a", "b"], target)
    assert target.read_text("utf-8").startswith("<?xml")
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "matrix.svg"
    target.write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PixshelfError, match="No space left on device"):
        plot_confusion(TWO, ["a", "b"], target)
    assert target.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(PixshelfError, match="cannot write") as caught:
        plot_confusion(TWO, ["a", "b"], tmp_path / "nowhere" / "matrix.png")
    assert "folder" in (caught.value.hint or "")


def test_the_umask_decides_who_may_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        path = plot_confusion(TWO, ["a", "b"], tmp_path / "matrix.svg")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_matplotlib_is_not_loaded_before_something_is_drawn() -> None:
    program = "import sys, ml.plots; print({'matplotlib', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
