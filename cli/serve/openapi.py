"""The door described for programs: OpenAPI 3.1, written as data, with the limits of the door that
is asked. What it says of answers is held true by the tests, which ask by it.
"""

from __future__ import annotations

from typing import Any

from cli.serve.openapi_schemas import SCHEMAS, Schema, listed, ref
from cli.serve.problems import MEDIA_TYPE
from cli.serve.settings import Limits, ServeSettings
from storage.pictures import MAX_BYTES, MAX_PIXELS
from storage.version import version

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp", "image/tiff")
DEFAULT_TOP = 5
MOST_TOP = 1000
DEFAULT_LIMIT = 100
MOST_LIMIT = 1000
LONGEST_VALUE = 10_000

_SMALLEST = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADElEQVR4nGNgoA4AAABIAAEuuDx+AAAAAElFTkSuQmCC"
)
"""A black picture of 8 by 8."""
_PROBLEMS = {
    400: "The request is not HTTP, or its body does not follow its form.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site's page, or the door has no right to do that.",
    404: "There is no such image or model.",
    408: "The body did not arrive in time.",
    409: "There is no model yet.",
    413: "The body is too large, or holds too many images.",
    415: "The body is of a type that is not taken here.",
    421: "The Host header does not name this machine, and no token is set.",
    422: "A parameter or a picture makes no sense.",
    431: "The head of the request is too large.",
    500: "A defect of the program; the door's log tells more.",
    503: "There is too much to do, or the dataset cannot be reached. Ask again.",
    504: "It took too long.",
    507: "The disk took no more.",
}
_ANYWHERE = (400, 401, 403, 421, 431, 500, 503, 504)
_IN_BODIES = (404, 408, 409, 413, 415, 422, 507)


def description(settings: ServeSettings) -> dict[str, Any]:
    """The description of a door with these settings."""
    limits = settings.limits
    security: list[dict[str, list[str]]] = [] if settings.token is None else [{"token": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pixshelf",
            "version": version(),
            "description": _limits_in_words(limits),
        },
        "security": security,
        "paths": {
            "/predict": {"post": _predict(limits)},
            "/predict/batch": {"post": _predict_batch(limits)},
            "/images": {"get": _list_images()},
            "/images/{image}": {"get": _show_image()},
            "/images/{image}/file": {"get": _image_file()},
            "/models": {"get": _get("Every model.", "listModels", "Models")},
            "/healthz": {
                "get": {**_get("Whether the dataset answers.", "health", "Health"), "security": []}
            },
            "/openapi.json": {"get": _describe()},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _limits_in_words(limits: Limits) -> str:
    return (
        f"A body may have {limits.body:,} bytes, a picture {MAX_PIXELS:,} pixels and "
        f"{MAX_BYTES:,} bytes, a batch {limits.images} pictures. {limits.requests} requests are "
        f"worked on at one time, for up to {limits.seconds:g} seconds each; a body may take "
        f"{limits.body_seconds:g} seconds. What is above that is answered with 413, 422, 503, "
        "504 or 408. Every answer that is no success is a problem document (RFC 9457)."
    )


def _predict(limits: Limits) -> dict[str, Any]:
    binary: Schema = {"schema": {}}
    return {
        "operationId": "predict",
        "summary": "Say what is in a picture, and store it.",
        "parameters": _prediction_parameters(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _base64_image(limits),
                    "example": {"image": _SMALLEST},
                },
                "multipart/form-data": {"schema": _form(1)},
                **dict.fromkeys((*PICTURES, "application/octet-stream"), binary),
            },
        },
        "responses": {**_ok("Answer"), **_problems(*_IN_BODIES)},
    }


def _predict_batch(limits: Limits) -> dict[str, Any]:
    return {
        "operationId": "predictBatch",
        "summary": "The same for several; each has its own answer or its own error.",
        "parameters": _prediction_parameters(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": listed(_base64_image(limits), minItems=1, maxItems=limits.images),
                    "example": [{"image": _SMALLEST}],
                },
                "multipart/form-data": {"schema": _form(limits.images)},
            },
        },
        "responses": {**_ok("Answers"), **_problems(*_IN_BODIES)},
    }


