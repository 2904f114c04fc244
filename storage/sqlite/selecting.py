"""Queries made into SQL for one dataset file: names looked up, the model chosen."""

from __future__ import annotations

from storage.errors import NotFound
from storage.query import Query
from storage.sqlite.compiling import Selection, compile_query
from storage.sqlite.database import Database
from storage.sqlite.names import ids_of

# SQLite answers this from the end of an index that begins with model_id.
_NEWEST = "SELECT max(model_id) FROM prediction"


def select(database: Database, query: Query) -> Selection:
    """The query as SQL. Raises NotReady, NotFound (an unknown model)."""
    return compile_query(
        query,
        model_id=predicting_model(database, query.model) if query.asks_prediction else None,
        label_ids=lambda names: ids_of(database, "label", names),
        tag_ids=lambda names: ids_of(database, "tag", names),
    )


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
        raise NotFound(f"there is no model '{name_or_id}'", hint="See 'pixshelf models ls'.")
    return found
