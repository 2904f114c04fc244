"""The addresses of the door: each reads its request, asks the workers, and answers in JSON."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.answers import predictions_of
from cli.records import image_json, model_json
from cli.serve.bodies import Upload, many_uploads, one_upload, read_body
from cli.serve.door import Door
from cli.serve.files import file_answer
from cli.serve.openapi import (
    DEFAULT_LIMIT,
    DEFAULT_TOP,
    LONGEST_VALUE,
    MOST_LIMIT,
    MOST_TOP,
    description,
)
from cli.serve.predicting import Question
from cli.serve.problems import RETRY, Problem, problem_of
from cli.serve.storing import Store
from ml.predicting import ranked
from storage.errors import NotFound, PixshelfError
from storage.query import Query, parse
from storage.repository import Repository

HEALTH_SECONDS = 5.0
_WHOLE = re.compile(r"[1-9][0-9]{0,18}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST_ID = 2**63 - 1
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NOT_OF_ONE = frozenset({403, 404, 409, 503, 504, 507})
"""What a batch fails of as a whole, where all of it does."""


class Json(Response):
    """An answer in JSON, of ASCII alone."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def door_of(request: Request) -> Door:
    """What the application's requests share."""
    return cast("Door", request.app.state.door)


async def predict(request: Request) -> Response:
    """POST /predict: one picture."""
    options = Options.of(request)
    door = door_of(request)
    body = await read_body(request, door.settings.limits)
    upload = await one_upload(request.headers.get("content-type", ""), body, door.parsing)
    return Json(await answer(door, upload, options))


async def predict_batch(request: Request) -> Response:
    """POST /predict/batch: several, each with its answer or its own problem."""
    options = Options.of(request)
    door = door_of(request)
    limits = door.settings.limits
    body = await read_body(request, limits)
    kind = request.headers.get("content-type", "")
    items = await many_uploads(kind, body, limits.images, door.parsing)

    async def each(item: Upload | Problem) -> dict[str, Any] | Problem:
        try:
            if isinstance(item, Problem):
                return item
            return await answer(door, item, options)
        except Problem as problem:
            return problem
        except PixshelfError as error:
            return problem_of(error)

    results = await asyncio.gather(*map(each, items))
    common = [r for r in results if isinstance(r, Problem) and r.status in _NOT_OF_ONE]
    if len(common) == len(results):
        raise common[0]
    return Json(
        {
            "results": [
                {"error": result.to_json()} if isinstance(result, Problem) else result
                for result in results
            ]
        }
    )


async def answer(door: Door, upload: Upload, options: Options) -> dict[str, Any]:
    """What the model says of a picture, as it is sent; stored first, where that is asked for.
    Raises a Problem, and what Predicting and Storing raise."""
    source = upload.name if options.save else None
    said = await door.predicting.ask(Question(upload.data, options.model, source))
    best = ranked(said.model.labels, said.probabilities, options.top)
    row: dict[str, Any] = {
        "label": best[0][0],
        "confidence": best[0][1],
        "top": [{"label": label, "confidence": share} for label, share in best],
        "model": {"id": said.model.id, "name": said.model.name},
        "image": None,
    }
    if said.image is not None:
        added = await door.storing.ask(Store(said.image, said))
        row["image"] = {"id": added.id, "sha256": said.image.sha256.hex(), "new": added.new}
    return row


async def list_images(request: Request) -> Response:
    """GET /images: those that match a query, page by page."""
    given = parameters(request, {"q", "after", "limit"})
    query = parse(given.get("q", ""))
    limit = whole(given, "limit", DEFAULT_LIMIT, MOST_LIMIT)
    after = given.get("after")

    def read(repo: Repository) -> dict[str, Any]:
        page = repo.images.page(query, limit=limit, after=after)
        return {"images": [image_json(image) for image in page.images], "next": page.next}

    return Json(await door_of(request).read(read))


