"""Queries made into SQL for one dataset in PostgreSQL: names looked up, the model chosen."""

from __future__ import annotations

from storage.missing import no_measures
from storage.postgres.compiling import Lookups, Selection, compile_query
from storage.postgres.database import Database
from storage.postgres.names import ids_of
from storage.query import Query
from storage.stored_runs import no_model

_MEASURED = "SELECT 1 FROM measure LIMIT 1"
# Both in one pass; of an even number the lower one.
_MEDIANS = """
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY width),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY height)
    FROM image WHERE NOT EXISTS (SELECT 1 FROM trash WHERE image_id = image.id)
"""


def select(
    database: Database, query: Query, *, with_image: bool = False, answers: int | None = None
) -> Selection:
    """The query as SQL; `with_image` where the caller reads columns of `i`, `answers` where it
    reads the predictions `a` of that model, in id order. Raises NotReady, NotFound (a model)."""
    if query.asks_measures and database.one(_MEASURED, prepare=True) is None:
        raise no_measures()
    lookups = Lookups(
        labels=lambda names: ids_of(database, "label", names),
        tags=lambda names: ids_of(database, "tag", names),
        medians=lambda: _medians(database),
    )
    model_id = predicting_model(database, query.model) if query.asks_prediction else None
    return compile_query(
        query, model_id=model_id, lookups=lookups, with_image=with_image, answers=answers
    )


def predicting_model(database: Database, name_or_id: str | None) -> int | None:
    """The model whose predictions are meant: the one named, or the newest that has any."""
    if name_or_id is None:
        newest: int | None = database.value("SELECT max(model_id) FROM prediction", prepare=True)
        return newest
    return find_model(database, name_or_id)


def find_model(database: Database, name_or_id: str) -> int:
    """The id of the model of that id, or the newest of that name. Raises NotFound."""
    found: int | None = None
    if name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19:
        found = database.value("SELECT id FROM model WHERE id = %s", (int(name_or_id),))
    if found is None:
        found = database.value("SELECT max(id) FROM model WHERE name = %s", (name_or_id,))
    if found is None:
        raise no_model(name_or_id)
    return found


def _medians(database: Database) -> tuple[int, int]:
    row = database.one(_MEDIANS)
    # Where all images are in the trash there is nothing to judge.
    return (0, 0) if row is None or row[0] is None else (row[0], row[1])
