"""Whether the app has drawn its first frame: what loads much waits for that.

Python runs one thread at a time, so that a library loaded beside the first frame delays it.
"""

from __future__ import annotations

from threading import Event

MOST_WAITED = 1.0
"""Seconds, for what runs without an app that draws."""

shown = Event()
"""Set by the app, once."""


def wait() -> None:
    """Wait for the first frame; to be called in a thread that is not the app's."""
    shown.wait(MOST_WAITED)
    # Not again where no app will ever set it.
    shown.set()
