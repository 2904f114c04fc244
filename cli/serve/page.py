"""GET /: one page for a person with a browser, whole without JavaScript.

The form is sent to the page itself. What was kept is answered by the address that shows it, so
that a reload sends nothing again; everything else is answered at once. With JavaScript the same
answers are put in place. Under a token the page asks for it first, and keeps it as a cookie.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cli.serve.bodies import Form, media_type, one_form, read_body
from cli.serve.cookie import cookie_fits, give_cookie
from cli.serve.guard import token_fits
from cli.serve.page_parts import (
    Shown,
    document,
    door_part,
    empty_result,
    main_part,
    problem_part,
    recent_part,
    refused_part,
    result_part,
)
from cli.serve.predicting import TAG
from cli.serve.problems import Problem, problem_of
from cli.serve.routes import Options, answer, image_id
from ml.drawn import DrawnStyle, drawn_style
from ml.pixels import InputSpec
from ml.predicting import ranked
from storage.errors import DatasetError, NotAllowed, NotFound, NotReady, PixshelfError
from storage.query import Query, Sort, Term
from storage.records import ImageRecord, ModelRecord
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cli.serve.door import Door

TOP = 5
RECENT = 12
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # A form that is sent without a referrer has no origin either, and would be refused.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PAGES = ("/", "/token")
"""The addresses that a browser shows."""
OPEN_PATHS = (*PAGES, *(f"/static/{name}" for name in STATIC))
"""What can be asked for without a token. The page itself then shows nothing of the dataset."""

_LONGEST_TOKEN_FORM = 8 * 1024


@dataclass(frozen=True, slots=True)
class _Read:
    """What the page shows of the dataset, and what is wrong with what was asked."""

    model: ModelRecord | None
    style: DrawnStyle | None
    recent: tuple[ImageRecord, ...]
    headline: str
    result: str
    problem: Problem | None


class Page:
    """The page of one door. `routes` are its addresses."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._styles: dict[tuple[int, bytes], DrawnStyle | None] = {}

    def routes(self) -> list[Route]:
        """The page, its form, the form for the token, and what the page is made of."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/", self.predict, methods=["POST"]),
            Route("/token", self.enter, methods=["POST"]),
            *(
                Route(f"/static/{name}", _static(name, kind), methods=["GET"])
                for name, kind in STATIC.items()
            ),
        ]

    async def show(self, request: Request) -> Response:
        """The page; with ?image=ID the prediction of that image on it."""
        if not self._may_enter(request):
            return _html(document("", door_part()))
        given = request.query_params.get("image")
        if given is None:
            return await self._answer(None)
        try:
            return await self._answer(image_id(given))
        except NotFound as error:
            return await self._answer(problem_of(error))

    async def predict(self, request: Request) -> Response:
        """The form's picture: kept, and then shown by its own address, or shown at once."""
        if not self._may_enter(request):
            problem = Problem(HTTPStatus.UNAUTHORIZED, "a token is wanted")
            return _door_page(problem)
        keep = True
        try:
            form = await self._form_of(request)
            keep = "save" in form.fields
            name, said = await self._said_of(form, keep=keep)
        except Problem as problem:
            return await self._answer(problem, keep=keep)
        except PixshelfError as error:
            if isinstance(error, DatasetError) and not isinstance(error, NotAllowed):
                # To read more of it would be to wait for it once more.
                return _away_page(problem_of(error), keep=keep)
            return await self._answer(problem_of(error), keep=keep)
        if said["image"] is not None:
            shows = f"./?image={said['image']['id']}#result"
            return RedirectResponse(shows, HTTPStatus.SEE_OTHER, HEADERS)
        top = tuple((each["label"], each["confidence"]) for each in said["top"])
        return await self._answer(Shown(name, said["model"]["name"], top), keep=keep)

    async def enter(self, request: Request) -> Response:
        """The token's form: to the page with a cookie, or back to the form."""
        token = self._door.settings.token
        if token is not None:
            try:
                given = await self._token_of(request)
            except Problem as problem:
                return _door_page(problem)
            if not token_fits(token, given.encode()):
                return _door_page(Problem(HTTPStatus.UNAUTHORIZED, "the token is wrong"))
        response = RedirectResponse("./", HTTPStatus.SEE_OTHER, HEADERS)
        if token is not None:
            give_cookie(response, token, secure=request.url.scheme == "https")
        return response

    def _may_enter(self, request: Request) -> bool:
        token = self._door.settings.token
        return token is None or cookie_fits(token, request.headers.get("cookie", "").encode())

    async def _token_of(self, request: Request) -> str:
        limits = replace(self._door.settings.limits, body=_LONGEST_TOKEN_FORM)
        body = await read_body(request, limits)
        try:
            fields = parse_qs(body.decode("ascii"), max_num_fields=4)
        except ValueError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "the form is damaged") from error
        return fields.get("token", [""])[0]

    async def _form_of(self, request: Request) -> Form:
        """What the page's own form holds. Raises a Problem."""
        kind = request.headers.get("content-type", "")
        if media_type(kind) != "multipart/form-data":
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "the page takes its own form only",
                hint="Programs send to /predict.",
            )
        body = await read_body(request, self._door.settings.limits)
        return await one_form(kind, body, self._door.parsing)

    async def _said_of(self, form: Form, *, keep: bool) -> tuple[str, dict[str, Any]]:
        """What the form's picture is called, and what POST /predict would say of it."""
        if not form.uploads:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "no image came", hint="Choose a file first."
            )
        (upload,) = form.uploads
        options = Options(self._door.settings.model, TOP, keep)
        return upload.name, await answer(self._door, upload, options)

    async def _answer(self, show: int | Shown | Problem | None, *, keep: bool = True) -> Response:
        """The page with an image by its id, with an answer, with a problem, or with none yet.
        `keep` is the form's tick."""
        try:
            read = await self._door.read(lambda repo: self._read(repo, show))
        except PixshelfError as error:
            return _away_page(problem_of(error), keep=keep)
        spec = None if read.model is None else InputSpec.from_json(read.model.spec.get("input"))
        main = main_part(spec, read.style, read.result, recent_part(read.recent), keep=keep)
        text = document(read.headline, main)
        if read.problem is None:
            return _html(text)
        return _html(text, read.problem.status, read.problem.headers)

    def _read(self, repo: Repository, show: int | Shown | Problem | None) -> _Read:
        name = self._door.settings.model
        model: ModelRecord | None = None
        try:
            model = repo.models.find(name)
            headline, empty = _headline(model), empty_result()
        except (NotReady, NotFound) as error:
            headline, empty = error.message, _problem_html(problem_of(error))
        newest = Query((Term("tag", ":", (TAG,)),), Sort("id", descending=True), name)
        if model is None:
            newest = Query(newest.terms, newest.sort)
        recent = repo.images.page(newest, limit=RECENT).images
        told = _stored(repo, show, model) if isinstance(show, int) else show
        match told:
            case Problem():
                result = _problem_html(told)
            case Shown():
                known = told.image is None or any(each.id == told.image.id for each in recent)
                result = result_part(told, listed=known)
            case None:
                result = empty
        problem = told if isinstance(told, Problem) else None
        return _Read(model, self._style(repo, model), recent, headline, result, problem)

    def _style(self, repo: Repository, model: ModelRecord | None) -> DrawnStyle | None:
        """Measured once for each model."""
        if model is None:
            return None
        key = (model.id, model.weights_sha256)
        if key not in self._styles:
            self._styles[key] = drawn_style(repo, model)
        return self._styles[key]


