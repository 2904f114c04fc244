"""Queries made into SQL for one dataset file: names looked up, the model chosen."""

from __future__ import annotations

from typing import Any

from storage.missing import no_measures
from storage.query import Query
from storage.sqlite.compiling import Selection, compile_query
from storage.sqlite.database import Database
from storage.sqlite.names import ids_of
from storage.sqlite.planning import Probe
from storage.stored_runs import no_model

# SQLite answers this from the end of an index that begins with model_id.
_NEWEST = "SELECT max(model_id) FROM prediction"


_LARGE = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'image_label'"


def select(
    database: Database,
    query: Query,
    *,
    whole: bool = False,
    with_image: bool = False,
    continued: bool = False,
    answers: int | None = None,
) -> Selection:
    """The query as SQL: for a page at a time, `continued` or not, or for the `whole` of it;
    `with_image` where the caller reads columns of `i`, `answers` where it reads the predictions
    `a` of that model, in id order. Raises NotReady, NotFound (a model)."""
    if query.asks_measures and database.one("SELECT 1 FROM measure LIMIT 1") is None:
        raise no_measures()
    return compile_query(
        query,
        model_id=predicting_model(database, query.model) if query.asks_prediction else None,
        label_ids=lambda names: ids_of(database, "label", names),
        tag_ids=lambda names: ids_of(database, "tag", names),
        probe=_probe(database),
        whole=whole,
        with_image=with_image,
        continued=continued,
        answers=answers,
    )


def _probe(database: Database) -> Probe:
    def count(ids: str, values: tuple[Any, ...], most: int) -> int:
        rows = f"SELECT count(*) FROM ({ids} LIMIT ?)"
        return int(database.value(rows, (*values, most)))

    return Probe(count, large=lambda: database.value(_LARGE) is not None)


def predicting_model(database: Database, name_or_id: str | None) -> int | None:
    """The model whose predictions are meant: the one named, or the newest that has any."""
    if name_or_id is None:
        newest: int | None = database.value(_NEWEST)
        return newest
    return find_model(database, name_or_id)


def find_model(database: Database, name_or_id: str) -> int:
    """The id of the model of that id, or the newest of that name. Raises NotFound."""
    found: int | None = None
    if name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19:
        found = database.value("SELECT id FROM model WHERE id = ?", (int(name_or_id),))
    if found is None:
        found = database.value("SELECT max(id) FROM model WHERE name = ?", (name_or_id,))
    if found is None:
        raise no_model(name_or_id)
    return found
