"""predict --explain and --explain-to: maps on the terminal and as PNG files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.pictures import encode_png, open_picture
from tests.cli.conftest import Run, RunTerminal
from tests.ml_fixtures import digits, digits_model, store_digits


@pytest.fixture
def ready(db: Path) -> Path:
    """A dataset of twelve test digits with a model."""
    with open_repository(db, create=True) as repo:
        store_digits(repo, 12)
        repo.models.add(digits_model())
    return db


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A digit as a PNG file."""
    path = tmp_path / "zero.png"
    path.write_bytes(encode_png(digits()[0][0]))
    return path


def test_a_map_is_drawn_beside_its_picture(ready: Path, run: Run, one: Path) -> None:
    result = run("predict", one, "--explain")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["source", "label", "confidence", "then"]
    assert any("@@" in line for line in lines[2:])
    assert lines[-2].startswith("zero.png")
    assert "0  100.0 %" in lines[-2] or "0  9" in lines[-2]
    assert "falls by up to" in lines[-1]
    assert "\x1b" not in result.stdout


def test_on_a_terminal_the_map_is_in_colours(
    ready: Path, run_terminal: RunTerminal, one: Path
) -> None:
    code, written = run_terminal("predict", one, "--explain", env={"COLORTERM": "truecolor"})
    assert code == 0
    assert "\x1b[48;2;" in written


def test_without_colours_the_terminal_shows_shades(
    ready: Path, run_terminal: RunTerminal, one: Path
) -> None:
    code, written = run_terminal("predict", one, "--explain", env={"NO_COLOR": "1"})
    assert code == 0
    assert "▀" not in written
    assert "@@" in written


def test_standard_input_is_explained(ready: Path, run: Run, one: Path) -> None:
    result = run("predict", "-", "--explain", stdin=one.read_bytes())
    assert result.exit_code == 0
    assert "falls by up to" in result.stdout


def test_only_the_first_stored_images_are_drawn_and_the_rest_is_counted(
    ready: Path, run: Run
) -> None:
    result = run("predict", "--query", "split:test", "--explain")
    assert result.stdout.count("falls by up to") == 8
    assert "image 8 " in result.stdout
    assert "4 images not drawn: --explain-to DIR writes them all" in result.stderr


def test_a_folder_takes_the_maps_of_all(ready: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "maps"
    result = run("predict", "--query", "split:test", "--explain-to", folder, "--json")
    rows = json.loads(result.stdout)
    assert [row["explanation"]["path"] for row in rows] == [
        str(folder / f"{number}.png") for number in range(1, 13)
    ]
    assert open_picture((folder / "12.png").read_bytes()).size == (520, 256)
    assert all(0 <= row["explanation"]["fall"] <= 1 for row in rows)
    assert result.stderr == ""


def test_files_of_one_name_keep_a_map_each(
    ready: Path, run: Run, one: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "ZERO.png"
    copy.parent.mkdir()
    copy.write_bytes(one.read_bytes())
    folder = tmp_path / "maps"
    rows = json.loads(run("predict", one, copy, "--explain-to", folder, "--json").stdout)
    assert [Path(row["explanation"]["path"]).name for row in rows] == ["zero.png", "ZERO-2.png"]
    assert len(list(folder.iterdir())) == 2


def test_one_picture_may_be_explained_in_one_file(
    ready: Path, run: Run, one: Path, tmp_path: Path
) -> None:
    target = tmp_path / "why.png"
    result = run("predict", one, "--explain-to", target, "--csv")
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert row["explanation.path"] == str(target)
    assert float(row["explanation.fall"]) >= 0
    assert open_picture(target.read_bytes()).size == (520, 256)


def test_files_that_are_saved_are_explained_too(
    ready: Path, run: Run, one: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "maps"
    rows = json.loads(run("predict", one, "--save", "--explain-to", folder, "--json").stdout)
    assert rows[0]["explanation"]["path"] == str(folder / f"{rows[0]['image']}.png")


def test_a_file_that_is_no_picture_has_no_map(ready: Path, run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("hello")
    folder = tmp_path / "maps"
    result = run("predict", bad, "--explain", "--explain-to", folder)
    assert result.exit_code == 4
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--explain", "--json"),
        ("--explain-to", "map.jpg"),
        ("--explain-to", "{one}/map.png"),
        ("--explain-to", "{one}/../zero.png", "{one}"),
        ("--explain-to", "README"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_the_work(
    ready: Path,
    run: Run,
    one: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").write_text("a file")
    result = run("predict", one, *(word.format(one=one) for word in words))
    assert result.exit_code == 2
    assert result.stdout == ""


def test_several_stored_images_do_not_fit_one_file(ready: Path, run: Run, tmp_path: Path) -> None:
    result = run("predict", "--query", "id:1,2", "--explain-to", tmp_path / "map.png")
    assert result.exit_code == 2
    assert "name a folder" in result.stderr
