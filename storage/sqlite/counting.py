"""Counts over a whole dataset file: each by one pass over an index, where there is one.

The trash is counted apart and taken off, which leaves the passes free of a look-up for each image.
"""

from __future__ import annotations

from storage.expecting import expect_rows
from storage.records import Stats
from storage.sqlite.database import Database
from storage.tallies import in_order, stats_of


def counted(*columns: str) -> str:
    """A SELECT of these columns of `image` and of `n`, how many images outside the trash have the
    values; rows whose n is 0 are possible."""
    names = ", ".join(columns)
    return f"""
        SELECT {names}, sum(n) AS n FROM (
            SELECT {names}, count(*) AS n FROM image GROUP BY {names}
            UNION ALL
            SELECT {names}, -count(*) FROM trash CROSS JOIN image ON image.id = trash.image_id
            GROUP BY {names}
        ) GROUP BY {names}
    """


LABELS = f"""
    SELECT label.name, coalesce(counted.n, 0) FROM label
    LEFT JOIN ({counted("label_id")}) AS counted ON counted.label_id = label.id
"""

_TOTALS = """
    SELECT (SELECT count(*) FROM image) - (SELECT count(*) FROM trash),
        (SELECT coalesce(sum(bytes), 0) FROM image)
        - (SELECT coalesce(sum(bytes), 0) FROM trash
           CROSS JOIN image ON image.id = trash.image_id)
"""


def label_counts(database: Database) -> dict[str, int]:
    """How many images each label has, in natural order."""
    return in_order(list(expect_rows(database.all(LABELS), "ti", "a label")))


def stats(database: Database) -> Stats:
    """See Repository.stats. All of it is as of one moment."""
    with database.one_moment():
        images, size = database.all(_TOTALS)[0]
        splits: dict[str | None, int] = dict(
            expect_rows(database.all(counted("split")), "Ti", "a split")
        )
        formats = list(expect_rows(database.all(counted("format")), "ti", "a format"))
        sizes = list(expect_rows(database.all(counted("width", "height")), "iii", "a size"))
        labels = label_counts(database)
    return stats_of(
        images=images, size=size, labels=labels, splits=splits, formats=formats, sizes=sizes
    )
