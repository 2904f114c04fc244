"""`pixshelf review`: the queues as lists, and their suggestions carried out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.predicting import load_predictor, predict_stored
from ml.review_queue import KINDS
from storage.opening import open_repository
from storage.repository import Repository
from tests.cli.conftest import Run
from tests.ml_fixtures import digits_model, store_digits


@pytest.fixture
def repo(db: Path) -> Iterator[Repository]:
    """Thirty digits with the answers of a model, the first two with a wrong label, the last two
    with none."""
    with open_repository(db, create=True) as opened:
        ids = store_digits(opened, 30)
        opened.models.add(digits_model("means"))
        for _ in predict_stored(opened, load_predictor(opened), ids, save=True):
            pass
        for image in (1, 2):
            other = "1" if predicted(opened, image) != "1" else "2"
            opened.images.set_label([image], other, actor="test")
        opened.images.set_label(ids[-2:], None, actor="test")
        yield opened


def predicted(repo: Repository, image: int) -> str:
    answer = repo.images.get(image).prediction
    assert answer is not None
    return answer.label


def test_a_queue_lists_its_images_with_suggestions_and_reasons(repo: Repository, run: Run) -> None:
    rows = json.loads(run("review", "wrong", "id:1,2", "--json").stdout)
    assert {row["image"] for row in rows} == {1, 2}
    for row in rows:
        suggestion = row["suggestion"]
        assert (suggestion["what"], suggestion["images"]) == ("label", [row["image"]])
        assert suggestion["name"] == predicted(repo, row["image"])
        assert "but the model is" in row["reason"]


def test_the_table_names_the_suggestion(repo: Repository, run: Run) -> None:
    done = run("review", "wrong", "id:1")
    assert done.exit_code == 0
    heading, row = done.stdout.splitlines()
    assert heading.split() == ["id", "label", "suggested", "reason"]
    assert predicted(repo, 1) in row.split()


def test_a_suggestion_is_a_few_columns_in_csv(repo: Repository, run: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(run("review", "wrong", "id:1", "--csv").stdout))
    assert row["suggestion.name"] == predicted(repo, 1)


def test_accepting_labels_and_tags_and_can_be_undone(repo: Repository, run: Run) -> None:
    before = [repo.images.get(image).label for image in (1, 2)]
    done = run("review", "wrong", "id:1,2", "--accept")
    assert done.exit_code == 0
    assert "pixshelf undo 2 takes it back" in done.stderr
    for image in (1, 2):
        found = repo.images.get(image)
        assert (found.label, found.tags) == (predicted(repo, image), ("reviewed",))
    run("undo", 2)
    assert [repo.images.get(image).label for image in (1, 2)] == before
    assert repo.images.get(1).tags == ()


def test_what_was_accepted_is_listed_no_more(repo: Repository, run: Run) -> None:
    run("review", "unlabelled", "--accept")
    assert json.loads(run("review", "unlabelled", "--json").stdout) == []


def test_all_that_is_listed_is_accepted_however_many_that_are(repo: Repository, run: Run) -> None:
    repo.images.set_label(range(1, 26), None, actor="test")
    assert run("review", "unlabelled", "id<=25", "--accept").exit_code == 0
    assert repo.tags.counts()["reviewed"] == 25


def test_with_a_limit_only_so_many_are_accepted(repo: Repository, run: Run) -> None:
    run("review", "unlabelled", "--limit", 1, "--accept")
    assert repo.tags.counts()["reviewed"] == 1


def test_nothing_to_accept_is_an_error(repo: Repository, run: Run) -> None:
    done = run("review", "wrong", "id:999", "--accept")
    assert done.exit_code == 1
    assert "no suggestion to accept" in done.stderr


def test_more_than_is_shown_is_told_of(repo: Repository, run: Run) -> None:
    done = run("review", "unlabelled", "--limit", 1)
    assert len(done.stdout.splitlines()) == 2
    assert "1 of 2 are shown; --limit 0 shows all" in done.stderr


def test_what_is_missing_is_told_of(repo: Repository, run: Run) -> None:
    repo.models.add(digits_model("silent"))
    done = run("review", "wrong", "--model", "silent")
    assert "28 answers are missing" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_help_explains_every_queue(kind: str, run: Run) -> None:
    assert re.search(rf"^ +{kind} +\w", run("review", "--help").stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("wrongs",), "did you mean wrong?"),
        (("wrong", "--by", "margin"), "--by was given"),
        (("wrong", "--other", "1"), "--other was given"),
        (("unlabelled", "--by", "entropi"), "did you mean entropy?"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    words: tuple[str, ...], told: str, repo: Repository, run: Run
) -> None:
    done = run("review", *words)
    assert done.exit_code == 2
    assert told in done.stderr
