"""Screens as SVG files, compared with those that were looked at and kept."""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import App

from tests.tui.screen_svg import screen_svg

FOLDER = Path(__file__).parent / "snapshots"
UPDATE = "KEEP_SNAPSHOTS"


def check_snapshot(app: App[None], name: str, scratch: Path) -> None:
    """Compare the screen with the one kept as `name`, which may begin with a folder. With the
    variable KEEP_SNAPSHOTS set it is kept instead: look at it then. What differs is written into
    `scratch`."""
    shown = screen_svg(app)
    kept = FOLDER / f"{name}.svg"
    if os.environ.get(UPDATE):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(shown, "utf-8")
        return
    if not kept.exists() or kept.read_text("utf-8") != shown:
        actual = scratch / f"{name.replace('/', '-')}.svg"
        actual.write_text(shown, "utf-8")
        raise AssertionError(
            f"the screen is not as kept in {kept}: it is in {actual}; where it is as it should "
            f"be, run the test with {UPDATE}=1"
        )
