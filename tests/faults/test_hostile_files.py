"""Dataset files made to do harm, and queries made of anything: refused in one line, or harmless."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import PixshelfError, UsageError
from storage.opening import open_repository
from storage.query import SORT_KEYS, STATES, parse
from storage.repository import Repository
from tests.faults.harness import run
from tests.making import add_images, new_image, new_model, new_prediction

COMMANDS = (
    ("ls",),
    ("ls", "is:wrong", "--json"),
    ("stats",),
    ("show", "1"),
    ("models", "ls"),
    ("runs", "ls"),
    ("history",),
    ("db", "check"),
    ("label", "1", "b"),
)


def fill(path: Path) -> None:
    """A small dataset with a prediction and an edit."""
    with open_repository(path, create=True) as repository:
        images = (new_image(n, label="ab"[n % 2], split="test", tags=("t",)) for n in range(9))
        ids = add_images(repository, *images)
        model = repository.models.add(new_model("a", "b"))
        repository.predictions.save(model, [new_prediction(i, "a", i / 10) for i in ids])
        repository.images.set_label(ids[:2], "c", actor="test")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    path = tmp_path_factory.mktemp("shelf") / "set.db"
    fill(path)
    with open_repository(path) as repository:
        yield repository


# Queries


def ask(repository: Repository, text: str) -> None:
    """Every way of asking answers, or says that the query will not do."""
    said = ""
    try:
        query = parse(text)
        page = repository.images.page(query, limit=3)
        again = repository.images.page(query, limit=3, after=page.next).images
        assert page.next is None or again
        assert repository.images.count(query) == len(repository.images.ids(query))
        assert len(list(repository.images.examples(query))) == repository.images.count(query)
        list(repository.predictions.of_model(1, query))
    except PixshelfError as error:
        said = error.message
    # What comes from SQLite names the file.
    assert "set.db" not in said


NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str), st.floats().map(str), st.sampled_from(["1", "0.5"])
)
NAMES = st.one_of(
    st.text(max_size=8), st.sampled_from(["a", "b", "t", "none", '"', "'", "*[", "]"])
)
WORDS = st.one_of(
    st.builds(
        "{}{}:{},{}".format,
        st.sampled_from(["", "-"]),
        st.sampled_from(["label", "tag", "split", "predicted", "source", "format", "model"]),
        NAMES,
        NAMES,
    ),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "-"]),
        st.sampled_from(["id", "width", "height", "bytes", "channels", "conf", "margin"]),
        st.sampled_from([":", "<", "<=", ">", ">=", "="]),
        NUMBERS,
    ),
    st.builds("{}is:{}".format, st.sampled_from(["", "-"]), st.sampled_from(STATES)),
    st.builds("is:{},{}".format, st.sampled_from(STATES), st.sampled_from(STATES)),
    st.builds("sort:{}{}".format, st.sampled_from(["", "-"]), st.sampled_from(SORT_KEYS)),
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused_as_a_query(shelf: Repository, text: str) -> None:
    ask(shelf, text)


@settings(max_examples=600, deadline=None)
@given(st.lists(WORDS, max_size=5).map(" ".join))
def test_any_words_are_answered_or_refused_as_a_query(shelf: Repository, text: str) -> None:
    ask(shelf, text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "sort:width", "sort:-confidence"]))
def test_any_place_to_continue_from_is_answered_or_refused(
    shelf: Repository, after: str, text: str
) -> None:
    with pytest.raises(UsageError, match="continue from"):
        shelf.images.page(parse(text), after=after)


# Files


def script(sql: str) -> Callable[[sqlite3.Connection], None]:
    """Does this to a dataset file, as its maker could: no constraint holds him."""

    def done(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.execute("PRAGMA writable_schema=ON")
        connection.executescript(sql)

    return done


def loosened(table: str, sql: str) -> Callable[[sqlite3.Connection], None]:
    """The table no longer STRICT, and then `sql`: a column may have any type."""

    def done(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(sql, ') STRICT', ')'), 'CHECK', "
            "'CHECK (1) CHECK') WHERE name = ?",
            (table,),
        )
        version = connection.execute("PRAGMA schema_version").fetchone()[0]
        connection.execute(f"PRAGMA schema_version={version + 1}")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.executescript(sql)

    return done


HARM = {
    "a trigger that deletes": script(
        "CREATE TRIGGER harm AFTER UPDATE ON image BEGIN DELETE FROM image_data; END"
    ),
    "a trigger that calls a function": script(
        "CREATE TRIGGER harm AFTER UPDATE ON image BEGIN SELECT load_extension('x'); END"
    ),
    "a trigger that raises": script(
        "CREATE TRIGGER harm BEFORE UPDATE ON image BEGIN SELECT raise(ABORT, 'no'); END"
    ),
    "a view that goes round": script(
        "CREATE VIEW harm AS SELECT * FROM other; CREATE VIEW other AS SELECT * FROM harm"
    ),
    "a view in place of a table": script(
        "ALTER TABLE label RENAME TO old; CREATE VIEW label AS WITH RECURSIVE n(id, name) AS "
        "(SELECT 1, 'a' UNION ALL SELECT id + 1, 'x' FROM n LIMIT 100000) SELECT * FROM n"
    ),
    "a generated column": script(
        "ALTER TABLE image ADD COLUMN harm BLOB AS (zeroblob(1000000)) VIRTUAL"
    ),
    "a table missing": script("PRAGMA foreign_keys=OFF; DROP TABLE trash"),
    "no table of predictions": script("PRAGMA foreign_keys=OFF; DROP TABLE prediction"),
    "no index of predictions": script("DROP INDEX prediction_image"),
    "no tables": script("DELETE FROM sqlite_schema"),
    "a schema that cannot be read": script(
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE image (((' WHERE name = 'image'"
    ),
    "text for numbers": loosened("image", "UPDATE image SET width = 'wide', bytes = x'00ff'"),
    "numbers for text": loosened("image", "UPDATE image SET source = 7, format = x'ff', split = 9"),
    "nothing for a hash": loosened("image", "UPDATE image SET sha256 = 'short' WHERE id = 1"),
    "a name that is no text": loosened("label", "UPDATE label SET name = x'ff00' WHERE id = 1"),
    "text that is not UTF-8": script("UPDATE label SET name = CAST(x'ff41' AS TEXT) WHERE id = 1"),
    "control characters": script("UPDATE image SET source = char(27) || '[2J' || char(7)"),
    "a name without end": script("UPDATE label SET name = hex(zeroblob(3000000)) WHERE id = 1"),
    "bytes without end": script("UPDATE image_data SET data = zeroblob(50000000)"),
    "a time beyond all calendars": script("UPDATE import SET started_at = 9223372036854775807"),
    "a time before all calendars": script("UPDATE action SET at = -9223372036854775808"),
    "a model that is no JSON": script("UPDATE model SET spec = '{\"a\": [', name = char(27)"),
    "a model that is deep JSON": script(
        "UPDATE model SET spec = replace(hex(zeroblob(50000)), '00', '[')"
    ),
    "confidence that is no number": loosened("prediction", "UPDATE prediction SET confidence = ''"),
    "an action of no kind": script("UPDATE action SET kind = 'harm', images = -1"),
    "references to nothing": script(
        "PRAGMA foreign_keys=OFF; UPDATE image SET label_id = 99, import_id = 99"
    ),
    "the id of another program": script("PRAGMA application_id=1"),
    "a version that is none": script("PRAGMA user_version=-5"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HARM)
def test_a_hostile_dataset_file_is_refused_in_one_line_or_harmless(
    what: str, tmp_path: Path
) -> None:
    db = tmp_path / "set.db"
    fill(db)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        HARM[what](connection)
    for words in COMMANDS:
        done = run(db, *words)
        assert done.returncode in {0, 1, 3, 4}, (words, done.returncode, done.stderr)
        assert "Traceback" not in done.stderr, (words, done.stderr)
        assert "internal" not in done.stderr, (words, done.stderr)
        errors = [line for line in done.stderr.splitlines() if "error: " in line]
        assert len(errors) == (done.returncode not in {0, 1} or "error" in done.stderr), words
        assert "\x1b" not in done.stdout + done.stderr, words
