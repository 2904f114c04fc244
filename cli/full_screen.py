"""`pixshelf` without a command, on a terminal: the full-screen app.

It comes here from the entry point directly, without the command-line library, or through it where
there were other options. What goes wrong is told as it is for every command.
"""

from __future__ import annotations

import os
import sys

from cli.session import Session, default_data_folder


def open_at_once(db: str | None = None, config: str | None = None) -> int:
    """Open the app; gives the exit code. Every failure is one line on stderr."""
    try:
        return open_app(Session(db_flag=db, config_flag=config))
    except (Exception, KeyboardInterrupt) as error:
        from cli.failures import run_guarded

        # The name does not outlive this block, the error has to.
        failure = error

        def again() -> None:
            raise failure

        return run_guarded(again)


def open_app(state: Session) -> int:
    """Open the app as the session says; gives the exit code. Raises UsageError where the terminal
    or a setting will not do, DatasetError, and what the app did not expect."""
    from tui.launch import run, see_terminal
    from tui.settings import TuiSettings

    see_terminal(os.environ, stdin=sys.stdin)
    settings = state.config.tui or TuiSettings()
    if state.db_named is None:
        default_data_folder().mkdir(parents=True, exist_ok=True)
    return run(
        state.db,
        settings=settings,
        config_path=state.config_path,
        db_named=state.db_flag is not None,
        wait=state.wait,
        refused=state.refused,
        told=state.tell,
    )
