"""Hugging Face imagefolders: metadata beside the pictures, in one folder or one for each split."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing.imagefolder import open_imagefolder
from storage.importing.recognise import recognise
from tests.made_pictures import lay, places, refusals


def test_the_folder_of_a_split_gives_the_split(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "train/a.png": 1,
            "train/metadata.csv": b"file_name,label\na.png,cat\n",
            "validation/b.png": 2,
            "validation/metadata.jsonl": b'{"file_name": "b.png", "label": "dog"}\n',
        },
    )
    assert recognise(tmp_path) == "imagefolder"
    source = open_imagefolder(tmp_path)
    assert places(source) == {"train/a.png": ("cat", "train"), "validation/b.png": ("dog", "val")}
    assert (source.count(), source.notes) == (2, ())


def test_one_metadata_file_may_name_pictures_below_it(tmp_path: Path) -> None:
    rows = b"file_name,split,label\nx/a.png,test,cat\nx/b.png,none,\n"
    lay(tmp_path, {"x/a.png": 1, "x/b.png": 2, "metadata.csv": rows})
    source = open_imagefolder(tmp_path)
    assert places(source) == {"x/a.png": ("cat", "test"), "x/b.png": (None, "none")}


def test_pictures_that_no_metadata_names_are_counted_in_a_note(tmp_path: Path) -> None:
    lay(tmp_path, {"a.png": 1, "b.png": 2, "metadata.csv": b"file_name\na.png\n"})
    (note,) = open_imagefolder(tmp_path).notes
    assert note == "files that are not in the metadata and were left out: 1"


def test_a_row_that_leads_outside_is_refused(tmp_path: Path) -> None:
    rows = b"file_name\n../out.png\n"
    lay(tmp_path, {"out.png": 1, "in/train/metadata.csv": rows})
    source = open_imagefolder(tmp_path / "in")
    (reason,) = refusals(source).values()
    assert "leads outside" in reason


def test_another_programs_metadata_makes_no_imagefolder(tmp_path: Path) -> None:
    lay(tmp_path, {"cat/a.png": 1, "metadata.csv": b"camera,date\nx,y\n"})
    assert recognise(tmp_path) == "folder"
    with pytest.raises(RefusedInput, match="no metadata"):
        open_imagefolder(tmp_path)
