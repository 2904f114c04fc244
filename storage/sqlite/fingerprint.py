"""Whether the tables and triggers of a file are those that pixshelf made.

A dataset file may come from anyone, and its schema is code: a trigger can delete what an edit
touches, a view in the place of a table can run for ever, a foreign key can cascade. So a file is
opened only if all of these read as they were written here. Tables, views and indexes of others'
are left alone: they do nothing by themselves.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from storage.errors import DatasetError

OURS = frozenset(
    {
        "action",
        "checkpoint",
        "epoch",
        "event",
        "image",
        "image_data",
        "image_tag",
        "import",
        "label",
        "measure",
        "model",
        "model_data",
        "model_label",
        "prediction",
        "prediction_probabilities",
        "run",
        "tag",
        "thumbnail",
        "trash",
    }
)
TRIGGERS = frozenset({"image_relabelled"})
FINGERPRINTS = {
    1: "7217ab4bc71de7075c5209b700ee6cc9e087b2e4560cd48adf6faf5db94405e9",
    2: "1c0c9afccc3f0ac8784876408e2a3f3fdf6a6b20f806305645aab51c6b7e2d29",
}
"""By schema version. A test makes files and holds their fingerprints equal to these."""


def fingerprint(connection: sqlite3.Connection) -> str:
    """A sha256 over the definitions of everything that bears one of our names, and of every
    trigger, white space aside."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type <> 'index' "
        "ORDER BY name, type"
    )
    digest = hashlib.sha256()
    for kind, name, table, sql in rows:
        if kind == "trigger" or name in OURS:
            definition = " ".join(str(sql).split())
            digest.update(f"{kind}\0{name}\0{table}\0{definition}\n".encode())
    return digest.hexdigest()


def refuse_foreign_schema(connection: sqlite3.Connection, version: int, path: Path) -> None:
    """Raises DatasetError unless the file's schema is that of its version."""
    triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    for (name,) in triggers:
        if name not in TRIGGERS:
            raise DatasetError(
                f"{path} has a trigger {name!r} that pixshelf did not make",
                hint="A trigger runs with every edit: look at it, and drop it with sqlite3.",
            )
    if fingerprint(connection) != FINGERPRINTS.get(version):
        raise DatasetError(
            f"{path} has tables other than those of schema version {version}",
            hint="Something else has changed its schema: restore a backup.",
        )
