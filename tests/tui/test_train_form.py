"""The form of a training as data: texts to settings, settings to a command line, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from typer.testing import CliRunner

from ml.settings import TrainSettings
from storage.errors import NotFound, NotReady, QueryError, UsageError
from tui.training.form import (
    FORM,
    Field,
    fault,
    field_at_fault,
    parse_form,
    starting_values,
    train_words,
)
from tui.training.plan import wrapped


def test_the_form_has_every_setting_once() -> None:
    assert sorted(field.name for field in FORM) == sorted(f.name for f in fields(TrainSettings))


def test_its_first_values_are_the_usual_settings() -> None:
    assert parse_form(starting_values()) == (TrainSettings(), {})


@pytest.mark.parametrize("field", FORM, ids=lambda field: field.name)
def test_what_a_field_means_fits_below_the_form(field: Field) -> None:
    assert len(wrapped(field.help, 42)) <= 4


def test_texts_become_settings() -> None:
    typed = {"epochs": " 7 ", "class_weights": "yes", "resize": "crop", "start_from": "best"}
    settings, wrong = parse_form(starting_values() | typed)
    assert wrong == {}
    assert settings == TrainSettings(epochs=7, class_weights=True, resize="crop", start_from="best")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("epochs", "0", "received 0, expected a whole number 1..10000"),
        ("epochs", "many", "received 'many', expected a whole number"),
        ("seed", "9" * 5000, "expected a whole number"),
        ("minutes", "nan", "expected more than 0"),
        ("minutes", "soon", "expected a number"),
        ("query", "a\x00b", "unprintable"),
        ("name", "x" * 3000, "at most 2000 letters"),
    ],
)
def test_what_is_wrong_is_told_by_field(name: str, text: str, words: str) -> None:
    settings, wrong = parse_form(starting_values() | {name: text})
    assert settings is None
    assert list(wrong) == [name]
    assert words in wrong[name]


def test_every_wrong_field_is_told_at_once() -> None:
    _, wrong = parse_form(starting_values() | {"epochs": "x", "size": "0"})
    assert sorted(wrong) == ["epochs", "size"]


def test_two_lengths_are_one_too_many() -> None:
    _, wrong = parse_form(starting_values() | {"epochs": "3", "minutes": "5"})
    assert wrong == {"minutes": "epochs says how long already: empty one of the two"}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (QueryError("no", text="x", start=0, end=1), "query"),
        (NotFound("no model"), "start_from"),
        (UsageError("name: received 'a', which a model has already"), "name"),
        (UsageError("something: else"), None),
        (NotReady("no images"), None),
    ],
)
def test_what_a_plan_refuses_is_found_in_the_form(error: UsageError, name: str | None) -> None:
    assert field_at_fault(error, TrainSettings(start_from="x")) == name


def test_a_fault_is_told_without_its_fields_name() -> None:
    assert fault(UsageError("name: taken", hint="choose another")) == "taken (choose another)"


def test_the_usual_settings_need_no_options() -> None:
    assert train_words(TrainSettings()) == ("train",)


def test_the_words_of_settings_are_understood_by_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cli.commands.train import app

    settings = TrainSettings(
        preset="quick",
        minutes=2.5,
        batch=8,
        seed=3,
        size=16,
        resize="stretch",
        augment="none",
        query="tag:odd label:1",
        name="my model",
        threads=1,
        class_weights=True,
        start_from="means",
        ensemble=2,
    )
    seen: list[TrainSettings] = []

    class Stop(Exception):
        pass

    def parsed(given: dict[str, Any]) -> TrainSettings:
        seen.append(TrainSettings(**given))
        raise Stop

    class State:
        @staticmethod
        def threads(given: int | None) -> int | None:
            return given

    monkeypatch.setattr("cli.commands.train.session", lambda ctx: State)
    monkeypatch.setattr("cli.commands.train.TrainSettings.from_json", parsed)
    CliRunner().invoke(app, list(train_words(settings)[1:]))
    assert seen == [settings]
