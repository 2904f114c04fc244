"""What a hand other than pixshelf's left in a dataset is said to be damage, not passed on."""

from __future__ import annotations

import pytest

from storage.errors import DatasetError
from storage.repository import Repository
from tests.backends import Backend
from tests.making import new_model, new_run


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("model", {"val_loss": float("inf")}),
        ("model", {"temperature": 0.0}),
        ("run", {"settings": '{"a": NaN}'}),
    ],
)
def test_stored_numbers_that_make_no_sense_are_damage(
    repository: Repository, backend: Backend, table: str, values: dict[str, object]
) -> None:
    repository.models.add(new_model("a", run=repository.runs.create(new_run("a"))))
    backend.change(table, 1, **values)
    read = repository.models.all if table == "model" else repository.runs.all
    with pytest.raises(DatasetError, match="damaged"):
        read()
