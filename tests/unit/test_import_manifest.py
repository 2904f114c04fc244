"""CSV manifests: columns, paths, and rows that will not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing.manifest import open_manifest
from storage.importing.sources import Entry
from tests.made_pictures import lay, places, refusals


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    lay(folder, {"a.png": 1, "sub/b.png": 2})
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_gives_path_label_split_and_tags(tmp_path: Path) -> None:
    text = 'path,label,split,tags\na.png, cat ,Validation,"night, blurred;night"\n'
    (entry,) = open_manifest(written(tmp_path, text)).entries()
    assert isinstance(entry, Entry)
    assert entry == ("a.png", str(tmp_path / "a.png"), "cat", "val", ("night", "blurred"))


def test_columns_come_in_any_order_and_others_are_not_read(tmp_path: Path) -> None:
    text = "\ufeffwidth,Label,FILE\n9,dog,sub/b.png\n"
    assert places(open_manifest(written(tmp_path, text))) == {"sub/b.png": ("dog", None)}


def test_a_path_alone_is_enough(tmp_path: Path) -> None:
    source = open_manifest(written(tmp_path, "path\na.png\n\nsub\\b.png\n"))
    assert places(source) == {"a.png": (None, None), "sub/b.png": (None, None)}
    assert source.count() == 2


def test_tabs_part_the_columns_of_a_tsv(tmp_path: Path) -> None:
    path = written(tmp_path, "path\tlabel\na.png\tcat, big\n", "list.tsv")
    assert places(open_manifest(path)) == {"a.png": ("cat, big", None)}


@pytest.mark.parametrize("name", ["../out.png", "/etc/passwd", "sub/../../x.png", "."])
def test_a_path_that_leads_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    source = open_manifest(written(tmp_path, f"path\n{name}\na.png\n"))
    assert list(places(source)) == ["a.png"]
    assert "leads outside the manifest's folder" in refusals(source)[f"list.csv: row 2, {name}"]


def test_a_link_that_leads_outside_the_folder_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, {"out.png": 3})
    path = written(tmp_path / "in", "path\nlink.png\n")
    os.symlink(tmp_path / "out.png", tmp_path / "in" / "link.png")
    assert len(refusals(open_manifest(path))) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",cat,,", "the row has no path"),
        ("a.png,cat,sometimes,", "there is no split 'sometimes'"),
        ('a.png,"a\nb",,', "control character"),
        (f"a.png,{'x' * 201},,", "201 characters"),
    ],
)
def test_a_row_that_will_not_do_is_refused_and_the_next_is_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    source = open_manifest(written(tmp_path, f"path,label,split,tags\n{row}\nsub/b.png,dog,,\n"))
    assert places(source) == {"sub/b.png": ("dog", None)}
    ((where, why),) = refusals(source).items()
    assert where.startswith("list.csv: row 2")
    assert reason in why


def test_a_manifest_without_a_path_column_is_refused_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="no column 'path': it has 'name', 'label'"):
        open_manifest(written(tmp_path, "name,label\na.png,cat\n"))


def test_what_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"path,label\na.png,caf\xe9\n")
    with pytest.raises(RefusedInput, match="not UTF-8 text"):
        open_manifest(path)


def test_a_quote_that_never_ends_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"list.csv, line 2"):
        open_manifest(written(tmp_path, 'path,label\na.png,"cat\n'))


def test_a_field_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="field larger than field limit"):
        open_manifest(written(tmp_path, f"path\n{'x' * 200_000}\n"))
