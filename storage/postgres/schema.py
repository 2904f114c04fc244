"""The tables of a dataset in PostgreSQL, all in a schema of their own called `pixshelf`.

Tables, columns and views have the names and the meaning that they have in a dataset file
(storage/sqlite/schema.py, docs/schema.md); times are whole seconds, `wrong` is 0 or 1, JSON is
text, so that the same everyday SQL works on both. Ids are given by the program, under the write
lock.
"""

from __future__ import annotations

SCHEMA = "pixshelf"
"""The PostgreSQL schema that the tables are in. A database holds one dataset, and may hold more."""

SCHEMA_VERSION = 2
"""The version of the tables, the same number for the same tables as in a dataset file."""

_NAME = 'text COLLATE "C" NOT NULL'

TABLES: dict[str, str] = {
    "dataset": "version integer NOT NULL, created_at bigint NOT NULL",
    "label": f"id bigint PRIMARY KEY, name {_NAME} UNIQUE",
    "tag": f"id bigint PRIMARY KEY, name {_NAME} UNIQUE",
    "import": """
        id bigint PRIMARY KEY,
        started_at bigint NOT NULL,
        location text NOT NULL,
        settings text NOT NULL
    """,
    "image": """
        id bigint PRIMARY KEY,
        sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
        pixel_hash bytea NOT NULL CHECK (length(pixel_hash) = 16),
        dhash bigint NOT NULL,
        label_id bigint REFERENCES label (id),
        split text CHECK (split IN ('train', 'val', 'test')),
        width bigint NOT NULL CHECK (width > 0),
        height bigint NOT NULL CHECK (height > 0),
        channels bigint NOT NULL CHECK (channels BETWEEN 1 AND 4),
        format text COLLATE "C" NOT NULL,
        bytes bigint NOT NULL CHECK (bytes > 0),
        import_id bigint NOT NULL REFERENCES import (id),
        source text COLLATE "C" NOT NULL
    """,
    "image_data": """
        image_id bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        data bytea NOT NULL
    """,
    "thumbnail": """
        image_id bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        data bytea NOT NULL
    """,
    "image_tag": """
        tag_id bigint NOT NULL REFERENCES tag (id),
        image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        PRIMARY KEY (tag_id, image_id)
    """,
    "trash": """
        image_id bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        at bigint NOT NULL
    """,
    "measure": """
        image_id bigint PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        version bigint NOT NULL,
        low bigint NOT NULL,
        high bigint NOT NULL,
        contrast double precision NOT NULL,
        spread bigint NOT NULL,
        sharpness double precision,
        animated smallint NOT NULL CHECK (animated IN (0, 1))
    """,
    "run": """
        id bigint PRIMARY KEY,
        name text NOT NULL,
        status text NOT NULL CHECK (status IN ('running', 'done', 'stopped', 'failed')),
        seed bigint NOT NULL,
        settings text NOT NULL,
        labels text NOT NULL,
        data_digest bytea NOT NULL,
        versions text NOT NULL,
        total_epochs bigint NOT NULL,
        total_steps bigint NOT NULL,
        pid bigint,
        started_at bigint NOT NULL,
        finished_at bigint,
        error text
    """,
    "epoch": """
        run_id bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        epoch bigint NOT NULL,
        step bigint NOT NULL,
        seconds double precision NOT NULL,
        learning_rate double precision NOT NULL,
        train_loss double precision NOT NULL,
        train_accuracy double precision NOT NULL,
        val_loss double precision,
        val_accuracy double precision,
        PRIMARY KEY (run_id, epoch)
    """,
    "checkpoint": """
        run_id bigint NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        kind text NOT NULL CHECK (kind IN ('last', 'best')),
        epoch bigint NOT NULL,
        step bigint NOT NULL,
        weights bytea NOT NULL,
        optimizer bytea NOT NULL,
        PRIMARY KEY (run_id, kind)
    """,
    "model": """
        id bigint PRIMARY KEY,
        run_id bigint REFERENCES run (id) ON DELETE SET NULL,
        name text NOT NULL,
        spec text NOT NULL,
        parameters bigint NOT NULL,
        temperature double precision NOT NULL,
        val_accuracy double precision,
        val_loss double precision,
        weights_sha256 bytea NOT NULL CHECK (length(weights_sha256) = 32),
        litert_sha256 bytea NOT NULL CHECK (length(litert_sha256) = 32),
        created_at bigint NOT NULL
    """,
    "model_label": """
        model_id bigint NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        position bigint NOT NULL,
        label_id bigint NOT NULL REFERENCES label (id),
        PRIMARY KEY (model_id, position)
    """,
    "model_data": """
        model_id bigint PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
        weights bytea NOT NULL,
        litert bytea NOT NULL
    """,
    "prediction": """
        id bigint PRIMARY KEY,
        model_id bigint NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        label_id bigint NOT NULL REFERENCES label (id),
        confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
        margin double precision NOT NULL CHECK (margin BETWEEN 0 AND 1),
        truth_id bigint REFERENCES label (id),
        wrong smallint CHECK (wrong IN (0, 1)),
        created_at bigint NOT NULL
    """,
    "prediction_probabilities": """
        prediction_id bigint PRIMARY KEY REFERENCES prediction (id) ON DELETE CASCADE,
        probabilities bytea NOT NULL
    """,
    "action": """
        id bigint PRIMARY KEY,
        at bigint NOT NULL,
        actor text NOT NULL,
        kind text NOT NULL,
        summary text NOT NULL,
        images bigint NOT NULL,
        state text NOT NULL DEFAULT 'done' CHECK (state IN ('done', 'undone', 'dropped')),
        before text,
        after text
    """,
    "event": """
        id bigint PRIMARY KEY,
        action_id bigint NOT NULL REFERENCES action (id) ON DELETE CASCADE,
        image_id bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        before text,
        after text
    """,
}
"""Every table, in an order in which each comes after those that it refers to."""

