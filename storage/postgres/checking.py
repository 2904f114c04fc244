"""What is wrong with a dataset in PostgreSQL, as problems: nothing is changed or mended.

The quick check reads no image's bytes beyond their length; the deep one reads all of them. Pages
and indexes are the server's to check (pg_amcheck, data checksums).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from storage.postgres.database import Database
from storage.postgres.schema import INDEXES, SCHEMA, TABLES, TRIGGERS, VIEWS
from storage.postgres.stored import in_runs
from storage.records import Problem
from storage.repository import Models
from storage.row_checks import check_image, check_lengths, check_models, check_rows

_CHUNK = 2_000

_COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns " + (
    "WHERE table_schema = %s"
)
_INDEXES = """
    SELECT relname, indisvalid FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = to_regnamespace(%s)
"""
_TRIGGERS = """
    SELECT tgname, tgenabled <> 'D', relname FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = to_regnamespace(%s)
"""
_VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = %s"


def check(database: Database, models: Models, *, deep: bool) -> Iterator[Problem]:
    """See Repository.check."""
    missing = list(_columns(database))
    yield from missing
    yield from _others(database)
    if missing:
        return  # what follows would ask for what is not there
    yield from _references(database)
    yield from check_rows(database.all)
    if deep:
        yield from _bytes(database)
        yield from check_models(models)
    else:
        yield from check_lengths(database.all)


def columns() -> dict[tuple[str, str], str]:
    """The type of every column, by table and name."""
    found = {}
    for table, definition in TABLES.items():
        for part in re.split(r",\s*(?![^()]*\))", definition.strip()):
            name, _, rest = part.strip().partition(" ")
            if name not in {"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT"}:
                words = rest.split()
                found[table, name] = " ".join(words[: 2 if words[0] == "double" else 1])
    return found


def references() -> Iterator[tuple[str, str, str]]:
    """Every table and column that refers to another table's id, and that table."""
    for table, definition in TABLES.items():
        for column, parent in re.findall(r"(\w+) bigint[^,]*? REFERENCES (\w+) \(id\)", definition):
            yield table, column, parent


def _columns(database: Database) -> Iterator[Problem]:
    found = {(table, name): kind for table, name, kind in database.all(_COLUMNS, (SCHEMA,))}
    for (table, name), kind in columns().items():
        if (table, name) not in found:
            yield Problem(f"structure: table {table} has no column {name}")
        elif found[table, name] != kind:
            yield Problem(
                f"structure: column {name} of table {table} is {found[table, name]}, not {kind}"
            )


def _others(database: Database) -> Iterator[Problem]:
    """Indexes, triggers and views that are not there, or out of work."""
    indexes: dict[str, bool] = dict(database.all(_INDEXES, (SCHEMA,)))
    for name in _named("INDEX", INDEXES):
        if not indexes.get(name):
            yield Problem(f"structure: index {name} is {_state(indexes.get(name))}")
    triggers = {name: on for name, on, _ in database.all(_TRIGGERS, (SCHEMA,))}
    for name in _named("TRIGGER", TRIGGERS):
        if not triggers.get(name):
            yield Problem(f"structure: trigger {name} is {_state(triggers.get(name))}")
    for name in sorted(triggers.keys() - set(_named("TRIGGER", TRIGGERS))):
        yield Problem(f"structure: trigger {name} is not pixshelf's")
    views = {name for (name,) in database.all(_VIEWS, (SCHEMA,))}
    for name in _named("VIEW", VIEWS):
        if name not in views:
            yield Problem(f"structure: view {name} is {_state(None)}")


def _named(kind: str, statements: tuple[str, ...]) -> list[str]:
    """The names of what the statements of this kind make."""
    return re.findall(rf"CREATE (?:UNIQUE )?{kind} (\w+)", "\n".join(statements))


def _state(works: bool | None) -> str:
    return "missing" if works is None else "out of work"


def _references(database: Database) -> Iterator[Problem]:
    for table, column, parent in references():
        for (value,) in database.all(
            f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {parent} AS parent WHERE parent.id = {table}.{column}) ORDER BY 1"
        ):
            yield Problem(f"reference: {column} {value} of {table} points at nothing in {parent}")


def _bytes(database: Database) -> Iterator[Problem]:
    last = -1
    while True:
        lengths = database.all(
            "SELECT image_id, octet_length(data) FROM image_data WHERE image_id > %s "
            "ORDER BY image_id LIMIT %s",
            (last, _CHUNK),
        )
        for run in in_runs(lengths):
            for row in database.all(
                "SELECT image.id, image.sha256, image.bytes, image_data.data FROM image "
                "JOIN image_data ON image_data.image_id = image.id "
                "WHERE image.id = ANY(%s) ORDER BY image.id",
                (run,),
            ):
                yield from check_image(*row)
        if len(lengths) < _CHUNK:
            return
        last = lengths[-1][0]
