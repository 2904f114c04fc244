"""Numbers that a dataset cannot hold. Too large, they are as ids those of nothing, as limits no
limit; what is measured and is no finite number is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from storage.errors import NotFound, RefusedInput
from storage.query import parse
from storage.records import Measures
from storage.repository import Repository
from tests.making import (
    add_images,
    checkpoint,
    epoch,
    new_image,
    new_model,
    new_prediction,
    new_run,
)

LARGE = (2**63, 10**20 - 1, -(2**63) - 1)
MEASURES = Measures(1, 2, 3.0, 4, 0.5, False)

Asked = Callable[[Repository, int], Any]

NO_IMAGE: dict[str, Asked] = {
    "get": lambda repo, number: repo.images.get(number),
    "data": lambda repo, number: repo.images.data(number),
    "iter_data": lambda repo, number: list(repo.images.iter_data([1, number])),
    "stored": lambda repo, number: list(repo.images.stored([1, number])),
    "set_thumbnails": lambda repo, number: repo.images.set_thumbnails({number: b"x"}),
    "set_label": lambda repo, number: repo.images.set_label([1, number], "z", actor="x"),
    "set_labels": lambda repo, number: repo.images.set_labels(
        {1: "z", number: "z"}, actor="x", summary=""
    ),
    "set_split": lambda repo, number: repo.images.set_split(
        {1: "val", number: "val"}, actor="x", summary=""
    ),
    "add_tag": lambda repo, number: repo.images.add_tag([1, number], "z", actor="x"),
    "remove_tag": lambda repo, number: repo.images.remove_tag([1, number], "z", actor="x"),
    "delete": lambda repo, number: repo.images.delete([1, number], actor="x"),
    "restore": lambda repo, number: repo.images.restore([1, number], actor="x"),
    "predictions": lambda repo, number: repo.predictions.save(1, [new_prediction(number, "a", 1)]),
}
NO_RUN: dict[str, Asked] = {
    "get": lambda repo, number: repo.runs.get(number),
    "hold": lambda repo, number: repo.runs.hold(number).__enter__(),
    "reopen": lambda repo, number: repo.runs.reopen(number, 1),
    "revise": lambda repo, number: repo.runs.revise(
        number, settings={}, total_epochs=1, total_steps=1
    ),
    "record_epoch": lambda repo, number: repo.runs.record_epoch(
        number, epoch(1), last=checkpoint(1)
    ),
    "save_checkpoint": lambda repo, number: repo.runs.save_checkpoint(number, checkpoint(1)),
    "checkpoint": lambda repo, number: repo.runs.checkpoint(number, "last"),
    "finish": lambda repo, number: repo.runs.finish(number, "done"),
    "remove": lambda repo, number: repo.runs.remove(number),
}
NO_MODEL: dict[str, Asked] = {
    "get": lambda repo, number: repo.models.get(number),
    "weights": lambda repo, number: repo.models.weights(number),
    "litert": lambda repo, number: repo.models.litert(number),
    "rename": lambda repo, number: repo.models.rename(number, "z"),
    "remove": lambda repo, number: repo.models.remove(number),
    "predictions": lambda repo, number: repo.predictions.save(number, []),
}
NO_ACTION: dict[str, Asked] = {
    "get": lambda repo, number: repo.history.get(number),
    "events": lambda repo, number: repo.history.events(number),
}
NOTHING: dict[str, Asked] = {
    "thumbnail": lambda repo, number: repo.images.thumbnail(number),
    "measures": lambda repo, number: repo.measurements.get(number),
    "save": lambda repo, number: repo.measurements.save({number: MEASURES}, version=1),
    "held": lambda repo, number: repo.runs.is_held(number),
    "answers": lambda repo, number: repo.predictions.of_image(number),
    "model": lambda repo, number: list(repo.predictions.of_model(number, parse(""))),
    "prediction": lambda repo, number: repo.images.get(1, model=number).prediction,
    "history": lambda repo, number: repo.history.of_image(number),
}


@pytest.fixture
def filled(repository: Repository) -> Repository:
    add_images(repository, new_image(1, label="a"))
    repository.models.add(new_model("a", "b"))
    repository.runs.create(new_run())
    repository.images.set_label([1], "b", actor="x")
    return repository


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        pytest.param(what, asked, id=f"{what} {name}")
        for what, each in (
            ("image", NO_IMAGE),
            ("run", NO_RUN),
            ("model", NO_MODEL),
            ("action", NO_ACTION),
        )
        for name, asked in each.items()
    ],
)
def test_what_has_a_number_too_large_to_be_held_is_not_there(
    filled: Repository, what: str, asked: Asked
) -> None:
    for number in LARGE:
        with pytest.raises(NotFound, match=f"there is no {what} {number}$"):
            asked(filled, number)
    assert len(filled.history.actions()) == 1


@pytest.mark.parametrize("asked", NOTHING.values(), ids=NOTHING)
def test_a_number_too_large_to_be_held_is_that_of_nothing(filled: Repository, asked: Asked) -> None:
    for number in LARGE:
        assert not asked(filled, number)


def test_a_limit_too_large_to_be_held_is_none(filled: Repository) -> None:
    for limit in (2**63 - 1, 2**63, 10**20):
        assert len(filled.images.page(parse(""), limit=limit).images) == 1
        assert len(filled.history.actions(limit=limit, before=limit)) == 1
        assert len(filled.history.events(1, limit=limit)) == 1
        assert filled.history.events(1, after=limit) == []


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_refused_and_all_else_stays_readable(
    filled: Repository, number: float
) -> None:
    filled.runs.record_epoch(1, epoch(1), last=checkpoint(1))
    stored = filled.runs.all(), filled.models.all()
    metrics = ("seconds", "learning_rate", "train_loss", "train_accuracy", "val_loss")
    for name in (*metrics, "val_accuracy"):
        spoilt = replace(epoch(2), **{name: number})
        with pytest.raises(RefusedInput, match=f"^epoch 2 has {number} for {name}"):
            filled.runs.record_epoch(1, spoilt, last=checkpoint(2))
    for name in ("temperature", "val_accuracy", "val_loss"):
        with pytest.raises(RefusedInput, match=f"{number} for {name}"):
            filled.models.add(replace(new_model("a"), **{name: number}))
    for name in ("contrast", "sharpness"):
        with pytest.raises(RefusedInput, match=f"image 1 has {number} for {name}"):
            filled.measurements.save({1: replace(MEASURES, **{name: number})}, version=1)
    assert (filled.runs.all(), filled.models.all()) == stored
    assert filled.runs.checkpoint(1, "last") == checkpoint(1)
    assert filled.measurements.get(1) is None
