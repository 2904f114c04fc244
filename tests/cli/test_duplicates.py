"""duplicates and split --check: what is a copy of what, and what stands on both sides."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from storage.importing.pipeline import import_source
from storage.opening import open_repository
from storage.splitting import assign_split
from tests.cli.conftest import Run, RunTerminal
from tests.made_pictures import lay, picture
from tests.making import add_images, new_image


def print_hash(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.fixture
def copies(db: Path) -> Path:
    """1 and 3 have equal pixels, 5 looks like them; 2 and 4 are alone."""
    with open_repository(db, create=True) as repo:
        add_images(
            repo,
            new_image(1, pixel_hash=print_hash(1), dhash=-1, split="train"),
            new_image(2, pixel_hash=print_hash(2), dhash=255, split="train"),
            new_image(3, pixel_hash=print_hash(1), dhash=-1, split="test"),
            new_image(4, pixel_hash=print_hash(4), dhash=255 << 20, split="val"),
            new_image(5, pixel_hash=print_hash(5), dhash=-8, split="test", width=99),
        )
    return db


def printed(run: Run, *words: object) -> dict[str, object]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_equal_pixels_are_listed_as_a_group(copies: Path, run: Run) -> None:
    assert printed(run, "duplicates", "pixels")["groups"] == [[1, 3]]
    text = run("duplicates", "pixels").stdout
    assert "group 1: 2 images" in text
    assert text.endswith("1 group of pixel duplicates, 2 images\n")


def test_near_duplicates_depend_on_the_distance(copies: Path, run: Run) -> None:
    assert printed(run, "duplicates", "near")["groups"] == [[1, 3, 5]]
    assert printed(run, "duplicates", "near", "--distance", 2)["groups"] == [[1, 3]]


def test_exact_duplicates_are_none_and_it_is_said_why(copies: Path, run: Run) -> None:
    assert printed(run, "duplicates", "exact")["groups"] == []
    assert "stored once" in run("duplicates", "exact").stderr


def test_a_query_narrows_the_search(copies: Path, run: Run) -> None:
    assert printed(run, "duplicates", "near", "split:test")["groups"] == [[3, 5]]


def test_keeping_without_applying_changes_nothing(copies: Path, run: Run) -> None:
    found = printed(run, "duplicates", "near", "--keep", "first")
    assert (found["kept"], found["removed"], found["changed"]) == ([1], [3, 5], None)
    assert "nothing was changed" in run("duplicates", "near", "--keep", "first").stderr
    assert printed(run, "stats")["images"] == 5


def test_applying_is_one_action_that_can_be_undone(copies: Path, run: Run) -> None:
    found = printed(run, "duplicates", "near", "--keep", "largest", "--apply")
    assert (found["kept"], found["removed"], found["changed"]) == ([5], [1, 3], 2)
    with open_repository(copies) as repo:
        (action,) = repo.history.actions()
        assert (action.id, action.kind, action.images) == (found["action"], "delete", 2)
        repo.history.undo()
    assert printed(run, "stats")["images"] == 5


def test_nothing_to_remove_is_no_action(copies: Path, run: Run) -> None:
    found = printed(run, "duplicates", "pixels", "split:val", "--keep", "first", "--apply")
    assert (found["changed"], found["action"]) == (0, None)


@pytest.mark.parametrize(
    "words",
    [
        ("pixel",),
        ("near", "--distance", "11"),
        ("near", "--distance", "-1"),
        ("pixels", "--distance", "2"),
        ("near", "--apply"),
        ("near", "--keep", "best"),
        ("near", "--keep", "first", "--apply", "--dry-run"),
    ],
)
def test_words_that_make_no_sense_are_usage_errors(
    copies: Path, run: Run, words: tuple[str, ...]
) -> None:
    result = run("duplicates", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("pixshelf: error: ")
    assert printed(run, "stats")["images"] == 5


def test_a_crowd_of_look_alikes_is_not_passed_off_as_copies(db: Path, run: Run) -> None:
    with open_repository(db, create=True) as repo:
        add_images(repo, *(new_image(number, dhash=7 + (number << 8)) for number in range(24)))
    assert "24 of 24 images are in one group" in run("duplicates", "near").stderr


def test_a_terminal_shows_the_pictures(db: Path, tmp_path: Path, run_terminal: RunTerminal) -> None:
    first = picture(1)
    buffer = BytesIO()
    Image.open(BytesIO(first)).save(buffer, "BMP")
    lay(tmp_path / "in", {"a.png": first, "b.bmp": buffer.getvalue()})
    with open_repository(db, create=True) as repo:
        import_source(repo, tmp_path / "in")
    code, text = run_terminal("duplicates", "pixels")
    assert code == 0
    assert text.count("▀") > 40


def test_pictures_on_both_sides_of_a_split_are_found(copies: Path, run: Run) -> None:
    result = run("split", "--check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "images": 5,
        "distance": 4,
        "pixels": [{"images": [1, 3], "splits": {"train": 1, "test": 1}}],
        "near": [{"images": [1, 3, 5], "splits": {"train": 1, "test": 2}}],
    }
    text = run("split", "--check", "--distance", 0)
    assert text.exit_code == 1
    assert "1 group of equal pictures and 0 groups of near duplicates" in text.stdout


def test_a_split_without_copies_passes_the_check(copies: Path, run: Run) -> None:
    assert run("split", "--check", "-id:3,5").exit_code == 0
    run("split", "id:1,3,5", "--to", "train")
    assert run("split", "--check").exit_code == 0


def test_images_in_no_split_are_not_checked(copies: Path, run: Run) -> None:
    run("split", "id:3,5", "--to", "none")
    result = run("split", "--check", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["images"] == 3


@pytest.mark.parametrize(
    "words",
    [
        ("--check", "--to", "test"),
        ("--check", "--ratios", "8/1/1"),
        ("--to", "test", "--distance", "2"),
        ("--check", "--distance", "99"),
    ],
)
def test_a_check_that_makes_no_sense_is_a_usage_error(
    copies: Path, run: Run, words: tuple[str, ...]
) -> None:
    assert run("split", *words).exit_code == 2


def test_ratios_put_copies_of_one_picture_into_one_split(copies: Path, run: Run) -> None:
    for seed in range(8):
        run("split", "--ratios", "1/1/1", "--seed", seed)
        found = json.loads(run("split", "--check", "--json", "--distance", 0).stdout)
        assert found["pixels"] == []


def test_ratios_move_no_image_when_more_arrive(copies: Path, run: Run) -> None:
    def places() -> dict[int, str]:
        return {row["id"]: row["split"] for row in json.loads(run("ls", "-n0", "--json").stdout)}

    run("split", "--ratios", "2/1/1")
    before = places()
    with open_repository(copies) as repo:
        add_images(repo, *(new_image(number) for number in range(10, 40)))
    run("split", "--ratios", "2/1/1")
    after = places()
    assert len(after) == 35
    assert {image: after[image] for image in before} == before
    assert before[1] == assign_split(print_hash(1), 0, (0.5, 0.25, 0.25))
