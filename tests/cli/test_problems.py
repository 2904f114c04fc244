"""problems: what is wrong with pictures is measured once, counted, shown and can be asked for."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from storage.importing.pipeline import import_source
from storage.opening import open_repository
from storage.records import LOOKS
from tests.cli.conftest import Run, RunTerminal
from tests.made_pictures import lay, picture
from tests.making import add_images, new_image


def plain(value: int) -> bytes:
    buffer = BytesIO()
    Image.new("L", (12, 10), value).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def pictures(db: Path, tmp_path: Path) -> Path:
    """Three pictures of noise, and a black one in their midst."""
    lay(tmp_path / "in", {"a.png": 1, "b.png": plain(0), "c.png": 2, "d.png": picture(3)})
    with open_repository(db, create=True) as repo:
        import_source(repo, tmp_path / "in")
    return db


def test_problems_are_counted_with_examples(pictures: Path, run: Run) -> None:
    result = run("problems", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["images"], found["measured"], found["refused"]) == (4, 4, [])
    assert list(found["problems"]) == list(LOOKS)
    wrong = {look: facts for look, facts in found["problems"].items() if facts["images"]}
    assert set(wrong) == {"dark", "blank", "one-colour"}
    assert wrong["dark"] == {"images": 1, "examples": [2]}


def test_a_second_look_measures_nothing(pictures: Path, run: Run) -> None:
    run("problems")
    assert json.loads(run("problems", "--json").stdout)["measured"] == 0


def test_what_was_measured_can_be_asked_for(pictures: Path, run: Run) -> None:
    before = run("ls", "is:dark")
    assert before.exit_code == 1
    assert "pixshelf problems" in before.stderr
    run("problems")
    assert [row["id"] for row in json.loads(run("ls", "is:dark", "--json").stdout)] == [2]


def test_a_query_says_which_images_are_meant(pictures: Path, run: Run) -> None:
    found = json.loads(run("problems", "id>2", "--json").stdout)
    assert (found["images"], found["measured"]) == (2, 2)
    assert found["problems"]["dark"]["images"] == 0


def test_a_query_by_looks_measures_every_image_first(pictures: Path, run: Run) -> None:
    found = json.loads(run("problems", "is:dark", "--json").stdout)
    assert (found["images"], found["measured"]) == (1, 4)


def test_an_empty_dataset_has_no_problem(db: Path, run: Run) -> None:
    run("db", "init")
    found = json.loads(run("problems", "--json").stdout)
    assert (found["images"], found["problems"]["dark"]["images"]) == (0, 0)


def test_an_image_that_cannot_be_decoded_is_named(pictures: Path, run: Run) -> None:
    with open_repository(pictures) as repo:
        add_images(repo, new_image(1))
    result = run("problems", "--json")
    assert result.exit_code == 4
    found = json.loads(result.stdout)
    assert found["measured"] == 4
    assert found["refused"] == [{"image": 5, "reason": "not a picture"}]
    assert "image 5 could not be measured: not a picture" in result.stderr


def test_a_plain_table_has_the_ids_of_examples(pictures: Path, run: Run) -> None:
    lines = run("problems", "--examples", 1).stdout.splitlines()
    assert lines[0].split() == ["problem", "images", "examples"]
    assert lines[1].split() == ["dark", "1", "2"]
    assert lines[-1] == "4 images looked at"


def test_a_terminal_shows_examples_with_what_lists_them(
    pictures: Path, run_terminal: RunTerminal
) -> None:
    code, text = run_terminal("problems", "id<9")
    assert code == 0
    assert "pixshelf ls id<9 is:dark" in text.replace("'", "")
    assert "\x1b[48;5;16m" in text


def test_the_help_has_the_thresholds(run: Run) -> None:
    text = run("problems", "--help").stdout
    assert "luma under 82" in text
    assert "a quarter of it" in text
