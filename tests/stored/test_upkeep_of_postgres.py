"""A dataset in PostgreSQL looked after: what `check` finds, backups, and other versions."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from storage.errors import DatasetError, RefusedInput
from storage.opening import migrate_dataset, open_repository
from storage.postgres import checking, migrating
from storage.postgres.schema import SCHEMA_VERSION, TABLES
from tests.making import add_images, new_image, new_model, new_prediction


@pytest.fixture
def url(postgres_url: str) -> str:
    """A dataset with three images and a model's answers for them, to be spoilt."""
    with open_repository(postgres_url, create=True) as repository:
        ids = add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(3)))
        model = repository.models.add(new_model("a", "b"))
        repository.predictions.save(model, [new_prediction(image, "a", 0.9) for image in ids])
    return postgres_url


def spoil(url: str, *statements: str) -> None:
    with psycopg.connect(url, options="-c search_path=pixshelf") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(url: str, *, deep: bool = True) -> list[str]:
    with open_repository(url) as repository:
        return [
            problem.what if problem.image is None else f"{problem.image}: {problem.what}"
            for problem in repository.check(deep=deep)
        ]


def test_all_is_well_with_a_fresh_dataset(url: str) -> None:
    assert found(url) == found(url, deep=False) == []


@pytest.mark.parametrize(
    ("change", "deep", "quick"),
    [
        ("DELETE FROM image_data WHERE image_id = 2", "2: the bytes are missing", None),
        (
            "UPDATE image_data SET data = 'x' WHERE image_id = 2",
            "2: the bytes are not those that were stored (sha256)",
            "2: has 1 bytes where 7 are noted",
        ),
        (
            "DELETE FROM prediction_probabilities WHERE prediction_id = 1",
            "1: the probabilities of model 1 are missing",
            None,
        ),
        (
            "UPDATE prediction SET wrong = 1 - wrong WHERE image_id = 3",
            "3: model 1's prediction is marked wrong or right against its label",
            None,
        ),
        (
            "SET session_replication_role = replica; UPDATE prediction SET truth_id = 77",
            "reference: truth_id 77 of prediction points at nothing in label",
            None,
        ),
        ("DROP INDEX image_width", "structure: index image_width is missing", None),
        (
            "ALTER TABLE image DISABLE TRIGGER image_relabelled",
            "structure: trigger image_relabelled is out of work",
            None,
        ),
        (
            "CREATE TRIGGER other AFTER UPDATE ON image EXECUTE FUNCTION image_relabelled()",
            "structure: trigger other is not pixshelf's",
            None,
        ),
        ("DROP VIEW low_confidence", "structure: view low_confidence is missing", None),
        (
            "ALTER TABLE measure DROP COLUMN spread",
            "structure: table measure has no column spread",
            None,
        ),
        (
            "ALTER TABLE epoch ALTER COLUMN step TYPE text",
            "structure: column step of table epoch is text, not bigint",
            None,
        ),
    ],
)
def test_what_was_spoilt_is_found(url: str, change: str, deep: str, quick: str | None) -> None:
    spoil(url, change)
    assert found(url) == [deep]
    assert found(url, deep=False) == [quick or deep]


def test_weights_that_are_gone_are_found(url: str) -> None:
    spoil(url, "DELETE FROM model_data")
    assert found(url, deep=False) == ["the weights of model 1 are missing"]
    assert found(url) == ["there is no model 1"] * 2


def test_every_column_of_every_table_is_looked_at(url: str) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'pixshelf' AND table_name = ANY(%s)",
            (list(TABLES),),
        ).fetchall()
        keys = connection.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' "
            "AND connamespace = 'pixshelf'::regnamespace"
        ).fetchone()
    assert {(table, name): kind for table, name, kind in rows} == checking.columns()
    assert keys == (len(list(checking.references())),)


def test_a_backup_is_a_dataset_file_with_all_of_it(url: str, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    with open_repository(url) as repository:
        repository.backup(target)
        with pytest.raises(RefusedInput, match="is already there"):
            repository.backup(target)
        with open_repository(target) as copy:
            assert copy.stats() == repository.stats()
            assert copy.predictions.of_image(1) == repository.predictions.of_image(1)
            assert list(copy.check()) == []
    assert [path.name for path in tmp_path.iterdir() if "-" not in path.name] == ["backup.db"]


def test_a_dataset_of_the_newest_version_is_left_as_it_is(url: str) -> None:
    done = migrate_dataset(url)
    assert (done.before, done.after, done.backup) == (SCHEMA_VERSION, SCHEMA_VERSION, None)
    assert done.dataset == url


def test_an_older_version_is_told_and_brought_to_the_newest_step_by_step(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("migrating", "database"):
        monkeypatch.setattr(f"storage.postgres.{module}.SCHEMA_VERSION", SCHEMA_VERSION + 2)
    with pytest.raises(DatasetError, match=f"needs {SCHEMA_VERSION + 2}"):
        open_repository(url)
    steps = {
        SCHEMA_VERSION: ["CREATE TABLE new (id int)"],
        SCHEMA_VERSION + 1: ["ALTER TABLE new ADD COLUMN name text", "SELECT 1/0"],
    }
    monkeypatch.setattr(migrating, "MIGRATIONS", steps)
    with pytest.raises(DatasetError, match="division by zero"):
        migrate_dataset(url)
    steps[SCHEMA_VERSION + 1].pop()
    done = migrate_dataset(url)
    assert (done.before, done.after) == (SCHEMA_VERSION + 1, SCHEMA_VERSION + 2)
    open_repository(url).close()


def test_a_version_that_never_was_is_told(url: str) -> None:
    spoil(url, "UPDATE dataset SET version = 1")
    with pytest.raises(DatasetError, match="has schema version 1, which no pixshelf has written"):
        migrate_dataset(url)
