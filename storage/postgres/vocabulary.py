"""Labels and tags in PostgreSQL, as names with their counts."""

from __future__ import annotations

from storage.ordering import natural_key
from storage.postgres import edits
from storage.postgres.counting import label_counts
from storage.postgres.database import Database
from storage.records import Action

_TAGS = """
    SELECT tag.name, coalesce(counted.n, 0) FROM tag LEFT JOIN (
        SELECT tag_id, count(*) AS n FROM image_tag
        WHERE NOT EXISTS (SELECT 1 FROM trash WHERE trash.image_id = image_tag.image_id)
        GROUP BY tag_id
    ) AS counted ON counted.tag_id = tag.id
"""


class PostgresLabels:
    """The vocabulary of labels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> list[str]:
        rows = self._database.all("SELECT name FROM label")
        return sorted((row[0] for row in rows), key=natural_key)

    def counts(self) -> dict[str, int]:
        return label_counts(self._database)

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        return edits.rename(self._database, "label", old, new, actor=actor)

    def merge(self, source: str, target: str, *, actor: str) -> Action:
        return edits.merge_label(self._database, source, target, actor=actor)

    def remove(self, name: str, *, actor: str) -> Action:
        return edits.remove_label(self._database, name, actor=actor)


class PostgresTags:
    """The vocabulary of tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self) -> dict[str, int]:
        rows = self._database.all(_TAGS)
        return {row[0]: row[1] for row in sorted(rows, key=lambda row: natural_key(row[0]))}

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        return edits.rename(self._database, "tag", old, new, actor=actor)

    def remove(self, name: str, *, actor: str) -> Action:
        return edits.remove_tag_everywhere(self._database, name, actor=actor)
