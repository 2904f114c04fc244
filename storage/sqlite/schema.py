"""The tables of a dataset file, and the numbered migrations that bring a file to them.

docs/schema.md explains every table. The bytes of images, thumbnails, weights and probabilities lie
in tables of their own, so that reading metadata does not read past them.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database as UtilsDatabase
    from sqlite_utils.migrations import Migrations

APPLICATION_ID = 0x50785368
"""'PxSh', in the file's header."""

SCHEMA_VERSION = 2

LARGE = 100_000
"""From so many images on, a dataset file has the indexes in `LARGE_INDEXES`. Below it a scan of
the metadata takes a few milliseconds, and they would cost small images a fifth of their size."""

_TABLES = (
    """
    CREATE TABLE label (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE tag (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE import (
        id INTEGER PRIMARY KEY,
        started_at INTEGER NOT NULL,
        location TEXT NOT NULL,
        settings TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE image (
        id INTEGER PRIMARY KEY,
        sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
        pixel_hash BLOB NOT NULL CHECK (length(pixel_hash) = 16),
        dhash INTEGER NOT NULL,
        label_id INTEGER REFERENCES label (id),
        split TEXT CHECK (split IN ('train', 'val', 'test')),
        width INTEGER NOT NULL CHECK (width > 0),
        height INTEGER NOT NULL CHECK (height > 0),
        channels INTEGER NOT NULL CHECK (channels BETWEEN 1 AND 4),
        format TEXT NOT NULL,
        bytes INTEGER NOT NULL CHECK (bytes > 0),
        import_id INTEGER NOT NULL REFERENCES import (id),
        source TEXT NOT NULL
    ) STRICT
    """,
    # 16 of the 32 bytes tell any two files apart and take half the room.
    "CREATE UNIQUE INDEX image_sha256 ON image (substr(sha256, 1, 16))",
    """
    CREATE TABLE image_data (
        image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE thumbnail (
        image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE image_tag (
        tag_id INTEGER NOT NULL REFERENCES tag (id),
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        PRIMARY KEY (tag_id, image_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX image_tag_image ON image_tag (image_id)",
    """
    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('running', 'done', 'stopped', 'failed')),
        seed INTEGER NOT NULL,
        settings TEXT NOT NULL,
        labels TEXT NOT NULL,
        data_digest BLOB NOT NULL,
        versions TEXT NOT NULL,
        total_epochs INTEGER NOT NULL,
        total_steps INTEGER NOT NULL,
        pid INTEGER,
        started_at INTEGER NOT NULL,
        finished_at INTEGER,
        error TEXT
    ) STRICT
    """,
    """
    CREATE TABLE epoch (
        run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,
        step INTEGER NOT NULL,
        seconds REAL NOT NULL,
        learning_rate REAL NOT NULL,
        train_loss REAL NOT NULL,
        train_accuracy REAL NOT NULL,
        val_loss REAL,
        val_accuracy REAL,
        PRIMARY KEY (run_id, epoch)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE checkpoint (
        run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('last', 'best')),
        epoch INTEGER NOT NULL,
        step INTEGER NOT NULL,
        weights BLOB NOT NULL,
        optimizer BLOB NOT NULL,
        UNIQUE (run_id, kind)
    ) STRICT
    """,
    """
    CREATE TABLE model (
        id INTEGER PRIMARY KEY,
        run_id INTEGER REFERENCES run (id) ON DELETE SET NULL,
        name TEXT NOT NULL,
        spec TEXT NOT NULL,
        parameters INTEGER NOT NULL,
        temperature REAL NOT NULL,
        val_accuracy REAL,
        val_loss REAL,
        weights_sha256 BLOB NOT NULL CHECK (length(weights_sha256) = 32),
        litert_sha256 BLOB NOT NULL CHECK (length(litert_sha256) = 32),
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX model_run ON model (run_id)",
    """
    CREATE TABLE model_label (
        model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        label_id INTEGER NOT NULL REFERENCES label (id),
        PRIMARY KEY (model_id, position)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE model_data (
        model_id INTEGER PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
        weights BLOB NOT NULL,
        litert BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE prediction (
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        label_id INTEGER NOT NULL REFERENCES label (id),
        confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
        margin REAL NOT NULL CHECK (margin BETWEEN 0 AND 1),
        truth_id INTEGER REFERENCES label (id),
        wrong INTEGER CHECK (wrong IN (0, 1)),
        created_at INTEGER NOT NULL,
        UNIQUE (image_id, model_id)
    ) STRICT
    """,
    "CREATE INDEX prediction_confidence ON prediction (model_id, confidence, image_id)",
    "CREATE INDEX prediction_wrong ON prediction (model_id, wrong, confidence, image_id)",
    "CREATE INDEX prediction_label ON prediction (model_id, label_id, confidence, image_id)",
    "CREATE INDEX prediction_margin ON prediction (model_id, margin, image_id)",
    """
    CREATE TABLE prediction_probabilities (
        prediction_id INTEGER PRIMARY KEY REFERENCES prediction (id) ON DELETE CASCADE,
        probabilities BLOB NOT NULL
    ) STRICT
    """,
    # `wrong` follows the label that the image has now, whoever changes it; `truth_id` stays.
    """
    CREATE TRIGGER image_relabelled AFTER UPDATE OF label_id ON image
    WHEN OLD.label_id IS NOT NEW.label_id
    BEGIN
        UPDATE prediction SET wrong = (label_id <> NEW.label_id) WHERE image_id = NEW.id;
    END
    """,
    """
    CREATE TABLE action (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        summary TEXT NOT NULL,
        images INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        action_id INTEGER NOT NULL REFERENCES action (id) ON DELETE CASCADE,
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        before TEXT,
        after TEXT
    ) STRICT
    """,
    "CREATE INDEX event_action ON event (action_id)",
    "CREATE INDEX event_image ON event (image_id)",
)

