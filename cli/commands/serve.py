"""`pixshelf serve`: the dataset and its models over HTTP, for scripts and for a browser."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.session import session
from storage.errors import NotFound, UsageError
from storage.extras import install_hint

if TYPE_CHECKING:
    from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf serve
  curl --data-binary @cat.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8765/predict
  curl -F image=@cat.jpg 'http://127.0.0.1:8765/predict?save=false&top_k=3'
  PIXSHELF_TOKEN=… pixshelf serve --host 0.0.0.0 --port 80

It listens on this machine alone unless --host says otherwise, which needs a token. Requests then
bear it: Authorization: Bearer TOKEN. GET /openapi.json describes everything.
"""

NEEDED = ("starlette", "uvicorn", "uvloop", "httptools", "python_multipart")


class LogLevel(StrEnum):
    """How much is told on stderr."""

    error = "error"
    warning = "warning"
    info = "info"
    debug = "debug"


@app.command(epilog=EPILOG)
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", "-p", metavar="N", min=0, max=65535, help="0 picks a free one."),
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            envvar="PIXSHELF_TOKEN",
            show_envvar=False,
            help="What requests must bear, 16 characters and more. Others see it in the list of "
            "processes, but not in the variable. [env: PIXSHELF_TOKEN]",
        ),
    ] = None,
    model: options.Model = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", min=1, max=1024, help="Threads for the model. [default: 1]"
        ),
    ] = None,
    max_body: Annotated[
        int, typer.Option("--max-body", metavar="MIB", min=1, max=1024, help="Of one request.")
    ] = 32,
    max_requests: Annotated[
        int,
        typer.Option(
            "--max-requests", metavar="N", min=1, max=10_000, help="Worked on at one time."
        ),
    ] = 64,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=0.1, max=3600, help="For one request."),
    ] = 30.0,
    access_log: Annotated[
        bool | None,
        typer.Option(
            "--access-log/--no-access-log",
            help="A line on stderr for each request. [default: on a terminal]",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="What else is told on stderr.")
    ] = LogLevel.warning,
) -> None:
    """Answer over HTTP: predictions, images and models.

    POST /predict takes a picture, stores it with the tag http and says what is in it. The dataset
    file is made if it is not there. Ctrl-C ends it, after what was taken on.
    """
    state = session(ctx)
    _check_installed()
    from cli.serve.running import serve as run
    from cli.serve.settings import Limits, ServeSettings, checked

    body = max_body * 1024 * 1024
    usual = Limits()
    limits = replace(
        usual,
        body=body,
        held=max(usual.held, 2 * body),
        requests=max_requests,
        body_seconds=min(usual.body_seconds, timeout),
        seconds=timeout,
    )
    shown = sys.stderr.isatty() and not state.quiet
    settings = checked(
        ServeSettings(
            db=state.db,
            wait=state.wait,
            host=host,
            port=port,
            token=token or None,
            model=model,
            threads=state.threads(threads),
            access_log=shown if access_log is None else access_log,
            limits=limits,
        )
    )
    # It is made where it is not there; each worker then opens it for itself.
    with state.open(create=True) as repo:
        _check_model(repo, model, state.tell)
    run(settings, log_level=log_level.value, quiet=state.quiet)


def _check_model(repo: Repository, model: str | None, tell: Callable[[str], None]) -> None:
    """Raises NotFound for a model that there is not. Where there is none at all, it may come."""
    if model is None:
        return
    try:
        repo.models.find(model)
    except NotFound:
        if repo.models.all():
            raise
        tell(f"there is no model yet: POST /predict answers once there is one named '{model}'")


def _check_installed() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"serving needs packages that are not installed: {', '.join(missing)}",
            hint=install_hint("serve"),
        )
