"""`sql`: any question that only reads, on any dataset; the everyday views say the same on all."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace

import pytest

from storage.errors import ExitCode, TimedOut, UsageError
from storage.repository import Repository
from tests.backends import Backend
from tests.making import add_images, new_image, new_model, new_prediction

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT {} FROM c"


@pytest.fixture
def filled(repository: Repository) -> Repository:
    add_images(repository, *(new_image(n, label="ab"[n % 2]) for n in range(1, 6)))
    return repository


@pytest.fixture
def answered(repository: Repository) -> Repository:
    """Five images with tags, of which a model has four right, wrong or never judged."""
    add_images(
        repository,
        new_image(1, label="7", split="train", tags=("y", "x"), source="a/1.png"),
        new_image(2, label="7", split="test"),
        new_image(3, label="9", split="test", width=40),
        new_image(4),
        new_image(5, label="7"),
    )
    repository.models.add(new_model("7", "9", name="net"))
    repository.predictions.save(
        1,
        [
            new_prediction(1, "7", 0.9),
            new_prediction(2, "9", 0.75, 0.25),
            new_prediction(3, "9", 0.5),
            new_prediction(4, "7", 0.8),
            new_prediction(5, "9", 0.25),
        ],
    )
    repository.images.set_label([3], "7", actor="test")
    repository.images.delete([5], actor="test")
    return repository


def answer(
    repository: Repository, text: str, *, limit: int | None = None, timeout: float = 10.0
) -> list[tuple[object, ...]]:
    with closing(repository.sql(text, limit=limit, timeout=timeout)) as rows:
        return list(rows)


def test_a_question_is_answered_with_its_columns_and_rows(filled: Repository) -> None:
    question = "SELECT label, count(*) AS n FROM images GROUP BY 1 ORDER BY 1"
    with closing(filled.sql(question)) as rows:
        assert rows.columns == ("label", "n")
        assert list(rows) == [("a", 2), ("b", 3)]


EVERYDAY = {
    "all sevens": (
        "SELECT id, split, tags, width, source FROM images WHERE label = '7' ORDER BY id",
        [
            (1, "train", "x, y", 28, "a/1.png"),
            (2, "test", None, 28, "2.png"),
            (3, "test", None, 40, "3.png"),
        ],
    ),
    "wrong predictions with the true label": (
        "SELECT image_id, model, predicted, label, label_then, confidence, margin, wrong "
        "FROM wrong_predictions ORDER BY confidence",
        [(3, "net", "9", "7", "9", 0.5, 0.5, 1), (2, "net", "9", "7", "7", 0.75, 0.25, 1)],
    ),
    "predictions under 0.8": (
        "SELECT image_id, predicted, confidence FROM low_confidence ORDER BY confidence",
        [(3, "9", 0.5), (2, "9", 0.75)],
    ),
    "every prediction": (
        "SELECT image_id, model_id, predicted, label, wrong FROM predictions ORDER BY image_id",
        [(1, 1, "7", "7", 0), (2, 1, "9", "7", 1), (3, 1, "9", "7", 1), (4, 1, "7", None, None)],
    ),
    "how many there are of each": (
        "SELECT label, count(*) FROM images GROUP BY label ORDER BY label IS NULL, label",
        [("7", 3), (None, 1)],
    ),
    "how sure the model is of each": (
        "SELECT predicted, avg(confidence) FROM predictions GROUP BY predicted ORDER BY 1 LIMIT 1",
        [("7", pytest.approx(0.85))],
    ),
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_an_everyday_question_has_the_same_answer_everywhere(
    answered: Repository, name: str
) -> None:
    question, expected = EVERYDAY[name]
    assert answer(answered, question) == expected


def test_the_same_picture_under_two_labels_is_found(repository: Repository) -> None:
    add_images(
        repository,
        new_image(1, label="7", pixel_hash=b"p" * 16),
        new_image(2, label="9", pixel_hash=b"p" * 16),
        new_image(3, label="7", pixel_hash=b"q" * 16),
        new_image(4, label="7", pixel_hash=b"q" * 16),
    )
    question = (
        "SELECT one.id, one_label.name, other.id, other_label.name FROM image AS one "
        "JOIN image AS other ON other.pixel_hash = one.pixel_hash AND other.id > one.id "
        "JOIN label AS one_label ON one_label.id = one.label_id "
        "JOIN label AS other_label ON other_label.id = other.label_id "
        "WHERE other.label_id <> one.label_id"
    )
    assert answer(repository, question) == [(1, "7", 2, "9")]


@pytest.mark.parametrize("view", ["images", "predictions", "wrong_predictions", "low_confidence"])
def test_a_view_has_the_same_columns_everywhere(answered: Repository, view: str) -> None:
    prediction = (
        *("image_id", "model_id", "model", "predicted", "confidence", "margin", "label"),
        *("label_then", "wrong", "split", "source", "predicted_at"),
    )
    image = (
        *("id", "label", "split", "tags", "width", "height", "channels", "format", "bytes"),
        *("source", "imported_from", "added_at", "sha256"),
    )
    with closing(answered.sql(f"SELECT * FROM {view}")) as rows:
        assert rows.columns == (image if view == "images" else prediction)
        (first, *_) = rows
    stamp = first[rows.columns.index("added_at" if view == "images" else "predicted_at")]
    assert isinstance(stamp, str)
    assert abs(time.time() - _seconds(stamp)) < 3_600


def _seconds(stamp: str) -> float:
    from datetime import UTC, datetime

    return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


def test_a_hash_is_shown_in_hexadecimal(filled: Repository) -> None:
    (row,) = answer(filled, "SELECT sha256 FROM images WHERE id = 1")
    assert row == (new_image(1).sha256.hex(),)


def test_values_keep_their_kinds(filled: Repository) -> None:
    question = "SELECT 1, CAST(1.5 AS REAL), 'text', NULL, data FROM image_data WHERE image_id = 1"
    assert answer(filled, question) == [(1, 1.5, "text", None, b"image 1")]


def test_no_more_rows_than_the_limit_are_given(filled: Repository) -> None:
    assert answer(filled, "SELECT id FROM images ORDER BY id", limit=2) == [(1,), (2,)]
    assert answer(filled, ENDLESS.format("x"), limit=3) == [(1,), (2,), (3,)]
    assert answer(filled, "SELECT 1", limit=0) == []


def test_columns_of_one_name_are_told_apart(filled: Repository) -> None:
    with closing(filled.sql('SELECT 1 AS n, 2 AS n, 3 AS "n:1", 4 AS n')) as rows:
        assert rows.columns == ("n", "n:1", "n:1:1", "n:2")


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM image",
        "UPDATE image SET width = 1",
        "INSERT INTO label (id, name) VALUES (99, 'x')",
        "DROP TABLE image",
        "CREATE TABLE t (a integer)",
        "CREATE TEMP TABLE t (a integer)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "ALTER TABLE image RENAME TO other",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "ANALYZE",
        "REINDEX",
        "WITH x AS (SELECT 1) DELETE FROM image",
        "EXPLAIN DELETE FROM image; SELECT 1",
        "SELECT 1; DELETE FROM image",
        "SELECT 1; SELECT 2",
        "DELETE FROM image RETURNING id",
        "",
        " ",
        ";",
        "-- nothing",
        "/* nothing */",
        "SELECT nothing FROM image",
        "SELECT 'never closed",
        "SELECT 1\0",
        "SELECT " + "1," * 60_000 + "1",
    ],
    ids=lambda text: text[:30].replace("/", "-").replace("\0", "NUL") or "empty",
)
def test_what_does_not_only_read_is_refused_and_changes_nothing(
    filled: Repository, unchanged: Callable[[], object], text: str
) -> None:
    before = unchanged()
    with pytest.raises(UsageError, match=r"^SQL: ") as caught:
        answer(filled, text)
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == ExitCode.USAGE
    assert unchanged() == before


@pytest.mark.parametrize(
    "text",
    [
        "VALUES (1)",
        "SELECT 1 -- and that is all",
        "SELECT 1;",
        "/* first */ SELECT 1",
        "WITH x AS (SELECT 1 AS n) SELECT n FROM x",
        "SELECT 'DELETE; FROM image' AS text",
        'SELECT 1 AS "delete"',
    ],
)
def test_what_only_reads_is_answered(filled: Repository, text: str) -> None:
    assert answer(filled, text)


@pytest.mark.parametrize("what", ["count(*)", "x"])
def test_a_question_that_takes_too_long_is_given_up(filled: Repository, what: str) -> None:
    with pytest.raises(TimedOut, match=r"longer than 0\.05 s") as caught:
        answer(filled, ENDLESS.format(what), timeout=0.05)
    assert caught.value.exit_code == ExitCode.FAILED


def test_the_time_between_rows_does_not_count(
    filled: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + between)
    for backend in ("sqlite", "postgres"):
        monkeypatch.setattr(f"storage.{backend}.asking.time", clock)
    with closing(filled.sql("SELECT id FROM images ORDER BY id", timeout=60)) as rows:
        reading = iter(rows)
        next(reading)
        between = 100.0
        assert len(list(reading)) == 4


def test_an_answer_is_closed_twice_and_leaves_the_repository_open(filled: Repository) -> None:
    rows = filled.sql("SELECT 1")
    rows.close()
    rows.close()
    assert filled.stats().images == 5


def test_writing_goes_on_while_an_answer_is_read(filled: Repository, backend: Backend) -> None:
    with closing(filled.sql("SELECT id FROM images")) as rows:
        reading = iter(rows)
        next(reading)
        add_images(filled, new_image(9))
        assert len(list(reading)) == 4
    assert filled.stats().images == 6
    assert len(backend.rows("image", "id")) == 6
