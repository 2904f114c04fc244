"""IDX pairs: what they hold, what they cannot hold, and that import reads them back."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from storage.errors import RefusedInput, UsageError
from storage.exporting import export_idx
from storage.importing.idx import open_idx
from storage.importing.pipeline import import_source
from storage.query import Query, parse
from storage.repository import Repository
from tests.made_pictures import dataset, lay, picture, places

NAME = "train-images-idx3-ubyte"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with dataset(tmp_path) as opened:
        yield opened


def fill(repo: Repository, tmp_path: Path, files: dict[str, bytes | int]) -> None:
    import_source(repo, lay(tmp_path / "given", files))


def test_labels_that_are_numbers_stay_numbers(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"3/a.png": 1, "7/b.png": 2})
    assert export_idx(repo, Query(), tmp_path / NAME) == 2
    assert sorted(path.name for path in tmp_path.glob("train*")) == [
        NAME,
        "train-labels-idx1-ubyte",
    ]
    labels = (tmp_path / "train-labels-idx1-ubyte").read_bytes()
    assert labels == b"\0\0\x08\x01\0\0\0\x02\x03\x07"
    images = (tmp_path / NAME).read_bytes()
    assert images[:16] == b"\0\0\x08\x03\0\0\0\x02\0\0\0\x0a\0\0\0\x0c"
    given = np.asarray(Image.open(BytesIO(picture(1))))
    assert images[16:136] == given.tobytes()


def test_other_labels_are_numbered_and_listed_and_come_back(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"a.png": 1, "b.png": 2})
    for image, label in ((1, 'say "🐈"'), (2, "007")):
        repo.images.set_label([image], label, actor="test")
    export_idx(repo, Query(), tmp_path / f"{NAME}.gz")
    listed = (tmp_path / "train-labels-idx1-ubyte.labels.txt").read_text("utf-8")
    assert listed == '007\nsay "🐈"\n'
    assert places(open_idx(tmp_path / f"{NAME}.gz")) == {
        f"{NAME}.gz#0": ('say "🐈"', "train"),
        f"{NAME}.gz#1": ("007", "train"),
    }


def test_gzipped_files_are_equal_for_equal_images(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"3/a.png": 1})
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        export_idx(repo, Query(), tmp_path / folder / f"{NAME}.gz")
    one, two = ((tmp_path / folder / f"{NAME}.gz").read_bytes() for folder in ("one", "two"))
    assert one == two
    assert len(gzip.decompress(one)) == 16 + 120


def test_without_any_label_only_the_images_are_written(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"a.png": 1})
    export_idx(repo, Query(), tmp_path / NAME)
    assert [path.name for path in tmp_path.glob("train*")] == [NAME]
    assert places(open_idx(tmp_path / NAME)) == {f"{NAME}#0": (None, "train")}


def test_some_images_without_a_label_are_refused(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/3/a.png": 1, "test/b.png": 2})
    with pytest.raises(RefusedInput, match="1 of the images have no label") as caught:
        export_idx(repo, Query(), tmp_path / NAME)
    assert "is:labelled" in str(caught.value.hint)
    assert export_idx(repo, parse("is:labelled"), tmp_path / NAME) == 1


def test_colours_are_refused(repo: Repository, tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(buffer, "PNG")
    fill(repo, tmp_path, {"a.png": buffer.getvalue()})
    with pytest.raises(RefusedInput, match="some images have colours"):
        export_idx(repo, Query(), tmp_path / NAME)


def test_several_sizes_are_refused_unless_one_is_asked_for(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"a.png": picture(1, 8, 8), "b.png": picture(2, 9, 8)})
    with pytest.raises(RefusedInput, match="2 sizes"):
        export_idx(repo, Query(), tmp_path / NAME)
    assert export_idx(repo, Query(), tmp_path / NAME, size=(4, 4)) == 2


def test_more_labels_than_a_byte_tells_apart_are_refused(repo: Repository, tmp_path: Path) -> None:
    arrays = np.arange(257 * 4, dtype=np.uint16).reshape(257, 2, 2)
    images = np.stack([arrays // 256, arrays % 256], axis=-1).reshape(257, 2, 4).astype(np.uint8)
    labels = np.array([f"label {number}" for number in range(257)])
    np.savez(tmp_path / "many.npz", images=images, labels=labels)
    import_source(repo, tmp_path / "many.npz")
    with pytest.raises(RefusedInput, match="257 labels"):
        export_idx(repo, Query(), tmp_path / NAME)


@pytest.mark.parametrize("taken", [NAME, "train-labels-idx1-ubyte"])
def test_neither_file_of_the_pair_is_overwritten(
    repo: Repository, tmp_path: Path, taken: str
) -> None:
    fill(repo, tmp_path, {"3/a.png": 1})
    (tmp_path / taken).write_text("mine")
    with pytest.raises(RefusedInput, match="is there already"):
        export_idx(repo, Query(), tmp_path / NAME)
    assert [path.name for path in tmp_path.glob("*train*")] == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_a_name_that_says_nothing_of_idx_is_refused(repo: Repository, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name for a file of IDX images"):
        export_idx(repo, Query(), tmp_path / "out.idx")


def test_a_list_with_too_few_names_is_refused(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"b/a.png": 1, "c/b.png": 2})
    export_idx(repo, Query(), tmp_path / NAME)
    (tmp_path / "train-labels-idx1-ubyte.labels.txt").write_text("only one\n")
    with pytest.raises(RefusedInput, match="the label 1 but there are 1 names"):
        open_idx(tmp_path / NAME)
