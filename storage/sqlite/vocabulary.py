"""Labels and tags in a dataset file, as names with their counts."""

from __future__ import annotations

from storage.ordering import natural_key
from storage.records import Action
from storage.sqlite import edits
from storage.sqlite.counting import label_counts
from storage.sqlite.database import Database

_TAGS = """
    SELECT tag.name, coalesce(counted.n, 0) FROM tag LEFT JOIN (
        SELECT tag_id, count(*) AS n FROM image_tag
        WHERE image_id NOT IN (SELECT image_id FROM trash) GROUP BY tag_id
    ) AS counted ON counted.tag_id = tag.id
"""


class SqliteLabels:
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


class SqliteTags:
    """The vocabulary of tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self) -> dict[str, int]:
        return dict(sorted(self._database.all(_TAGS), key=lambda row: natural_key(row[0])))

    def rename(self, old: str, new: str, *, actor: str) -> Action:
        return edits.rename(self._database, "tag", old, new, actor=actor)

    def remove(self, name: str, *, actor: str) -> Action:
        return edits.remove_tag_everywhere(self._database, name, actor=actor)
