"""What a folder of pictures says of them, and what in it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing.folders import open_folder, open_image
from storage.importing.layout import Layout, layout_of
from storage.importing.reading import read_picture
from tests.made_pictures import lay, places, refusals


def test_a_folder_with_one_subfolder_a_class_labels_by_it(tmp_path: Path) -> None:
    lay(tmp_path, {"cat/1.png": 1, "dog/2.png": 2, "dog/old/3.png": 3})
    assert places(open_folder(tmp_path)) == {
        "cat/1.png": ("cat", None),
        "dog/2.png": ("dog", None),
        "dog/old/3.png": ("dog", None),
    }


def test_folders_called_train_valid_and_test_are_splits(tmp_path: Path) -> None:
    lay(tmp_path, {"train/7/1.png": 1, "valid/7/2.png": 2, "Test/8/3.png": 3})
    assert places(open_folder(tmp_path)) == {
        "Test/8/3.png": ("8", "test"),
        "train/7/1.png": ("7", "train"),
        "valid/7/2.png": ("7", "val"),
    }


def test_a_flat_folder_is_unlabelled(tmp_path: Path) -> None:
    lay(tmp_path, {"b.png": 1, "a.png": 2})
    assert places(open_folder(tmp_path)) == {"a.png": (None, None), "b.png": (None, None)}


def test_a_single_folder_around_the_classes_is_stepped_over(tmp_path: Path) -> None:
    lay(tmp_path, {"pets/cat/1.png": 1, "pets/dog/2.png": 2})
    found = places(open_folder(tmp_path))
    assert found == {"pets/cat/1.png": ("cat", None), "pets/dog/2.png": ("dog", None)}


def test_a_class_called_test_beside_others_is_a_class() -> None:
    assert layout_of({("test",), ("real",)}) == Layout(0, splits=False)


def test_a_folder_beside_train_and_test_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, {"train/7/1.png": 1, "test/7/2.png": 2, "extra/3.png": 3})
    assert "beside train, val or test" in refusals(open_folder(tmp_path))["extra/3.png"]


def test_entries_come_in_the_order_of_names(tmp_path: Path) -> None:
    lay(tmp_path, {f"{label}/{name}.png": 1 for label in "ba" for name in "dcb"})
    assert list(places(open_folder(tmp_path))) == [
        f"{label}/{name}.png" for label in "ab" for name in "bcd"
    ]


def test_hidden_files_and_those_of_file_managers_are_ignored(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "cat/1.png": 1,
            ".git/2.png": 2,
            "cat/.DS_Store": b"x",
            "cat/Thumbs.db": b"x",
            "__MACOSX/cat/._1.png": b"x",
        },
    )
    source = open_folder(tmp_path)
    assert list(places(source)) == ["cat/1.png"]
    assert refusals(source) == {}
    assert source.count() == 1


def test_a_folder_whose_name_cannot_be_a_label_is_refused_file_by_file(tmp_path: Path) -> None:
    lay(tmp_path, {"a\nb/1.png": 1, "a\nb/2.png": 2, "cat/3.png": 3})
    found = refusals(open_folder(tmp_path))
    assert list(found) == ["a\nb/1.png", "a\nb/2.png"]
    assert "U+000A" in found["a\nb/1.png"]


def test_a_name_that_is_not_utf8_is_shown_with_a_mark_in_its_place(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    except OSError:
        # The file system takes only UTF-8, so there is no such name here.
        return
    lay(tmp_path, {f"{os.fsdecode(b'caf' + bytes([0xE9]))}/1.png": 1, "cat/2.png": 2})
    assert list(refusals(open_folder(tmp_path))) == ["caf\ufffd/1.png"]


def test_links_that_lead_outside_are_refused_and_those_inside_read(tmp_path: Path) -> None:
    root = lay(tmp_path / "in", {"cat/1.png": 1})
    lay(tmp_path, {"out/2.png": 2})
    (root / "cat" / "inside.png").symlink_to(root / "cat" / "1.png")
    (root / "cat" / "outside.png").symlink_to(tmp_path / "out" / "2.png")
    (root / "cat" / "nowhere.png").symlink_to(root / "gone.png")
    (root / "again").symlink_to(root / "cat")
    source = open_folder(root)
    assert list(places(source)) == ["cat/1.png", "cat/inside.png"]
    assert refusals(source) == {
        "again": "it is a link to a folder",
        "cat/nowhere.png": "it is a link that leads nowhere",
        "cat/outside.png": "it is a link that leads outside the folder",
    }


def test_a_pipe_is_refused_unopened(tmp_path: Path) -> None:
    lay(tmp_path, {"cat/1.png": 1})
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    assert refusals(open_folder(tmp_path)) == {"cat/pipe.png": "it is not a regular file"}
    with pytest.raises(RefusedInput, match="not a regular file"):
        read_picture(tmp_path / "cat" / "pipe.png")


def test_a_large_file_that_begins_like_no_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(300 * 1024)
        file.truncate(2 * 1024 * 1024)
    with pytest.raises(RefusedInput, match="not a picture"):
        read_picture(path)


def test_a_file_over_the_cap_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    with pytest.raises(RefusedInput, match="the limit is 104,857,600"):
        read_picture(path)


def test_a_file_that_is_gone_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="No such file"):
        read_picture(tmp_path / "gone.png")


def test_a_single_picture_is_unlabelled(tmp_path: Path) -> None:
    lay(tmp_path, {"one.png": 1})
    assert places(open_image(tmp_path / "one.png")) == {"one.png": (None, None)}
