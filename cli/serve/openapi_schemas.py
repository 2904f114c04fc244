"""The shapes that the door's JSON has, as JSON Schema for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from storage.choices import SPLITS
from storage.pictures import FORMATS

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A schema of SCHEMAS by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema, **more: Any) -> Schema:
    """A list of what the schema says."""
    return {"type": "array", "items": schema, **more}


def _object(description: str, **members: Schema) -> Schema:
    """An object with just these members, all of them but a problem's hint."""
    return {
        "type": "object",
        "description": description,
        "required": [name for name in members if name != "hint"],
        "properties": members,
        "additionalProperties": False,
    }


_ID = {"type": "integer", "minimum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT = {"type": "string"}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TIME = {"type": "string", "format": "date-time", "description": "UTC, to the second."}
_NULL_NUMBER: Schema = {"type": ["number", "null"]}

SCHEMAS: dict[str, Schema] = {
    "Share": _object("A label with its probability.", label=_TEXT, confidence=_SHARE),
    "ModelName": _object("The model that answered.", id=_ID, name=_TEXT),
    "StoredImage": _object(
        "Where the picture is in the dataset. `new` is false where its very bytes were there.",
        id=_ID,
        sha256=_SHA256,
        new={"type": "boolean"},
    ),
    "Answer": _object(
        "What a model said of a picture. `label` and `confidence` are the first of `top`, which "
        "is sorted. `image` is null for a picture that is not stored.",
        label=_TEXT,
        confidence=_SHARE,
        top=listed(ref("Share"), minItems=1),
        model=ref("ModelName"),
        image=nullable(ref("StoredImage")),
    ),
    "Failure": _object("Why one picture of several has no answer.", error=ref("Problem")),
    "Answers": _object(
        "One for each picture, in the order in which they came.",
        results=listed({"anyOf": [ref("Answer"), ref("Failure")]}, minItems=1),
    ),
    "ImagePrediction": _object(
        "What the newest model with predictions, or the one in the query, said of the image.",
        model=_ID,
        label=_TEXT,
        confidence=_SHARE,
        wrong={"type": ["boolean", "null"]},
    ),
    "Prediction": _object(
        "One model's stored answer. `truth` is the label that the image had then.",
        model=_ID,
        name=_TEXT,
        label=_TEXT,
        confidence=_SHARE,
        margin=_SHARE,
        truth={"type": ["string", "null"]},
        created_at=_TIME,
        probabilities={"type": "object", "additionalProperties": _SHARE},
    ),
    "Model": _object(
        "Weights that can predict.",
        id=_ID,
        name=_TEXT,
        run={"type": ["integer", "null"]},
        labels=listed(_TEXT),
        parameters=_COUNT,
        val_accuracy=_NULL_NUMBER,
        val_loss=_NULL_NUMBER,
        weights_sha256=_SHA256,
        created_at=_TIME,
    ),
    "Models": _object("Every model, the newest first.", models=listed(ref("Model"))),
    "Health": _object("The dataset answers.", status={"const": "ok"}),
    "Problem": _object(
        "Problem details (RFC 9457).",
        type={"const": "about:blank"},
        title=_TEXT,
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail={"type": "string", "description": "What was received, and why it will not do."},
        hint={"type": "string", "description": "What to do."},
    ),
}

_IMAGE: dict[str, Schema] = {
    "id": _ID,
    "sha256": _SHA256,
    "label": {"type": ["string", "null"]},
    "split": {"enum": [*SPLITS, None]},
    "tags": listed(_TEXT),
    "width": _ID,
    "height": _ID,
    "channels": {"type": "integer", "minimum": 1, "maximum": 4},
    "format": {"enum": [name.lower() for name in FORMATS]},
    "bytes": _ID,
    "source": {"type": "string", "description": "What it was called where it came from."},
    "added_at": _TIME,
    "prediction": nullable(ref("ImagePrediction")),
}
SCHEMAS["Image"] = _object("An image without its bytes.", **_IMAGE)
SCHEMAS["ImageWithPredictions"] = _object(
    "An image with what every model said of it, the newest model's answer first.",
    **_IMAGE,
    predictions=listed(ref("Prediction")),
)
SCHEMAS["Images"] = _object(
    "A page. `next` is the `after` of the page that follows; null at the end.",
    images=listed(ref("Image")),
    next={"type": ["string", "null"]},
)