# Pictures and weights do not get smaller by compressing them once more. (As a part of CREATE TABLE
# this wants PostgreSQL 16.)
STORAGE = tuple(
    f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"
    for table, column in (
        ("image_data", "data"),
        ("thumbnail", "data"),
        ("checkpoint", "weights"),
        ("checkpoint", "optimizer"),
        ("model_data", "weights"),
        ("model_data", "litert"),
    )
)

# A label given to very many images writes every index of `image` anew, and of `prediction` for what
# becomes right or wrong: what only the removal of a label would ask for has none.
INDEXES = (
    "CREATE INDEX image_label ON image (label_id, id)",
    "CREATE INDEX image_split ON image (split, id)",
    "CREATE INDEX image_width ON image (width, id)",
    "CREATE INDEX image_height ON image (height, id)",
    "CREATE INDEX image_bytes ON image (bytes, id)",
    "CREATE INDEX image_format ON image (format, id)",
    "CREATE INDEX image_tag_image ON image_tag (image_id)",
    "CREATE INDEX model_run ON model (run_id)",
    "CREATE INDEX model_label_label ON model_label (label_id)",
    "CREATE UNIQUE INDEX prediction_image ON prediction (image_id, model_id)",
    # With all that a query can ask of an answer: the row itself is then not read.
    "CREATE INDEX prediction_model ON prediction (model_id, image_id) "
    "INCLUDE (label_id, confidence, margin, wrong)",
    "CREATE INDEX prediction_confidence ON prediction (model_id, confidence, image_id)",
    "CREATE INDEX prediction_margin ON prediction (model_id, margin, image_id)",
    "CREATE INDEX prediction_wrong ON prediction (model_id, wrong, confidence, image_id)",
    "CREATE INDEX prediction_label ON prediction (model_id, label_id, confidence, image_id)",
    "CREATE INDEX event_action ON event (action_id, image_id)",
    "CREATE INDEX event_image ON event (image_id)",
)

# `wrong` follows the label that the image has now, whoever changes it; `truth_id` stays. The
# statement is planned anew each time: a plan made for one image, and kept, takes minutes for all.
# Whatever tables whoever changes a label sees by name, those of the dataset are meant.
TRIGGERS = (
    f"""
    CREATE FUNCTION image_relabelled() RETURNS trigger LANGUAGE plpgsql
    SET search_path = {SCHEMA}, pg_temp AS $$
    BEGIN
        EXECUTE 'UPDATE prediction
            SET wrong = (prediction.label_id <> new_image.label_id)::integer
            FROM new_image JOIN old_image ON old_image.id = new_image.id
            WHERE prediction.image_id = new_image.id
                AND old_image.label_id IS DISTINCT FROM new_image.label_id
                AND prediction.wrong
                    IS DISTINCT FROM (prediction.label_id <> new_image.label_id)::integer';
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER image_relabelled AFTER UPDATE ON image
    REFERENCING OLD TABLE AS old_image NEW TABLE AS new_image
    FOR EACH STATEMENT EXECUTE FUNCTION image_relabelled()
    """,
)

_TIME = "to_char(to_timestamp({}) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"

VIEWS = (
    f"""
    CREATE VIEW images AS
    SELECT image.id, label.name AS label, image.split,
        (SELECT string_agg(tag.name, ', ' ORDER BY tag.name)
            FROM image_tag JOIN tag ON tag.id = image_tag.tag_id
            WHERE image_tag.image_id = image.id) AS tags,
        image.width, image.height, image.channels, image.format, image.bytes, image.source,
        import.location AS imported_from,
        {_TIME.format("import.started_at")} AS added_at,
        encode(image.sha256, 'hex') AS sha256
    FROM image
    JOIN import ON import.id = image.import_id
    LEFT JOIN label ON label.id = image.label_id
    WHERE NOT EXISTS (SELECT 1 FROM trash WHERE trash.image_id = image.id)
    """,
    f"""
    CREATE VIEW predictions AS
    SELECT prediction.image_id, prediction.model_id, model.name AS model,
        predicted.name AS predicted, prediction.confidence, prediction.margin,
        label.name AS label, truth.name AS label_then, prediction.wrong,
        image.split, image.source,
        {_TIME.format("prediction.created_at")} AS predicted_at
    FROM prediction
    JOIN model ON model.id = prediction.model_id
    JOIN image ON image.id = prediction.image_id
    JOIN label AS predicted ON predicted.id = prediction.label_id
    LEFT JOIN label ON label.id = image.label_id
    LEFT JOIN label AS truth ON truth.id = prediction.truth_id
    WHERE NOT EXISTS (SELECT 1 FROM trash WHERE trash.image_id = image.id)
    """,
    "CREATE VIEW wrong_predictions AS SELECT * FROM predictions WHERE wrong = 1",
    "CREATE VIEW low_confidence AS SELECT * FROM predictions WHERE confidence < 0.8",
)


def statements() -> tuple[str, ...]:
    """What makes an empty dataset, to be run in one transaction with `pixshelf` first in the
    search path. The row of `dataset` is for the caller to write, last."""
    return (
        f"CREATE SCHEMA {SCHEMA}",
        *(f"CREATE TABLE {name} ({columns})" for name, columns in TABLES.items()),
        *STORAGE,
        *INDEXES,
        *TRIGGERS,
        *VIEWS,
    )
