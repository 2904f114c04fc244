"""Counts over a whole dataset in PostgreSQL, and what the dataset itself is."""

from __future__ import annotations

from storage.postgres.database import Database
from storage.postgres.schema import TABLES
from storage.records import DatasetInfo, Stats
from storage.tallies import in_order, stats_of

_SHOWN = "NOT EXISTS (SELECT 1 FROM trash WHERE image_id = image.id)"
_LABELS = f"""
    SELECT label.name, coalesce(counted.n, 0) FROM label LEFT JOIN (
        SELECT label_id, count(*) AS n FROM image WHERE {_SHOWN} GROUP BY label_id
    ) AS counted ON counted.label_id = label.id
"""
_TOTALS = f"SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM image WHERE {_SHOWN}"
_INFO = """
    SELECT (SELECT count(*) FROM image), (SELECT count(*) FROM trash),
        (SELECT count(*) FROM model), (SELECT count(*) FROM run),
        (SELECT count(*) FROM prediction),
        (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
            WHERE oid = ANY(%s::regclass[])),
        current_setting('server_version'), current_setting('server_encoding'),
        current_schema()
"""


def label_counts(database: Database) -> dict[str, int]:
    """How many images each label has, in natural order."""
    return in_order([(name, count) for name, count in database.all(_LABELS)])


def stats(database: Database) -> Stats:
    """See Repository.stats. All of it is as of one moment."""
    with database.one_moment():
        images, size = database.all(_TOTALS)[0]
        splits: dict[str | None, int] = dict(database.all(_counted("split")))
        formats = [(name, count) for name, count in database.all(_counted("format"))]
        sizes = [
            (width, height, count)
            for width, height, count in database.all(_counted("width, height"))
        ]
        labels = label_counts(database)
    return stats_of(
        images=images, size=size, labels=labels, splits=splits, formats=formats, sizes=sizes
    )


def info(database: Database) -> DatasetInfo:
    """See Repository.info."""
    row = database.all(_INFO, (list(TABLES),))[0]
    images, trash, models, runs, predictions, size, version, encoding, schema = row
    return DatasetInfo(
        url=database.place.url,
        backend="postgresql",
        library=f"PostgreSQL {version.split()[0]}",
        schema_version=database.version,
        bytes=size,
        images=images - trash,
        models=models,
        runs=runs,
        predictions=predictions,
        details={
            "images in the trash": str(trash),
            "server": database.place.server,
            "database": database.place.database,
            "schema": schema,
            "encoding": encoding,
        },
    )


def _counted(columns: str) -> str:
    """A SELECT of these columns, and of how many images outside the trash have the values."""
    return f"SELECT {columns}, count(*) FROM image WHERE {_SHOWN} GROUP BY {columns}"