async def show_image(request: Request) -> Response:
    """GET /images/{id}: one image, with what every model said of it."""
    parameters(request, set())
    image = id_of(request)

    def read(repo: Repository) -> dict[str, Any]:
        facts = image_json(repo.images.get(image))
        return {**facts, "predictions": predictions_of(repo, image)}

    return Json(await door_of(request).read(read))


async def image_file(request: Request) -> Response:
    """GET /images/{id}/file: its bytes, as they were given."""
    given = parameters(request, {"sha256"})
    digest = given.get("sha256")
    if digest is not None and _SHA256.fullmatch(digest) is None:
        raise _unfit("sha256", digest, "64 hexadecimal digits in lower case")
    return await file_answer(request, door_of(request), id_of(request), digest)


async def list_models(request: Request) -> Response:
    """GET /models: every model, the newest first."""
    parameters(request, set())

    def read(repo: Repository) -> dict[str, Any]:
        return {"models": [model_json(model) for model in repo.models.all()]}

    return Json(await door_of(request).read(read))


async def health(request: Request) -> Response:
    """GET /healthz: whether the dataset answers."""

    def read(repo: Repository) -> None:
        repo.images.page(Query(), limit=1)

    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            await door_of(request).read(read)
    except TimeoutError as error:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the dataset did not answer within {HEALTH_SECONDS:g} seconds",
            headers=RETRY,
        ) from error
    return Json({"status": "ok"})


async def describe(request: Request) -> Response:
    """GET /openapi.json: all of this, for programs."""
    parameters(request, set())
    return Json(description(door_of(request).settings))


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a prediction beside the picture."""

    model: str | None
    top: int = DEFAULT_TOP
    save: bool = True

    @classmethod
    def of(cls, request: Request) -> Options:
        """From the address. Raises a Problem, 422."""
        given = parameters(request, {"model", "top_k", "save"})
        save = given.get("save", "true")
        if save not in _BOOLEANS:
            raise _unfit("save", save, "true or false")
        if given.get("model") == "":
            raise _unfit("model", "", "a model's name or id")
        return cls(
            given.get("model", door_of(request).settings.model),
            whole(given, "top_k", DEFAULT_TOP, MOST_TOP),
            _BOOLEANS[save],
        )


def parameters(request: Request, known: set[str]) -> dict[str, str]:
    """What follows the `?`. Raises a Problem, 422, for a name that is not known, one that comes
    twice, and a value that no dataset could take."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"there is no parameter {name!r:.80} here",
                hint=f"Known: {listed}.",
            )
        if name in found:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is given twice")
        if "\0" in value or len(value) > LONGEST_VALUE:
            raise _unfit(name, value, f"text of at most {LONGEST_VALUE:,} characters without NUL")
        found[name] = value
    return found


def whole(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`. Raises a Problem, 422."""
    text = given.get(name)
    if text is None:
        return default
    if _WHOLE.fullmatch(text) is None or int(text) > most:
        raise _unfit(name, text, f"a whole number from 1 to {most}")
    return int(text)


def id_of(request: Request) -> int:
    """The image that the address names. Raises NotFound."""
    return image_id(request.path_params["image"])


def image_id(text: str) -> int:
    """An image's id as it is written. Raises NotFound for what no image can have."""
    if _WHOLE.fullmatch(text) is None or int(text) > _LARGEST_ID:
        raise NotFound(f"there is no image {text!r:.40}", hint="GET /images lists them.")
    return int(text)


def _unfit(name: str, value: str, wanted: str) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is {value!r:.80}", hint=f"It takes {wanted}."
    )


routes: list[Route] = [
    Route("/predict", predict, methods=["POST"]),
    Route("/predict/batch", predict_batch, methods=["POST"]),
    Route("/images", list_images),
    Route("/images/{image}", show_image),
    Route("/images/{image}/file", image_file),
    Route("/models", list_models),
    Route("/healthz", health),
    Route("/openapi.json", describe),
]
