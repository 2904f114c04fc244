"""A dataset file that is open is read by SQLite alone: anything else would take its locks away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing.reading import read_picture
from storage.importing.recognise import open_source, recognise
from storage.opening import open_repository
from storage.repository import Repository
from tests.making import add_images, new_image

ELSEWHERE = """
import sys
from storage.opening import open_repository
open_repository(sys.argv[1]).close()
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        add_images(opened, new_image(1))
        yield opened


@pytest.mark.parametrize("beside", ["", "-wal", "-shm"])
def test_the_open_dataset_is_no_source(repo: Repository, beside: str) -> None:
    path = Path(repo.url + beside)
    for read in (read_picture, recognise, open_source):
        with pytest.raises(RefusedInput, match="the dataset that is open"):
            read(path)


def test_neither_is_a_link_to_it(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "soft.png").symlink_to(repo.url)
    os.link(repo.url, tmp_path / "hard.png")
    for name in ("soft.png", "hard.png"):
        with pytest.raises(RefusedInput, match="the dataset that is open"):
            read_picture(tmp_path / name)


def test_a_dataset_that_was_closed_is_a_file_like_others(tmp_path: Path) -> None:
    with open_repository(tmp_path / "digits.db", create=True) as repo:
        pass
    with pytest.raises(RefusedInput, match="SQLite"):
        recognise(Path(repo.url))


def test_what_is_labelled_after_a_look_at_the_file_is_there_for_others(repo: Repository) -> None:
    with pytest.raises(RefusedInput):
        read_picture(repo.url)
    # Whoever closes last folds the log into the file and throws it away.
    subprocess.run([sys.executable, "-c", ELSEWHERE, repo.url], check=True, timeout=60)
    repo.images.set_label([1], "nine", actor="test")
    with open_repository(repo.url) as again:
        assert again.images.get(1).label == "nine"
