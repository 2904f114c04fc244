"""The HTTP door as an application: which address leads where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from cli.serve.door import Door
from cli.serve.guard import Guard, as_problem
from cli.serve.page import OPEN_PATHS, PAGES, Page, problem_page
from cli.serve.problems import answer_of
from cli.serve.routes import routes
from cli.serve.settings import ServeSettings, checked


def create_app(settings: ServeSettings) -> Starlette:
    """The application. `state.door` is what its requests share: it starts with the application's
    lifespan, or before it, and ends with it. Raises UsageError for settings that are not safe."""
    door = Door(checked(settings))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with door.opened():
            yield

    app = Starlette(
        routes=[*routes, *Page(door).routes()],
        middleware=[
            Middleware(Guard, door=door, open_paths=OPEN_PATHS, pages=PAGES, as_page=problem_page)
        ],
        exception_handlers={HTTPException: _of_routing},
        lifespan=lifespan,
    )
    # Each thing has one address: what is nearly one is none.
    app.router.redirect_slashes = False
    app.state.door = door
    return app


async def _of_routing(_: Request, error: Exception) -> Response:
    """No such address, or no such method there."""
    return answer_of(as_problem(error))