def _stored(repo: Repository, image_id: int, model: ModelRecord | None) -> Shown | Problem:
    """What `model`, or else the newest model that said anything, says of a stored image; a Problem
    where there is no such image."""
    import numpy as np

    try:
        image = repo.images.get(image_id)
    except NotFound as error:
        return problem_of(error)
    said = repo.predictions.of_image(image_id)
    if not said:
        return Shown(image.source, "", (), image)
    chosen = next((each for each in said if model and each.model == model.id), said[0])
    by = model if model and model.id == chosen.model else repo.models.get(chosen.model)
    shares: NDArray[np.float32] = np.frombuffer(chosen.probabilities, "<f4")
    return Shown(image.source, by.name, ranked(by.labels, shares, TOP), image)


def _headline(model: ModelRecord) -> str:
    size = str(InputSpec.from_json(model.spec.get("input"))).partition(",")[0]
    return f"model {model.name} · {len(model.labels)} labels · {size}"


def _problem_html(problem: Problem) -> str:
    title = HTTPStatus(problem.status).phrase
    return problem_part(problem.status, title, problem.detail, problem.hint)


def _away_page(problem: Problem, *, keep: bool) -> Response:
    """The page where nothing of the dataset can be told but why."""
    main = main_part(None, None, _problem_html(problem), "", keep=keep)
    return _html(document(problem.detail, main), problem.status, problem.headers)


def _door_page(problem: Problem) -> Response:
    return _html(document("", door_part(_problem_html(problem))), problem.status, problem.headers)


def problem_page(problem: Problem) -> Response:
    """A problem as a page of its own, with a way back to the page."""
    return _html(
        document("", refused_part(_problem_html(problem))), problem.status, problem.headers
    )


def _html(
    text: str, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def _static(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers with a file of the page, and with 304 to who has it already."""
    data = (files(__package__) / "static" / name).read_bytes()
    headers = {"ETag": f'"{sha256(data).hexdigest()[:32]}"', "Cache-Control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(data, media_type=kind, headers=headers)

    return answer
