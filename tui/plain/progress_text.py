"""How far a job on many images is, in a few words."""

from __future__ import annotations

from tui.plain.text import in_time

_BAR = 16


def progress_text(what: str, done: int, total: int, seconds: float) -> str:
    """'evaluating ████████········ 3,072 of 10,000, 4,210/s, 1.6 s left' after so many seconds."""
    filled = _BAR * done // total if total else 0
    text = f"{what} {'█' * filled}{'·' * (_BAR - filled)} {done:,} of {total:,}"
    if done and seconds > 0:
        rate = done / seconds
        text += f", {rate:,.0f}/s, {in_time((total - done) / rate)} left"
    return text
