"""What the evaluate screen says, without the screen: queries, commands, orders, words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml.evaluating import Evaluation, Unanswered, evaluate
from storage.opening import open_repository
from storage.query import parse
from storage.records import ModelRecord
from tests.ml_fixtures import as_record, digits_model
from tui.evaluation.evaluations import (
    Chosen,
    Shown,
    command_words,
    first_split,
    label_rows,
    model_names,
    model_words,
    read_shown,
    shown,
    wrong_choice,
)
from tui.evaluation.text import summary, summary_text, sureness
from tui.frame.dataset import Dataset
from tui.plain.progress_text import progress_text


def named(name: str, number: int) -> ModelRecord:
    return replace(as_record(digits_model(name)), id=number)


@pytest.fixture
def made(dataset: Dataset) -> Shown:
    with open_repository(dataset.url) as repo:
        return shown(repo, evaluate(repo, None, "test"))


def test_every_cell_of_the_matrix_is_what_its_query_finds(dataset: Dataset, made: Shown) -> None:
    matrix = made.matrix
    with open_repository(dataset.url) as repo:
        chosen = Chosen(repo.models.find(None), "means", "test")
        for row, truth in enumerate(matrix.labels):
            for column, answer in enumerate(matrix.labels):
                query = parse(chosen.cell(truth, answer))
                assert repo.images.count(query) == matrix.counts[row][column]


def test_the_mistakes_are_what_their_query_finds(dataset: Dataset, made: Shown) -> None:
    with open_repository(dataset.url) as repo:
        chosen = Chosen(repo.models.find(None), "means", "test")
        found = repo.images.ids(parse(chosen.mistakes()))
    assert found
    assert found == [mistake.image for mistake in made.mistakes]


@pytest.mark.parametrize("label", ["two words", 'say "hi"', "a,b", "back\\slash", "-x", "[b]"])
def test_labels_and_models_are_quoted_so_that_the_query_reads_back(label: str) -> None:
    query = parse(Chosen(named("x", 1), label, "test").cell(label, label))
    assert [term.values for term in query.terms] == [(label,), (label,), ("test",)]
    assert query.model == label


def test_a_query_takes_the_place_of_the_split() -> None:
    chosen = Chosen(named("x", 1), "x", "tag:odd width>8")
    assert chosen.cell("1", "2") == "label:1 predicted:2 tag:odd width>8 model:x"
    assert chosen.arguments() == ("--on", "tag:odd width>8")


def test_a_model_that_shares_its_name_with_a_newer_one_is_named_by_its_id() -> None:
    models = [named("b", 3), named("a", 2), named("b", 1), named("77", 4)]
    assert model_words(models) == {3: "b", 2: "a", 1: "1", 4: "4"}
    assert list(model_names(models)) == ["b", "a", "b (id 1)", "77 (id 4)"]


@pytest.mark.parametrize(
    ("on", "wrong"),
    [
        ("val", ""),
        ("tag:odd", ""),
        ("nonsense:", "not a field"),
        ("tag:odd model:x", "leave out"),
        ("tag:odd sort:id", "leave out"),
        ("", "empty"),
    ],
)
def test_what_cannot_be_evaluated_on_is_said(on: str, wrong: str) -> None:
    assert wrong in wrong_choice(on)
    assert bool(wrong) == bool(wrong_choice(on))


def test_the_first_split_with_a_labelled_image_is_taken(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        assert first_split(repo) == "test"
        tested = repo.images.ids(parse("split:test"))
        repo.images.set_label(tested, None, actor="test")
        assert first_split(repo) == "train"


def test_what_is_missing_is_told_in_place_of_an_evaluation(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        found = read_shown(repo, repo.models.find(None), "train")
    assert isinstance(found, Unanswered)
    assert (found.n, found.missing) == (40, 40)


def test_labels_are_ordered_by_every_column(made: Shown) -> None:
    assert [row.label for row in label_rows(made, "label")] == list("0123456789")
    recalls = [row.score.recall for row in label_rows(made, "recall")]
    assert recalls == sorted(recalls)
    images = [row.score.support for row in label_rows(made, "images")]
    assert images == sorted(images, reverse=True)
    mistakes = [row.mistakes for row in label_rows(made, "mistakes", reverse=True)]
    assert mistakes == sorted(mistakes)
    assert sum(mistakes) == len(made.mistakes)


def test_labels_without_images_come_last(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        few = shown(repo, evaluate(repo, None, "label:3,4 split:test"))
    assert {row.label for row in label_rows(few, "f1")[:2]} == {"3", "4"}
    assert {row.label for row in label_rows(few, "f1", reverse=True)[:2]} == {"3", "4"}


def test_a_label_says_what_it_is_most_taken_for(made: Shown) -> None:
    row, column = made.matrix.confused[0]
    found = {each.label: each.taken_for for each in label_rows(made, "label")}
    assert found[made.matrix.labels[row]] == made.matrix.labels[column]


def test_the_summary_has_every_total_and_the_notes(made: Shown) -> None:
    names = [name for name, _, _ in summary(made.evaluation)]
    assert names[:3] == ["images", "accuracy", "top-3"]
    assert names[-1] == "temperature"
    noted = replace(made.evaluation, notes=("Splits were [b]changed[/b].",))
    assert "! Splits were [b]changed[/b]." in summary_text(noted).plain


def test_a_model_is_said_to_be_too_sure_or_not_sure_enough(made: Shown) -> None:
    def with_confidence(value: float) -> Evaluation:
        calibration = made.evaluation.calibration
        each = replace(calibration.reliability[0], images=10, confidence=value, accuracy=0.5)
        return replace(
            made.evaluation, calibration=replace(calibration, reliability=(each,), ece=0.1)
        )

    assert "surer than it is right, by 10.0 %" in sureness(with_confidence(0.6))
    assert "less sure than it is right, by 10.0 %" in sureness(with_confidence(0.4))
    assert "agree" in sureness(with_confidence(0.5))


def test_the_commands_name_the_model_the_images_and_the_cell() -> None:
    chosen = Chosen(named("x", 1), "my model", "test")
    found = dict(command_words(chosen, ["my model", "other"], "label:1"))
    assert found["evaluate"] == ("eval", "--model", "my model", "--split", "test")
    assert found["list the images of this cell"] == ("ls", "label:1")
    assert found["compare with another model"][:4] == ("models", "compare", "my model", "other")
    assert "compare with another model" not in dict(command_words(chosen, ["my model"], None))


def test_progress_is_told_with_its_rate_and_what_is_left() -> None:
    assert progress_text("evaluating", 0, 100, 0.0) == "evaluating ················ 0 of 100"
    text = progress_text("evaluating", 5_000, 10_000, 2.0)
    assert text == "evaluating ████████········ 5,000 of 10,000, 2,500/s, 2.0 s left"


def test_a_model_whose_name_is_no_word_is_named_by_its_id_and_listed_apart() -> None:
    models = [named("-x", 3), named("a\x1b[2J", 2), named("a\x07", 1), named("a\x08", 4)]
    assert model_words(models) == {3: "3", 2: "2", 1: "1", 4: "4"}
    names = model_names(models)
    assert [model.id for model in names.values()] == [3, 2, 1, 4]
    assert not any("\x1b" in name for name in names)