_VIEW_NAMES = ("images", "predictions", "wrong_predictions", "low_confidence")


def _views(*, shown: str) -> tuple[str, ...]:
    """The views, over the images for which the condition `shown` holds."""
    return (
        f"""
    CREATE VIEW images AS
    SELECT image.id, label.name AS label, image.split,
        (SELECT group_concat(name, ', ') FROM (
            SELECT tag.name FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
            WHERE image_tag.image_id = image.id ORDER BY tag.name)) AS tags,
        image.width, image.height, image.channels, image.format, image.bytes, image.source,
        import.location AS imported_from,
        datetime(import.started_at, 'unixepoch') AS added_at,
        lower(hex(image.sha256)) AS sha256
    FROM image
    JOIN import ON import.id = image.import_id
    LEFT JOIN label ON label.id = image.label_id
    WHERE {shown}
    """,
        f"""
    CREATE VIEW predictions AS
    SELECT prediction.image_id, prediction.model_id, model.name AS model,
        predicted.name AS predicted, prediction.confidence, prediction.margin,
        label.name AS label, truth.name AS label_then, prediction.wrong,
        image.split, image.source,
        datetime(prediction.created_at, 'unixepoch') AS predicted_at
    FROM prediction
    JOIN model ON model.id = prediction.model_id
    JOIN image ON image.id = prediction.image_id
    JOIN label AS predicted ON predicted.id = prediction.label_id
    LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN label AS truth ON truth.id = prediction.truth_id
    WHERE {shown}
    """,
        "CREATE VIEW wrong_predictions AS SELECT * FROM predictions WHERE wrong = 1",
        "CREATE VIEW low_confidence AS SELECT * FROM predictions WHERE confidence < 0.8",
    )


# Those that give an order hold what else is asked of an image and never changes, to be walked
# without its row.
LARGE_INDEXES = (
    "CREATE INDEX IF NOT EXISTS image_label ON image (label_id)",
    "CREATE INDEX IF NOT EXISTS image_split ON image (split)",
    "CREATE INDEX IF NOT EXISTS image_width ON image (width, id, height, bytes)",
    "CREATE INDEX IF NOT EXISTS image_height ON image (height, id, width, bytes)",
    "CREATE INDEX IF NOT EXISTS image_bytes ON image (bytes, id, width, height)",
    "CREATE INDEX IF NOT EXISTS image_format ON image (format)",
    "CREATE INDEX IF NOT EXISTS image_pixel_hash ON image (pixel_hash)",
    "CREATE INDEX IF NOT EXISTS image_size ON image (width, height)",
)

_SECOND = (
    # Deleted images stay, with everything about them, until the trash is emptied.
    """
    CREATE TABLE trash (
        image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        at INTEGER NOT NULL
    ) STRICT
    """,
    # An undone action can be redone until a new one is made; then it is dropped.
    """
    ALTER TABLE action ADD COLUMN state TEXT NOT NULL DEFAULT 'done'
        CHECK (state IN ('done', 'undone', 'dropped'))
    """,
    # For actions on a name, not on images: what it was and what it became.
    "ALTER TABLE action ADD COLUMN before TEXT",
    "ALTER TABLE action ADD COLUMN after TEXT",
    # A page of what an action did costs the same however much it did.
    "DROP INDEX event_action",
    "CREATE INDEX event_action ON event (action_id, image_id)",
    # Every row is of one version of what the measures mean, and can be had again from the bytes.
    """
    CREATE TABLE measure (
        image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        contrast REAL NOT NULL,
        spread INTEGER NOT NULL,
        sharpness REAL,
        animated INTEGER NOT NULL CHECK (animated IN (0, 1))
    ) STRICT
    """,
    # What a query asks of a prediction and an edit never changes, in each order.
    """
    CREATE INDEX prediction_image
        ON prediction (model_id, image_id, confidence, margin, label_id)
    """,
    "DROP INDEX prediction_confidence",
    """
    CREATE INDEX prediction_confidence
        ON prediction (model_id, confidence, image_id, margin, label_id)
    """,
    "DROP INDEX prediction_margin",
    """
    CREATE INDEX prediction_margin
        ON prediction (model_id, margin, image_id, confidence, label_id)
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open, writable file to SCHEMA_VERSION, each migration in one transaction."""
    from sqlite_utils import Database as UtilsDatabase

    _migrations().apply(UtilsDatabase(connection))


def migrate_to_first(connection: sqlite3.Connection) -> None:
    """Make a file of schema version 1, as the first program made it."""
    from sqlite_utils import Database as UtilsDatabase

    _migrations().apply(UtilsDatabase(connection), stop_before="0002_history_and_trash")


def _migrations() -> Migrations:
    from sqlite_utils.migrations import Migrations as UtilsMigrations

    migrations = UtilsMigrations("pixshelf")

    @migrations(name="0001_first")
    def first(db: UtilsDatabase) -> None:
        _execute(db, *_TABLES, *_views(shown="1"), "PRAGMA user_version=1")

    @migrations(name="0002_history_and_trash")
    def second(db: UtilsDatabase) -> None:
        views = _views(shown="image.id NOT IN (SELECT image_id FROM trash)")
        drop = [f"DROP VIEW {name}" for name in reversed(_VIEW_NAMES)]
        _execute(db, *_SECOND, *drop, *views, "PRAGMA user_version=2")

    return migrations


def _execute(db: UtilsDatabase, *statements: str) -> None:
    for statement in statements:
        db.execute(statement)
