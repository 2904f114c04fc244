"""`pixshelf history`: what was done to labels, splits, tags and the trash, by whom and when."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer

from cli import options
from cli.actions import COLUMNS, FIELDS, action_json
from cli.output import Column, line, note, one_format, write_json, write_rows, write_table
from cli.session import Session, session
from cli.text import plural, printable, when
from storage.bounds import bounded
from storage.records import Action, Event
from storage.repository import Repository

EPILOG = """
\b
Examples:
  pixshelf history
  pixshelf history --limit 0 --csv
  pixshelf history show 12
"""
PAGE = 500
EVENTS_PAGE = 10_000

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="List what was done to labels, splits, tags and the trash.",
    epilog=EPILOG,
    invoke_without_command=True,
)

EVENT_COLUMNS = (
    Column("image", lambda event: str(event.image), right=True),
    Column("before", lambda event: "-" if event.before is None else event.before),
    Column("after", lambda event: "-" if event.after is None else event.after),
)
Limit = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=0, help="At most N of them; 0 for all.")
]


@app.callback()
def history(
    ctx: typer.Context,
    *,
    limit: Limit = 20,
    before: Annotated[
        int | None, typer.Option("--before", metavar="ID", help="Only actions before this one.")
    ] = None,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List what was done to labels, splits, tags and the trash.

    Prints one row an action, the newest first: when, who, what, how many images it changed, and
    whether it is done, undone (and can be redone) or dropped (undone, and somebody edited since).
    """
    if ctx.invoked_subcommand is not None:
        return
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    with state.open() as repo:
        actions = _actions(repo, before)
        shown = list(islice(actions, bounded(limit))) if limit else actions
        write_rows(map(action_json, shown), form, fields=FIELDS, columns=COLUMNS)
        if isinstance(shown, list) and shown and next(actions, None) is not None:
            _note_more(state, "--limit", str(limit), "--before", str(shown[-1].id))


@app.command(
    "show",
    epilog="\b\nExamples:\n  pixshelf history show 12\n  pixshelf history show 12 --limit 0 --json",
)
def show(
    ctx: typer.Context,
    *,
    action: Annotated[int, typer.Argument(metavar="ID", help="The action, from `history`.")],
    limit: Limit = 50,
    after: Annotated[
        int, typer.Option("--after", metavar="ID", help="Only images after this one.")
    ] = 0,
    json: options.Json = False,
) -> None:
    """Show one action: what each image had before, and after."""
    state = session(ctx)
    with state.open() as repo:
        record = repo.history.get(action)
        events = _events(repo, action, after)
        shown = list(islice(events, bounded(limit)) if limit else events)
        more = bool(limit) and next(events, None) is not None
    if json:
        rows: list[dict[str, Any]] = [
            {"image": event.image, "before": event.before, "after": event.after} for event in shown
        ]
        write_json({**action_json(record), "events": rows})
    else:
        line(f"action {record.id}, {printable(record.summary)}: {record.state}")
        line(f"{when(record.at)}, by {printable(record.actor)}, {plural(record.images, 'image')}")
        if shown:
            line()
            write_table(shown, EVENT_COLUMNS)
    if more:
        last = str(shown[-1].image)
        _note_more(state, "show", str(action), "--limit", str(limit), "--after", last)


def _actions(repo: Repository, before: int | None) -> Iterator[Action]:
    """The newest first, read page by page."""
    while page := repo.history.actions(limit=PAGE, before=before):
        yield from page
        before = page[-1].id


def _events(repo: Repository, action: int, after: int) -> Iterator[Event]:
    while page := repo.history.events(action, limit=EVENTS_PAGE, after=after):
        yield from page
        after = page[-1].image


def _note_more(state: Session, *words: str) -> None:
    again = shlex.join(["pixshelf", *state.db_words, "history", *words])
    note(f"more: {again}", quiet=state.quiet)
