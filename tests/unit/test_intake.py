"""Sources one after the other, a look at a source, and files that become images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.filing import Filed, file_away
from ml.intake import Choices, Standing, take_in
from ml.predicting import Refused, load_predictor
from storage.errors import RefusedInput
from storage.importing.preview import preview
from storage.opening import open_repository
from storage.pictures import encode_png
from tests.ml_fixtures import digits_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pets"
    for at, name in enumerate(("train/cat/a", "train/dog/b", "test/cat/c")):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.full((8, 8), 30 * at, np.uint8)))
    return root


def test_a_preview_tells_labels_and_splits(folder: Path) -> None:
    found = preview(folder)
    assert found.format == "folder"
    assert found.count == found.looked_at == 3
    assert found.is_all
    assert found.labels == {"cat": 2, "dog": 1}
    assert found.splits == {"train": 2, "test": 1}


def test_a_preview_looks_at_the_first_entries_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.importing.preview.LOOKED_AT", 2)
    found = preview(folder)
    assert (found.looked_at, found.is_all, found.count) == (2, False, 3)


def test_a_preview_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="not there"):
        preview(tmp_path / "nowhere")


def test_sources_are_taken_in_one_after_the_other(folder: Path, tmp_path: Path) -> None:
    told: list[Standing] = []
    with open_repository(tmp_path / "a.db", create=True) as repo:
        totals = take_in(
            repo,
            [str(folder), str(tmp_path / "nowhere"), str(folder)],
            Choices(tags=("pet",)),
            tell=told.append,
            should_stop=lambda: False,
        )
        assert repo.tags.counts() == {"pet": 3}
    assert (totals.added, totals.duplicates, totals.refused) == (3, 3, 1)
    assert "not there" in totals.refusals[0][1]
    assert (told[-1].place, told[-1].sources) == (3, 3)
    assert told[-1].added == 3


def test_what_is_to_be_stopped_begins_no_further_source(folder: Path, tmp_path: Path) -> None:
    with open_repository(tmp_path / "a.db", create=True) as repo:
        totals = take_in(
            repo, [str(folder)], Choices(), tell=lambda _: None, should_stop=lambda: True
        )
        assert totals.stopped
        assert repo.stats().images == 0


def test_files_become_images_with_answers(folder: Path, tmp_path: Path) -> None:
    first, second = folder / "train/cat/a.png", folder / "train/dog/b.png"
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    done: list[int] = []
    with open_repository(tmp_path / "a.db", create=True) as repo:
        repo.models.add(digits_model("means"))
        found = list(
            file_away(
                repo,
                load_predictor(repo),
                [(str(first), "cat"), (str(second), None), (str(bad), None)],
                progress=done.append,
                should_stop=lambda: False,
            )
        )
        assert {type(item) for item in found} == {Filed, Refused}
        images = [item.image for item in found if isinstance(item, Filed)]
        assert [repo.images.get(image).label for image in images] == ["cat", None]
        assert all(repo.predictions.of_image(image) for image in images)
    assert done == [3]


def test_a_large_folder_is_counted_so_far_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.importing.preview.LOOKED_AT", 2)
    monkeypatch.setattr("storage.importing.preview.COUNTED", 4)
    for at in range(4):
        (tmp_path / f"{at}.png").touch()
    found = preview(tmp_path)
    assert (found.count, found.has_more, found.looked_at) == (4, False, 2)
    (tmp_path / "4.png").touch()
    found = preview(tmp_path)
    assert (found.count, found.has_more, found.is_all) == (4, True, False)


def test_a_look_at_a_folder_can_be_stopped(tmp_path: Path) -> None:
    for at in range(4):
        (tmp_path / f"{at}.png").touch()
    found = preview(tmp_path, should_stop=lambda: True)
    assert found.looked_at == 0
    assert found.has_more
