"""What an export writes, that it comes back the same, and that it overwrites nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from storage.errors import RefusedInput
from storage.exporting import export_csv, export_dataset, export_folder, export_npz
from storage.exporting.folder import folder_name
from storage.importing.pipeline import import_source
from storage.query import Query, parse
from storage.records import ImageRecord, NewPrediction
from storage.repository import Repository
from tests.made_pictures import dataset, lay, picture
from tests.making import new_model


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with dataset(tmp_path) as opened:
        yield opened


def fill(repo: Repository, tmp_path: Path, files: dict[str, bytes | int]) -> None:
    import_source(repo, lay(tmp_path / "given", files))


def everything(repo: Repository) -> list[tuple[bytes, str | None, str | None]]:
    found = repo.images.page(Query(), limit=1000).images
    return sorted((image.sha256, image.label, image.split) for image in found)


def one(repo: Repository) -> ImageRecord:
    return repo.images.page(Query()).images[0]


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_holds_the_bytes_as_given_by_split_and_label(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1, "test/dog/b.png": 2, "test/c.png": 3})
    assert export_folder(repo, Query(), tmp_path / "out") == 3
    assert names(tmp_path / "out") == ["test/c.png", "test/dog/b.png", "train/cat/a.png"]
    assert (tmp_path / "out/train/cat/a.png").read_bytes() == picture(1)


def test_only_what_the_query_selects_is_exported(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1, "test/dog/b.png": 2})
    assert export_folder(repo, parse("label:dog"), tmp_path / "out") == 1
    assert names(tmp_path / "out") == ["test/dog/b.png"]


def test_a_folder_that_was_exported_imports_the_same(repo: Repository, tmp_path: Path) -> None:
    files = {"train/cat/a.png": 1, "test/dog/b.png": 2, "val/c.png": 3, "train/d.png": 4}
    fill(repo, tmp_path, dict(files))
    repo.images.set_split({one(repo).id: None}, actor="test", summary="none")
    export_folder(repo, Query(), tmp_path / "out")
    (tmp_path / "second").mkdir()
    with dataset(tmp_path / "second") as second:
        import_source(second, tmp_path / "out")
        again = everything(second)
    assert again == everything(repo)


def test_without_any_split_there_is_no_such_folder(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    repo.images.set_split({one(repo).id: None}, actor="test", summary="none")
    export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == ["cat/a.png"]


def test_two_images_of_one_name_are_both_written(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/x/a.png": 1, "train/cat/y/a.png": 2})
    export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == ["train/cat/a-2.png", "train/cat/a.png"]


def test_a_label_that_would_lead_elsewhere_stays_within_and_is_listed(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1})
    repo.images.set_label([one(repo).id], "../../etc", actor="test")
    export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == [".labels.csv", "train/%2E.%2F..%2Fetc/a.png"]
    listed = (tmp_path / "out/.labels.csv").read_text()
    assert listed == "folder,label\n%2E.%2F..%2Fetc,../../etc\n"


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("cat", "cat"),
        ("big cat", "big cat"),
        ("🐈", "🐈"),
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("__MACOSX", "%5F_MACOSX"),
        ("con", "%63on"),
        ("what?", "what%3F"),
        ("dot.", "dot%2E"),
    ],
)
def test_a_label_becomes_a_safe_folder(label: str, folder: str) -> None:
    assert folder_name(label) == folder


def test_long_labels_become_folders_that_fit_and_differ() -> None:
    folders = {folder_name("字" * 190 + end) for end in "ab"}
    assert len(folders) == 2
    assert all(len(folder.encode()) <= 120 for folder in folders)


def test_an_array_gets_a_file_name_of_its_own(repo: Repository, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.arange(12, dtype=np.uint8).reshape(1, 3, 4))
    import_source(repo, tmp_path / "a.npz", split="test")
    export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == ["test/images-0.png"]


@pytest.mark.parametrize("export", [export_csv, export_npz, export_folder])
def test_what_is_there_is_not_overwritten(repo: Repository, tmp_path: Path, export: object) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    target = tmp_path / "out"
    target.write_text("mine")
    assert callable(export)
    with pytest.raises(RefusedInput, match="is there already"):
        export(repo, Query(), target)
    assert target.read_text() == "mine"


def test_a_folder_that_holds_something_is_not_exported_into(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    lay(tmp_path / "out", {"mine.txt": b"x"})
    with pytest.raises(RefusedInput, match="is there already"):
        export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == ["mine.txt"]


def test_an_empty_folder_is_filled(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1})
    (tmp_path / "out").mkdir()
    export_folder(repo, Query(), tmp_path / "out")
    assert names(tmp_path / "out") == ["train/cat/a.png"]


@pytest.mark.parametrize("export", [export_csv, export_folder])
def test_an_export_that_breaks_off_leaves_nothing(
    repo: Repository, tmp_path: Path, export: object
) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    (tmp_path / "place").mkdir()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    assert callable(export)
    with pytest.raises(KeyboardInterrupt):
        export(repo, Query(), tmp_path / "place" / "out", progress=stop)
    assert list((tmp_path / "place").iterdir()) == []


def test_a_place_that_is_not_there_is_refused(repo: Repository, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="No such file or directory"):
        export_csv(repo, Query(), tmp_path / "no" / "where.csv")


def test_a_csv_has_a_row_for_each_image(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1})
    image = one(repo)
    repo.images.set_label([image.id], '=SUM(A1) "x", y', actor="test")
    repo.images.add_tag([image.id], "odd", actor="test")
    repo.images.add_tag([image.id], "blurred", actor="test")
    assert export_csv(repo, Query(), tmp_path / "out.csv") == 1
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == '=SUM(A1) "x", y'
    assert row["tags"] == "blurred,odd"
    assert row["sha256"] == image.sha256.hex()
    assert (row["source"], row["split"]) == ("train/cat/a.png", "train")
    assert (row["width"], row["height"], row["format"]) == ("12", "10", "png")
    assert (row["predicted"], row["confidence"], row["wrong"]) == ("", "", "")


def test_a_csv_says_what_the_model_said(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1})
    model = repo.models.add(new_model("cat", "dog"))
    said = NewPrediction(one(repo).id, "dog", 0.75, 0.5, bytes(8))
    repo.predictions.save(model, [said])
    export_csv(repo, Query(), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["predicted"], row["confidence"], row["wrong"]) == ("dog", "0.750000", "1")


def test_an_npz_comes_back_the_same(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1, "test/dog/b.png": 2, "val/c.png": 3})
    assert export_npz(repo, Query(), tmp_path / "out.npz") == 3
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["images"].shape == (3, 10, 12, 1)
        assert arrays["images"].dtype == np.uint8
        assert arrays["label_names"].tolist() == ["cat", "dog"]
        by_label = dict(zip(arrays["labels"].tolist(), arrays["splits"].tolist(), strict=True))
        assert by_label == {0: "train", 1: "test", -1: "val"}
    (tmp_path / "second").mkdir()
    with dataset(tmp_path / "second") as second:
        import_source(second, tmp_path / "out.npz")
        again = [found[1:] for found in everything(second)]
    assert sorted(map(str, again)) == sorted(str(kept[1:]) for kept in everything(repo))


def test_images_of_two_sizes_are_refused_with_the_sizes(repo: Repository, tmp_path: Path) -> None:
    files: dict[str, bytes | int] = {"a.png": picture(1, 8, 8), "b.png": picture(2, 9, 8)}
    fill(repo, tmp_path, files)
    with pytest.raises(RefusedInput, match="2 sizes, but an array has one: 8x8"):
        export_npz(repo, Query(), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_images_of_two_sizes_are_fitted_into_the_size_asked_for(
    repo: Repository, tmp_path: Path
) -> None:
    files: dict[str, bytes | int] = {"a.png": picture(1, 8, 8), "b.png": picture(2, 16, 8)}
    fill(repo, tmp_path, files)
    export_npz(repo, Query(), tmp_path / "out.npz", size=(8, 8))
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["images"].shape == (2, 8, 8, 1)
        assert arrays["images"][1][0].max() == 0
        assert arrays["images"][1][4].max() > 0


def test_no_image_gives_no_npz(repo: Repository, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="no image matches"):
        export_npz(repo, Query(), tmp_path / "out.npz")


def test_labels_whose_names_are_unsafe_for_folders_come_back(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1, "test/CAT/b.png": 2})
    repo.images.set_label([1], "../../etc", actor="test")
    export_folder(repo, Query(), tmp_path / "out")
    (tmp_path / "second").mkdir()
    with dataset(tmp_path / "second") as second:
        import_source(second, tmp_path / "out")
        assert everything(second) == everything(repo)


def test_labels_that_differ_in_case_alone_get_folders_that_differ_in_more(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"train/cat/a.png": 1, "train/CAT/b.png": 2})
    export_folder(repo, Query(), tmp_path / "out")
    folders = {path.name.casefold() for path in (tmp_path / "out/train").iterdir()}
    assert len(folders) == 2


def test_a_list_of_labels_that_is_no_csv_refuses_the_folder(tmp_path: Path) -> None:
    lay(tmp_path / "in", {"cat/a.png": 1, ".labels.csv": b'folder,label\n"cat'})
    with (
        dataset(tmp_path) as repo,
        pytest.raises(RefusedInput, match=r"labels\.csv cannot be read"),
    ):
        import_source(repo, tmp_path / "in")


@pytest.mark.parametrize("taken", ["list.csv", "list-files"])
def test_neither_a_manifest_nor_the_files_beside_it_overwrite(
    repo: Repository, tmp_path: Path, taken: str
) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    (tmp_path / taken).write_text("mine")
    with pytest.raises(RefusedInput, match="is there already"):
        export_csv(repo, Query(), tmp_path / "list.csv", carried="files")
    assert (tmp_path / taken).read_text() == "mine"
    assert len(list(tmp_path.glob("*list*"))) == 1


def test_a_manifest_with_files_that_breaks_off_leaves_nothing(
    repo: Repository, tmp_path: Path
) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    (tmp_path / "place").mkdir()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_csv(repo, Query(), tmp_path / "place/l.csv", carried="files", progress=stop)
    assert list((tmp_path / "place").iterdir()) == []


def test_a_dataset_export_that_breaks_off_leaves_nothing(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    (tmp_path / "place").mkdir()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_dataset(repo, Query(), tmp_path / "place/out.db", progress=stop)
    assert list((tmp_path / "place").iterdir()) == []


def test_a_csv_without_its_files_says_how_to_have_them(repo: Repository, tmp_path: Path) -> None:
    fill(repo, tmp_path, {"cat/a.png": 1})
    export_csv(repo, Query(), tmp_path / "list.csv")
    with pytest.raises(RefusedInput, match="no column 'path'") as caught:
        import_source(repo, tmp_path / "list.csv")
    assert "--bytes files" in str(caught.value.hint)


def test_pages_of_one_image_give_the_same_files(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.paging.PAGE", 1)
    fill(repo, tmp_path, {"train/cat/a.png": 1, "test/dog/b.png": 2, "test/c.png": 3})
    export_folder(repo, Query(), tmp_path / "out")
    assert (tmp_path / "out/test/dog/b.png").read_bytes() == picture(2)
    assert names(tmp_path / "out") == ["test/c.png", "test/dog/b.png", "train/cat/a.png"]
