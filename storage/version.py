"""The program's own version, as its installed distribution states it."""

from __future__ import annotations


def version() -> str:
    """The version, such as '0.1.0'; 'unknown' where the code runs without being installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as distribution_version

    try:
        return distribution_version("pixshelf")
    except PackageNotFoundError:
        return "unknown"


def version_line() -> str:
    """What `--version` prints."""
    return f"pixshelf {version()}"
