"""A small dataset of digits for every test of the app, and the app running on a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.predicting import load_predictor, predict_stored
from storage.opening import open_repository
from tests.ml_fixtures import digits_model, store_digits
from tui.frame.dataset import Dataset

collect_ignore = [] if shutil.which("tmux") else ["test_end_to_end.py"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 digits: 60 in test with the answers of a model, 40 in train, 20 without a label and
    split, the first three with a tag."""
    path = tmp_path_factory.mktemp("template") / "digits.db"
    with open_repository(path, create=True) as repo:
        ids = store_digits(repo, 120)
        repo.images.set_split(dict.fromkeys(ids[60:100], "train"), actor="test", summary="train")
        repo.images.set_split(dict.fromkeys(ids[100:], None), actor="test", summary="none")
        repo.images.set_label(ids[100:], None, actor="test")
        repo.images.add_tag(ids[:3], "odd", actor="test")
        repo.models.add(digits_model("means"))
        for _ in predict_stored(repo, load_predictor(repo), ids[:60], save=True):
            pass
    return path


@pytest.fixture
def db(tmp_path: Path, template: Path) -> Path:
    """The test's own copy of the dataset."""
    path = tmp_path / "digits.db"
    shutil.copy(template, path)
    return path


@pytest.fixture
def dataset(db: Path) -> Iterator[Dataset]:
    """The test's dataset as the app has it."""
    opened = Dataset(str(db))
    yield opened
    opened.close()
