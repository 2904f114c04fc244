"""`pixshelf doctor`: what the program stands on, for a look or a report. It changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from cli import options
from cli.output import line, write_json
from cli.records import info_json
from cli.session import Session, default_data_folder, session
from cli.text import in_bytes, in_columns, plural, printable
from storage.errors import PixshelfError
from tui.plain.facts import colours, program_facts, program_lines

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf doctor
  pixshelf --db photos.db doctor --json
"""


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
        **program_facts(),
        "terminal": {"colours": colours(), "columns": size.columns, "lines": size.lines},
        "config": {"path": str(config), "exists": config.is_file()},
        "data_folder": str(default_data_folder()),
        "dataset": _dataset(state),
    }


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
    terminal, config = facts["terminal"], facts["config"]
    return [
        *program_lines(facts),
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
        f"{dataset['url']}: {plural(info['images'], 'image')}, "
        f"{plural(info['models'], 'model')}, {in_bytes(info['bytes'])}, "
        f"schema {info['schema_version']} in {info['library']}"
    )