def _list_images() -> dict[str, Any]:
    return {
        **_get("The images that match a query, page by page.", "listImages", "Images", 404, 409),
        "parameters": [
            _parameter(
                "q",
                "A query, such as `label:7 conf<0.8 sort:-confidence`. Without it, all images.",
                {"type": "string", "maxLength": LONGEST_VALUE},
            ),
            _parameter(
                "after",
                "The `next` of the page before, for the same query.",
                {"type": "string", "maxLength": LONGEST_VALUE},
            ),
            _parameter("limit", "How many.", _whole(DEFAULT_LIMIT, MOST_LIMIT)),
        ],
    }


def _show_image() -> dict[str, Any]:
    return {
        **_get("One image, with its predictions.", "showImage", "ImageWithPredictions", 404),
        "parameters": [_image_id()],
    }


def _image_file() -> dict[str, Any]:
    kinds = (*PICTURES, "image/x-portable-anymap", "application/octet-stream")
    etag = {"ETag": {"description": "The sha256, in quotes.", "schema": {"type": "string"}}}
    return {
        "operationId": "imageFile",
        "summary": "An image's bytes, as they were given.",
        "parameters": [
            _image_id(),
            _parameter(
                "sha256",
                "The image's own. The answer may then be kept for ever.",
                {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            ),
        ],
        "responses": {
            "200": {
                "description": "The bytes.",
                "headers": etag,
                "content": {kind: {"schema": {}} for kind in kinds},
            },
            "304": {"description": "The asker has these bytes (If-None-Match).", "headers": etag},
            **_problems(404, 422),
        },
    }


def _describe() -> dict[str, Any]:
    return {
        "operationId": "describe",
        "summary": "This description.",
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **_problems(422),
        },
    }


def _get(summary: str, name: str, schema: str, *problems: int) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {**_ok(schema), **_problems(422, *problems)},
    }


def _prediction_parameters() -> list[dict[str, Any]]:
    return [
        _parameter(
            "model",
            "A model's name or id. Without it, that of the door, else the newest.",
            {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE},
        ),
        _parameter("top_k", "How many labels to give.", _whole(DEFAULT_TOP, MOST_TOP)),
        _parameter(
            "save",
            "Whether the picture is stored, once for its bytes, with the tag `http` and the "
            "prediction.",
            {"type": "boolean", "default": True},
        ),
    ]


def _parameter(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _image_id() -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    return {"name": "image", "in": "path", "required": True, "schema": schema}


def _whole(default: int, most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}


def _base64_image(limits: Limits) -> Schema:
    return {
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {
                "type": "string",
                "contentEncoding": "base64",
                "minLength": 4,
                "maxLength": limits.body,
                "description": "A picture's file in Base64 (RFC 4648, section 4).",
            }
        },
        "additionalProperties": False,
    }


def _form(most: int) -> Schema:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    image = file if most == 1 else listed(file, minItems=1, maxItems=most)
    return {
        "type": "object",
        "required": ["image"],
        "properties": {"image": image},
        "additionalProperties": False,
    }


def _ok(schema: str) -> dict[str, Any]:
    return {
        "200": {
            "description": SCHEMAS[schema]["description"],
            "content": {"application/json": {"schema": ref(schema)}},
        }
    }


def _problems(*more: int) -> dict[str, Any]:
    """The answers that are none, those that every address has among them."""
    answers: dict[str, Any] = {}
    for status in sorted({*_ANYWHERE, *more}):
        answers[str(status)] = {
            "description": _PROBLEMS[status],
            "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
        }
    for code, name in (("503", "Retry-After"), ("401", "WWW-Authenticate")):
        answers[code]["headers"] = {name: {"schema": {"type": "string"}}}
    return answers
