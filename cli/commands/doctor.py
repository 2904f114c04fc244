"""`pixshelf doctor`: what the program stands on, for a look or a report. It changes nothing."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

import typer

from cli import options
from cli.output import line, write_json
from cli.records import info_json
from cli.session import Session, default_data_folder, session
from cli.text import in_bytes, in_columns, printable
from cli.version import version
from storage.errors import PixshelfError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf doctor
  pixshelf --db photos.db doctor --json
"""
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "numpy", "pillow", "scikit-learn", "textual")
BUG_FIRST, BUG_LAST = (3, 7, 0), (3, 51, 2)


@app.command(epilog=EPILOG)
def doctor(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Report versions, paths and the state of the dataset.

    Prints one fact a line. TensorFlow is not started for it, and a dataset that cannot be opened
    is reported, not an error.
    """
    facts = gather(session(ctx))
    if json:
        write_json(facts)
        return
    rows = [(name, printable(text)) for name, text in _lines(facts)]
    for text in in_columns(rows[0], rows[1:]):
        line(text)


def gather(state: Session) -> dict[str, Any]:
    """Everything that doctor reports, as JSON values. Raises UsageError for a bad config file."""
    size = shutil.get_terminal_size()
    config = state.config_path
    return {
        "pixshelf": version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": _sqlite(),
        "packages": {name: _installed(name) for name in PACKAGES},
        "terminal": {"colours": _colours(), "columns": size.columns, "lines": size.lines},
        "config": {"path": str(config), "exists": config.is_file()},
        "data_folder": str(default_data_folder()),
        "dataset": _dataset(state),
    }


def has_wal_reset_bug(library: tuple[int, ...]) -> bool:
    """Whether an SQLite of this version has the WAL-reset defect that sqlite.org/wal.html
    documents: two connections that write or checkpoint at one moment can damage the file."""
    return BUG_FIRST <= library <= BUG_LAST


def _sqlite() -> dict[str, Any]:
    import sqlite3

    return {
        "version": sqlite3.sqlite_version,
        "wal_reset_bug": has_wal_reset_bug(sqlite3.sqlite_version_info),
    }


def _installed(name: str) -> str | None:
    try:
        return distribution_version(name)
    except PackageNotFoundError:
        return None


def _colours() -> str:
    import os

    from tui.halfblocks import colour_depth

    return colour_depth(os.environ, is_terminal=sys.stdout.isatty())


def _dataset(state: Session) -> dict[str, Any]:
    place = state.db
    if "://" not in place and not Path(place).exists():
        return {"url": place, "state": "missing", "message": None, "info": None}
    try:
        with state.open() as repo:
            return {"url": place, "state": "ok", "message": None, "info": info_json(repo.info())}
    except PixshelfError as error:
        return {"url": place, "state": "error", "message": error.message, "info": None}


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    sqlite, terminal, config = facts["sqlite"], facts["terminal"], facts["config"]
    bug = (
        "has the documented WAL-reset defect (3.7.0 to 3.51.2); pixshelf is safe from it,"
        " since it lets one process at a time write or checkpoint"
        if sqlite["wal_reset_bug"]
        else "without the WAL-reset defect of 3.7.0 to 3.51.2"
    )
    return [
        ("pixshelf", facts["pixshelf"]),
        ("Python", f"{facts['python']} on {facts['platform']}"),
        ("SQLite", f"{sqlite['version']}, {bug}"),
        *((name, found or "not installed") for name, found in facts["packages"].items()),
        ("colours", terminal["colours"]),
        ("terminal", f"{terminal['columns']} x {terminal['lines']}"),
        ("config", f"{config['path']}{'' if config['exists'] else ' (not there: defaults)'}"),
        ("data folder", facts["data_folder"]),
        ("dataset", _dataset_line(facts["dataset"])),
    ]


def _dataset_line(dataset: dict[str, Any]) -> str:
    info = dataset["info"]
    if dataset["state"] == "missing":
        return f"{dataset['url']} (not there yet)"
    if info is None:
        return f"{dataset['url']}: {dataset['message']}"
    return (
        f"{dataset['url']}: {info['images']:,} images, {info['models']} models, "
        f"{in_bytes(info['bytes'])}, schema {info['schema_version']}"
    )
