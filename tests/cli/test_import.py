"""import: what is added, what is refused and why, and the report of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run, RunProcess

REPORT_KEYS = {"added", "duplicates", "refused", "seconds", "refusals"}


def picture(path: Path, shade: int, size: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), shade).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two labels of three pictures each."""
    root = tmp_path / "photos"
    for shade in range(6):
        picture(root / ("cat" if shade < 3 else "dog") / f"{shade}.png", shade * 40)
    return root


def test_a_folder_is_imported_with_its_labels(photos: Path, run: Run, db: Path) -> None:
    result = run("import", photos, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert set(report) == REPORT_KEYS
    assert (report["added"], report["duplicates"], report["refused"]) == (6, 0, 0)
    assert report["refusals"] == []
    assert json.loads(run("stats", "--json").stdout)["labels"] == {"cat": 3, "dog": 3}


def test_a_second_import_adds_nothing(photos: Path, run: Run) -> None:
    run("import", photos)
    report = json.loads(run("import", photos, "--json").stdout)
    assert (report["added"], report["duplicates"]) == (0, 6)


def test_the_report_for_people_is_one_line(photos: Path, run: Run) -> None:
    result = run("import", photos)
    assert result.stdout.startswith("6 images added, 0 there already, 0 refused in ")
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


def test_label_tag_and_split_are_put_on_every_image(photos: Path, run: Run) -> None:
    words = ("--label", "pet", "--tag", "one", "--tag", "two", "--split", "val")
    assert run("import", photos, *words).exit_code == 0
    rows = json.loads(run("ls", "--json").stdout)
    assert {row["label"] for row in rows} == {"pet"}
    assert {row["split"] for row in rows} == {"val"}
    assert all(row["tags"] == ["one", "two"] for row in rows)


def test_what_is_no_picture_is_refused_and_the_rest_imported(photos: Path, run: Run) -> None:
    (photos / "cat" / "text.png").write_text("hello")
    result = run("import", photos, "--json")
    assert result.exit_code == 4
    report = json.loads(result.stdout)
    assert (report["added"], report["refused"]) == (6, 1)
    (refusal,) = report["refusals"]
    assert set(refusal) == {"source", "reason"}
    assert refusal["source"].endswith("text.png")
    assert refusal["reason"]


def test_a_truncated_picture_is_named_with_its_reason(photos: Path, run: Run) -> None:
    path = photos / "dog" / "cut.png"
    data = picture(path, 9, size=64).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    result = run("import", photos)
    assert result.exit_code == 4
    (line,) = result.stderr.splitlines()
    assert line.startswith("refused ")
    assert "cut.png: " in line


def test_a_missing_path_is_refused_and_the_others_imported(photos: Path, run: Run) -> None:
    result = run("import", photos.parent / "nowhere", photos, "--json")
    assert result.exit_code == 4
    report = json.loads(result.stdout)
    assert (report["added"], report["refused"]) == (6, 1)
    assert report["refusals"][0]["source"].endswith("nowhere")


def test_an_empty_name_is_not_the_current_folder(run: Run, db: Path) -> None:
    result = run("import", "")
    assert result.exit_code == 2
    assert "empty name" in result.stderr
    assert not db.exists()


def test_a_label_for_images_that_are_there_already_is_said_to_have_no_effect(
    photos: Path, run: Run
) -> None:
    run("import", photos)
    result = run("import", photos, "--label", "other")
    assert result.exit_code == 0
    assert "6 images that were there already keep their label" in result.stderr


def test_a_missing_path_alone_makes_no_dataset(tmp_path: Path, run: Run, db: Path) -> None:
    result = run("import", tmp_path / "nowhere")
    assert result.exit_code == 4
    assert "nowhere: there is no such file or folder" in result.stderr
    assert not db.exists()


def test_an_empty_folder_is_refused(tmp_path: Path, run: Run) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("import", empty)
    assert result.exit_code == 4
    assert "empty" in result.stderr


def test_a_text_file_named_png_is_refused(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "text.png"
    path.write_text("hello")
    result = run("import", path)
    assert result.exit_code == 4
    assert "text.png" in result.stderr


def test_only_the_first_twenty_refusals_are_shown(photos: Path, run: Run) -> None:
    for number in range(25):
        (photos / "cat" / f"bad{number:02}.png").write_text("x")
    result = run("import", photos)
    lines = result.stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1].startswith("… and 5 more")
    report = json.loads(run("import", photos, "--json").stdout)
    assert len(report["refusals"]) == 25


def test_a_picture_on_standard_input_is_imported(photos: Path, run: Run) -> None:
    data = (photos / "cat" / "0.png").read_bytes()
    result = run("import", "-", "--label", "cat", stdin=data)
    assert result.exit_code == 0
    (row,) = json.loads(run("ls", "--json").stdout)
    assert row["source"] == "stdin"
    assert row["label"] == "cat"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--split", "tets"), 2),
        (("--format", "floder"), 2),
        (("--label", "a\nb"), 4),
        (("--tag", "a,b"), 4),
        (("--seed", "-1"), 2),
    ],
)
def test_a_flag_that_makes_no_sense_is_refused(
    photos: Path, run: Run, words: tuple[str, ...], code: int
) -> None:
    result = run("import", photos, *words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("pixshelf: error: ")


def test_a_hostile_file_name_cannot_reach_the_terminal(photos: Path, run: Run) -> None:
    (photos / "cat" / "\x1b]0;owned\x07.png").write_text("x")
    result = run("import", photos)
    assert result.exit_code == 4
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_a_name_that_is_not_utf8_can_be_imported_and_listed(
    photos: Path, run_process: RunProcess
) -> None:
    import os

    target = os.fsencode(photos / "cat") + b"/caf\xe9.png"
    os.rename(photos / "cat" / "0.png", target)
    assert run_process("import", photos).returncode == 0
    result = run_process("ls", "--json")
    assert result.returncode == 0
    assert any("caf" in row["source"] for row in json.loads(result.stdout))


def test_stdout_is_data_and_stderr_is_the_rest(photos: Path, run_process: RunProcess) -> None:
    (photos / "cat" / "text.png").write_text("hello")
    result = run_process("import", photos, "--json")
    assert result.returncode == 4
    assert set(json.loads(result.stdout)) == REPORT_KEYS
    assert result.stderr == ""


def test_the_help_names_every_format(run: Run) -> None:
    from storage.importing.sources import FORMATS

    shown = " ".join(run("import", "--help").stdout.split())
    assert all(name in shown[shown.index("Read them as") :] for name in FORMATS)


def test_a_known_dataset_is_imported_by_its_name(run: Run) -> None:
    report = json.loads(run("import", "digits", "--json").stdout)
    assert (report["added"], report["refused"]) == (1797, 0)
    (row,) = json.loads(run("ls", "--json", "--limit", "1").stdout)
    assert row["source"] == "digits.npz/images#0"


def test_a_path_with_the_name_of_a_dataset_wins(
    photos: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.rename(photos.with_name("mnist"))
    monkeypatch.chdir(photos.parent)
    assert json.loads(run("import", "mnist", "--json").stdout)["added"] == 6


def test_a_mistyped_name_of_a_dataset_is_refused_with_the_nearest(run: Run) -> None:
    report = json.loads(run("import", "cifar-10", "--json").stdout)
    assert "cifar10" in report["refusals"][0]["reason"]


def test_an_import_of_what_lies_in_the_trash_says_so(photos: Path, run: Run) -> None:
    run("import", photos)
    run("rm", "id:1,2", "--yes")
    result = run("import", photos)
    assert result.exit_code == 0
    assert "2 images lie in the trash" in result.stderr
    assert json.loads(run("stats", "--json").stdout)["images"] == 4
