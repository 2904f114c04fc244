"""The global options that may also stand after the name of a command."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer

from cli.session import session


def _remember_db(ctx: typer.Context, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        session(ctx).db_flag = value


def _remember_quiet(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        session(ctx).quiet_flag = True


@cache
def _shared_options() -> tuple[Any, ...]:
    template = typer.Typer(add_completion=False)

    @template.command()
    def shared(
        db: Annotated[
            str | None,
            typer.Option(
                "--db",
                metavar="PATH",
                help="The dataset: a file's path or a URL.",
                expose_value=False,
                callback=_remember_db,
            ),
        ] = None,
        quiet: Annotated[
            bool,
            typer.Option(
                "--quiet",
                "-q",
                help="Nothing on stderr but errors.",
                expose_value=False,
                callback=_remember_quiet,
            ),
        ] = False,
    ) -> None:
        """Only its options are used."""

    return tuple(typer.main.get_command(template).params)


def add_shared_options(command: Any) -> None:
    """Let the global options also stand after the name of a command, or of one within a group."""
    nested = getattr(command, "commands", None)
    if nested is None or command.invoke_without_command:
        command.params.extend(_shared_options())
    for inner in (nested or {}).values():
        add_shared_options(inner)
