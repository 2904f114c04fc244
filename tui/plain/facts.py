"""What the program stands on: versions, the SQLite library, the terminal. For `doctor` and About.

Plain values and the lines that say them. Nothing is started for it.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

from storage.records import DatasetInfo
from tui.plain.text import in_bytes

PACKAGES = (
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "numpy",
    "pillow",
    "scikit-learn",
    "textual",
    "psycopg",
    "starlette",
    "uvicorn",
)


def program_facts() -> dict[str, Any]:
    """The versions of the program, of Python and of what it uses, as JSON values. A package that
    is not installed is None."""
    from storage.sqlite.library import has_wal_reset_bug, library_version

    return {
        "pixshelf": installed("pixshelf") or "unknown",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": {"version": library_version(), "wal_reset_bug": has_wal_reset_bug()},
        "packages": {name: installed(name) for name in PACKAGES},
    }


def installed(name: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return distribution_version(name)
    except PackageNotFoundError:
        return None


def program_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """`program_facts` as names and texts."""
    sqlite = facts["sqlite"]
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
    ]


def dataset_lines(info: DatasetInfo) -> list[tuple[str, str]]:
    """What a dataset is, as names and texts."""
    return [
        ("dataset", info.url),
        ("images", f"{info.images:,}"),
        ("models", f"{info.models:,}"),
        ("runs", f"{info.runs:,}"),
        ("predictions", f"{info.predictions:,}"),
        ("size", in_bytes(info.bytes)),
        ("schema", f"{info.schema_version} in {info.library}"),
        *info.details.items(),
    ]


def colours() -> str:
    """How many colours standard output can show: 'truecolor', '256', '16' or 'none'."""
    import os

    from tui.plain.halfblocks import colour_depth

    stream = sys.__stdout__
    return colour_depth(os.environ, is_terminal=stream is not None and stream.isatty())


def log_folder() -> Path:
    """Where the tracebacks of defects are written."""
    from platformdirs import user_log_path

    return user_log_path("pixshelf", appauthor=False)
