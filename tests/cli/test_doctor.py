"""doctor: versions, paths, and the state of a dataset that may be missing or broken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.sqlite.library import has_wal_reset_bug
from tests.cli.conftest import Run
from tests.making import new_model


def test_doctor_prints_every_documented_key(run: Run, db: Path) -> None:
    facts = json.loads(run("doctor", "--json").stdout)
    assert set(facts) == {
        "pixshelf",
        "python",
        "platform",
        "sqlite",
        "packages",
        "terminal",
        "config",
        "data_folder",
        "dataset",
    }
    assert set(facts["sqlite"]) == {"version", "wal_reset_bug"}
    assert set(facts["terminal"]) == {"colours", "columns", "lines"}
    assert facts["packages"]["tensorflow"]
    assert facts["dataset"] == {"url": str(db), "state": "missing", "message": None, "info": None}
    assert not db.exists()


def test_doctor_describes_a_dataset(run: Run) -> None:
    run("db", "init")
    dataset = json.loads(run("doctor", "--json").stdout)["dataset"]
    assert dataset["state"] == "ok"
    assert dataset["info"]["images"] == 0


def test_a_dataset_that_cannot_be_opened_is_reported_and_no_error(run: Run, db: Path) -> None:
    db.write_bytes(b"\xff\xd8\xff" + b"x" * 5000)
    result = run("doctor")
    assert result.exit_code == 0
    assert f"{db}: " in result.stdout
    dataset = json.loads(run("doctor", "--json").stdout)["dataset"]
    assert dataset["state"] == "error"
    assert dataset["message"]


def test_doctor_names_the_library_and_the_defect(run: Run) -> None:
    text = run("doctor").stdout
    assert "WAL-reset" in text
    assert "SQLite" in text


@pytest.mark.parametrize(
    ("version", "affected"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 51, 2), True), ((3, 51, 3), False)],
)
def test_the_defect_is_known_by_version(version: tuple[int, int, int], affected: bool) -> None:
    assert has_wal_reset_bug(version) is affected


def test_doctor_names_what_speaks_to_a_server_and_the_server(
    run: Run, postgres_dataset_url: str
) -> None:
    with open_repository(postgres_dataset_url) as repository:
        repository.models.add(new_model("cat", "dog"))
        library = repository.info().library
    text = run("--db", postgres_dataset_url, "doctor").stdout
    assert re.search(r"^psycopg +\d", text, re.MULTILINE)
    assert ": 0 images, 1 model, " in text
    assert f" in {library}\n" in text
    assert library.startswith("PostgreSQL ")
