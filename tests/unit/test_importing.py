"""What of an import of a model is decided before a process is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.importing import import_model
from storage.errors import UsageError
from storage.opening import open_repository
from tests.keras_files import write_keras
from tests.making import new_model


@pytest.mark.parametrize("name", ["7", "pets"])
def test_a_name_that_another_model_has_or_that_is_a_number_is_refused(
    tmp_path: Path, name: str
) -> None:
    file = write_keras(tmp_path / "a.keras")
    with open_repository(tmp_path / "d.db", create=True) as repository:
        repository.models.add(new_model("a", "b", name="pets"))
        with pytest.raises(UsageError, match=r"^name: "):
            import_model(repository, file, trust=True, labels=["a", "b"], name=name)
        assert len(repository.models.all()) == 1


def test_a_label_that_is_given_twice_among_very_many_is_refused(tmp_path: Path) -> None:
    labels = [f"label {at}" for at in range(50_000)]
    file = write_keras(tmp_path / "a.keras")
    with (
        open_repository(tmp_path / "d.db", create=True) as repository,
        pytest.raises(UsageError, match="'label 49999' more than once"),
    ):
        import_model(repository, file, trust=True, labels=[*labels, labels[-1]])
