"""What of this command line holds for others: the program's name with its dataset, the patience."""

from __future__ import annotations

import shlex

import typer

from cli.session import Session, session


def program_of(state: Session) -> str:
    """'pixshelf', with the --db that was given."""
    return shlex.join(["pixshelf", *state.db_words])


def given_wait(ctx: typer.Context) -> float | None:
    """The --wait that was given, for a process of its own that waits longer than we do by
    itself."""
    state = session(ctx)
    return state.wait if state.wait_given else None
