"""Screens as SVG files, compared with those that were looked at and kept."""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import App

FOLDER = Path(__file__).parent / "snapshots"
UPDATE = "PIXSHELF_UPDATE_SNAPSHOTS"


def check_snapshot(app: App[None], name: str, scratch: Path) -> None:
    """Compare the screen with the one kept as `name`. With the variable PIXSHELF_UPDATE_SNAPSHOTS
    set it is kept instead: look at it then. What differs is written into `scratch`."""
    shown = app.export_screenshot(title=name)
    kept = FOLDER / f"{name}.svg"
    if os.environ.get(UPDATE):
        FOLDER.mkdir(exist_ok=True)
        kept.write_text(shown, "utf-8")
        return
    if not kept.exists() or kept.read_text("utf-8") != shown:
        actual = scratch / f"{name}.svg"
        actual.write_text(shown, "utf-8")
        raise AssertionError(
            f"the screen is not as kept in {kept}: it is in {actual}; where it is as it should "
            f"be, run the test with {UPDATE}=1"
        )
