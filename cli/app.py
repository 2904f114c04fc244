"""The root of the command line: its global options and the table of commands.

A command's module is imported when that command is run or its help is asked for, never for the
list of commands. `SUMMARIES` is therefore the one place where the list's lines are written;
a test holds them equal to the first line of each command's own help.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.conversion import convert_lightly
from cli.failures import run_guarded
from cli.session import DEFAULT_WAIT, Session
from cli.shared_options import add_shared_options
from storage.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Command, Context
    from typer._click.formatting import HelpFormatter

SUMMARIES = {
    "demo": "Train on 1,797 digits, offline, and show what comes out.",
    "import": "Add images from folders, files, archives, IDX, npz or CSV.",
    "ls": "List images that match a query.",
    "show": "Show one image, its facts and its predictions.",
    "stats": "Count images by label, split, format and size.",
    "label": "Give images a label, or take it away.",
    "tag": "Put a tag on images, or take it off.",
    "split": "Put images into train, val or test.",
    "duplicates": "Find copies of pictures, and keep one of each.",
    "problems": "Find dark, blank, blurry, odd and animated images.",
    "review": "List images to look at, with suggestions and reasons.",
    "labels": "List, rename, merge or remove labels.",
    "tags": "List, rename or remove tags.",
    "rm": "Put images into the trash; `db vacuum` empties it.",
    "restore": "Take images out of the trash.",
    "history": "List what was done to labels, splits, tags and the trash.",
    "undo": "Take back the newest actions of the history.",
    "redo": "Do again what was undone last.",
    "train": "Train a model on the labelled images.",
    "eval": "Measure a model on the labelled images of a split.",
    "predict": "Say what is in images: files, folders or stored ones.",
    "runs": "List, show, resume, attach to, stop or remove trainings.",
    "models": "List, show, export, import, rename or remove models.",
    "export": "Write images to folders, manifests, arrays or a dataset.",
    "merge": "Bring another dataset's images, labels, splits and tags in.",
    "serve": "Answer over HTTP: predictions, images and models.",
    "sql": "Ask the dataset a question in SQL; it can only read.",
    "doctor": "Report versions, paths and the state of the dataset.",
    "db": "Make, describe, check, copy, back up, upgrade or tidy a dataset.",
}

MODULES = {"import": "import_", "eval": "evaluate"}
"""Commands whose module cannot bear their name."""

EPILOG = """
\b
Examples:
  pixshelf demo
  pixshelf import photos/ --split auto
  pixshelf train
  pixshelf predict cat.jpg

The dataset file is that of --db, else $PIXSHELF_DB, else the config file's, else a default.
`pixshelf doctor` names it. `pixshelf COMMAND --help` explains a command.
"""


class LazyGroup(TyperGroup):
    """The root group. Imports the module of a command when that command is asked for."""

    def get_params(self, ctx: Context) -> list[Any]:
        params = super().get_params(ctx)
        convert_lightly(params)
        return params

    def list_commands(self, ctx: Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name not in SUMMARIES:
            return None
        if cmd_name not in self.commands:
            from importlib import import_module

            module = import_module(f"cli.commands.{MODULES.get(cmd_name, cmd_name)}")
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            add_shared_options(command)
            _convert_all_lightly(command, ctx)
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            from cli.text import nearest

            match = nearest(args[0], SUMMARIES)
            raise UsageError(
                f"there is no command {args[0]!r}",
                hint=f"did you mean `pixshelf {match}`?"
                if match
                else "`pixshelf --help` lists the commands",
            )
        return (args[0] if command else None), command, args[1:]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line and leave the process with its exit code."""
        name = prog_name or "pixshelf"
        words = list(sys.argv[1:] if args is None else args)
        self._main_shell_completion(ctx_args=extra, prog_name=name, complete_var=complete_var)

        def run() -> None:
            with self.make_context(name, words, **extra) as ctx:
                self.invoke(ctx)

        sys.exit(run_guarded(run))


def _convert_all_lightly(command: Any, ctx: Context) -> None:
    # The names of the help option are those of the root, so its context will do.
    convert_lightly(command.get_params(ctx))
    for inner in getattr(command, "commands", {}).values():
        _convert_all_lightly(inner, ctx)


app = typer.Typer(
    cls=LazyGroup,
    name="pixshelf",
    help="An offline workbench for image classification: one file, one command.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from cli.version import version_line

        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            metavar="PATH",
            help="The dataset: a file's path or a URL. [env: PIXSHELF_DB]",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Read this config file, not the default one. [env: PIXSHELF_CONFIG]",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            max=86_400,
            envvar="PIXSHELF_WAIT",
            show_envvar=False,
            help="How long a write waits for another that is writing, and a command for a "
            "PostgreSQL server that is starting. [env: PIXSHELF_WAIT]",
        ),
    ] = DEFAULT_WAIT,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    source = ctx.get_parameter_source("wait")
    state = ctx.obj = Session(
        db_flag=db,
        config_flag=config,
        quiet_flag=quiet,
        wait=wait,
        wait_given=source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"),
    )
    if config is not None and not ctx.resilient_parsing:
        state.config  # noqa: B018  (a config file that was named is checked, needed or not)
    if ctx.invoked_subcommand is None:
        if not sys.stdout.isatty():
            typer.echo(ctx.get_help())
            return
        from cli.full_screen import open_app

        raise typer.Exit(open_app(state))
