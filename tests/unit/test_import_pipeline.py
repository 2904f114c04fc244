"""From a source into a dataset: what is added, kept, refused and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing import pipeline
from storage.importing.pipeline import import_source
from storage.pictures import describe
from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository
from storage.splitting import assign_split
from tests.made_pictures import dataset, lay, picture


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with dataset(tmp_path) as opened:
        yield opened


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Five pictures, two of them the same file, and a text."""
    files: dict[str, bytes | int] = {"cat/1.png": 1, "cat/2.png": 2, "dog/2.png": 2, "dog/3.png": 3}
    return lay(tmp_path / "given", {**files, "dog/4.png": 4, "notes.txt": b"hello"})


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two and batches of three, so that five pictures take several of each."""
    monkeypatch.setattr(pipeline, "_CHUNK_IMAGES", 2)
    monkeypatch.setattr(pipeline, "BATCH_IMAGES", 3)


def images(repo: Repository) -> list[ImageRecord]:
    return list(repo.images.page(Query(), limit=1000).images)


def test_pictures_are_added_once_and_the_rest_is_refused(repo: Repository, given: Path) -> None:
    report = import_source(repo, given)
    assert (report.added, report.duplicates, report.refused) == (4, 1, 1)
    assert report.refusals == (("notes.txt", "not a picture"),)
    assert report.format == "folder"
    assert not report.stopped
    assert report.seconds >= 0


def test_what_is_stored_is_what_was_given(repo: Repository, given: Path) -> None:
    import_source(repo, given)
    first = images(repo)[0]
    assert repo.images.data(first.id) == picture(1)
    assert (first.source, first.label) == ("cat/1.png", "cat")
    assert (first.width, first.height, first.channels, first.format) == (12, 10, 1, "png")


@pytest.mark.usefixtures("small_pieces")
def test_images_are_added_in_the_order_of_the_source(repo: Repository, given: Path) -> None:
    import_source(repo, given)
    assert [image.source for image in images(repo)] == [
        "cat/1.png",
        "cat/2.png",
        "dog/3.png",
        "dog/4.png",
    ]


def test_a_second_import_adds_nothing_and_decodes_nothing(
    repo: Repository, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (given / "notes.txt").unlink()
    import_source(repo, given)
    monkeypatch.setattr("storage.pictures.describe", None)
    report = import_source(repo, given)
    assert (report.added, report.duplicates, report.refused) == (0, 5, 0)


@pytest.mark.usefixtures("small_pieces")
def test_an_import_that_was_cut_off_and_run_again_ends_as_an_undisturbed_one(
    repo: Repository, given: Path, tmp_path: Path
) -> None:
    def stop(done: int, total: int | None, added: int, duplicates: int, refused: int) -> None:
        if added:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_source(repo, given, progress=stop)
    assert [image.source for image in images(repo)] == ["cat/1.png", "cat/2.png"]
    import_source(repo, given)
    (tmp_path / "other").mkdir()
    with dataset(tmp_path / "other") as other:
        import_source(other, given)
        undisturbed = [(one.sha256, one.label, one.split, one.source) for one in images(other)]
    assert [(one.sha256, one.label, one.split, one.source) for one in images(repo)] == undisturbed


@pytest.mark.usefixtures("small_pieces")
def test_an_import_that_is_told_to_stop_keeps_what_it_has(repo: Repository, given: Path) -> None:
    report = import_source(repo, given, should_stop=lambda: True)
    assert report.stopped
    assert report.added == len(images(repo)) == 1
    assert report.refused == 1


@pytest.mark.usefixtures("small_pieces")
def test_progress_tells_all_that_was_done(repo: Repository, given: Path) -> None:
    told: list[tuple[int, int | None, int, int, int]] = []
    import_source(repo, given, progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (6, 6, 4, 1, 1)
    assert [numbers[0] for numbers in told] == sorted(numbers[0] for numbers in told)


def test_the_split_of_the_source_is_kept(repo: Repository, tmp_path: Path) -> None:
    lay(tmp_path / "in", {"train/7/1.png": 1, "test/7/2.png": 2})
    import_source(repo, tmp_path / "in")
    assert {image.source: image.split for image in images(repo)} == {
        "train/7/1.png": "train",
        "test/7/2.png": "test",
    }


def test_a_split_is_hashed_where_the_source_has_none(repo: Repository, given: Path) -> None:
    import_source(repo, given, seed=5)
    for image in images(repo):
        pixel_hash = describe(repo.images.data(image.id)).pixel_hash
        assert image.split == assign_split(pixel_hash, 5)


def test_auto_hashes_whatever_the_source_says(repo: Repository, tmp_path: Path) -> None:
    lay(tmp_path / "in", {f"test/7/{number}.png": number for number in range(20)})
    import_source(repo, tmp_path / "in", split="auto")
    assert "train" in {image.split for image in images(repo)}


def test_a_split_can_be_forced(repo: Repository, tmp_path: Path) -> None:
    lay(tmp_path / "in", {"train/7/1.png": 1, "test/7/2.png": 2})
    import_source(repo, tmp_path / "in", split="val")
    assert {image.split for image in images(repo)} == {"val"}


def test_label_and_tags_are_put_on_every_picture(repo: Repository, given: Path) -> None:
    import_source(repo, given, label=" pet ", tags=["b", "a", "b"])
    assert {(image.label, image.tags) for image in images(repo)} == {("pet", ("a", "b"))}


def test_a_bad_label_is_refused_before_anything_is_read(repo: Repository, given: Path) -> None:
    with pytest.raises(RefusedInput, match="the label is empty"):
        import_source(repo, given, label=" ")
    assert images(repo) == []


def test_an_empty_folder_is_refused(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RefusedInput, match="there are no pictures in"):
        import_source(repo, tmp_path / "empty")


def test_a_source_in_which_everything_is_refused_gives_a_report(
    repo: Repository, tmp_path: Path
) -> None:
    report = import_source(repo, lay(tmp_path / "in", {"a.txt": b"x", "b.png": picture(1)[:50]}))
    assert (report.added, report.refused) == (0, 2)
    assert "cut short" in dict(report.refusals)["b.png"]


def test_only_the_first_refusals_are_kept_but_all_are_counted(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "REFUSALS_KEPT", 2)
    report = import_source(repo, lay(tmp_path / "in", {f"{n}.txt": b"x" for n in range(5)}))
    assert report.refused == 5
    assert [refusal.source for refusal in report.refusals] == ["0.txt", "1.txt"]


def test_notes_of_the_source_are_passed_on(repo: Repository, tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(b"\0\0\x08\x03" + bytes([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]) + b"abcd")
    assert "unlabelled" in import_source(repo, path).notes[0]


def test_arrays_are_stored_as_png(repo: Repository, tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(b"\0\0\x08\x03" + bytes([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]) + b"abcd")
    import_source(repo, path)
    (image,) = images(repo)
    assert (image.format, image.source) == ("png", "a.idx#0")
    assert describe(repo.images.data(image.id)).width == 2


def test_several_pieces_are_measured_by_other_processes(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_CHUNK_IMAGES", 10)
    lay(tmp_path / "in", {f"{number:03}.png": number for number in range(60)})
    report = import_source(repo, tmp_path / "in")
    assert report.added == 60
    assert [image.source for image in images(repo)] == [f"{number:03}.png" for number in range(60)]
    assert list(repo.check()) == []
