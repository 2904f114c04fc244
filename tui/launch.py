"""From a command line to the app and back: the dataset opened and closed, the terminal as before.

Whatever happens in between, edits that were asked for are stored and the terminal is restored. An
error that the app did not expect is raised from here, after the screen was given back.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from storage.errors import UsageError
from tui.plain.text import plural

if TYPE_CHECKING:
    from tui.app import PixshelfApp
    from tui.frame.dataset import Dataset
    from tui.settings import TuiSettings

_LAST_SECONDS = 3.0
"""So long the app may take to leave the screen, once its edits are stored, before it is left."""


def see_terminal(environment: Mapping[str, str], *, stdin: TextIO | None) -> None:
    """Raises UsageError where the app cannot be shown, with what to use instead."""
    instead = "`pixshelf --help` lists the commands, which work anywhere"
    term = environment.get("TERM", "")
    if term.lower() in ("", "dumb", "unknown"):
        raise UsageError(
            f"the full-screen app needs a terminal that can place text, and TERM is '{term}'",
            hint=instead,
        )
    if stdin is None or not stdin.isatty():
        raise UsageError(
            "the full-screen app reads keys, and standard input is no terminal", hint=instead
        )


def knows_colours(environment: Mapping[str, str]) -> bool:
    """Whether the terminal has colours, as far as its description says; one without a description
    is taken to have them."""
    term = environment.get("TERM", "")
    if "COLORTERM" in environment or "color" in term:
        return True
    import curses

    try:
        curses.setupterm(term, 1)
    except curses.error:
        return True
    return curses.tigetnum("colors") > 0


def run(
    url: str,
    *,
    settings: TuiSettings,
    config_path: Path | None,
    db_named: bool,
    wait: float,
    refused: float | None = None,
    told: Callable[[str], None] | None = None,
) -> int:
    """Show the app on a dataset, which is made where it is not there; gives the exit code. `told`
    hears, before the screen is taken, that a server that is starting is waited for; `refused` is as
    in open_repository. Raises
    DatasetError and UsageError before the screen is taken, and afterwards what the app did not
    expect."""
    from tui.frame.dataset import Dataset

    dataset = Dataset(url, wait=wait)
    dataset.create(told, refused=refused)
    try:
        app = _made(dataset, settings, config_path, db_named)
        _show(app)
        _store_the_last(app)
    finally:
        dataset.close()
    if app.defect is not None:
        raise app.defect
    if app.farewell:
        sys.stdout.write(app.farewell + "\n")
    return app.return_code or 0


def _made(
    dataset: Dataset, settings: TuiSettings, config_path: Path | None, db_named: bool
) -> PixshelfApp:
    if not knows_colours(os.environ):
        os.environ["NO_COLOR"] = "1"
    from tui.app import PixshelfApp
    from tui.frame.terminal import TerminalDriver

    if settings.keys:
        from tui.keys.keymap import check_keys

        check_keys(settings.keys)
    # An app under test brings a driver of its own.
    driver = None if "TEXTUAL_DRIVER" in os.environ else TerminalDriver
    return PixshelfApp(
        dataset,
        settings=settings,
        config_path=config_path,
        db_named=db_named,
        driver_class=driver,
    )


def _show(app: PixshelfApp) -> None:
    from tui.frame.terminal import silenced

    with _collected_later(), _leaving_on_signals(app), silenced():
        app.run()


@contextmanager
def _collected_later() -> Iterator[None]:
    """No garbage is looked for until the first frame is there (the app then turns it on): nearly
    all that is made before it stays."""
    import gc

    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _leaving_on_signals(app: PixshelfApp) -> Iterator[None]:
    """Leave the app in order when the process is asked to end or its terminal goes away."""
    attributes = _attributes()

    def leave(number: int, _: Any) -> None:
        thread = threading.Thread(
            target=_leave, args=(app, 128 + number, attributes), name="pixshelf-end", daemon=True
        )
        thread.start()

    kept = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _leave(app: PixshelfApp, code: int, attributes: list[Any] | None) -> None:
    """Store what was asked for and end the process, where the app does not do it by itself: one
    that draws on a terminal that is gone may wait for it for ever."""
    app.dataset.drain()
    app.leave_from_thread(code)
    time.sleep(_LAST_SECONDS)
    _store_the_last(app)
    if attributes is not None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSANOW, attributes)
    os._exit(code)


def _store_the_last(app: PixshelfApp) -> None:
    """Try what was refused once more, since there is nobody left to ask."""
    if app.refused and (left := app.storing.try_last()):
        app.farewell = f"{plural(len(left), 'edit')} could not be stored"


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None
