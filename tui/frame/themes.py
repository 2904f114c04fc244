"""The app's own colours: dark, light, and of the highest contrast; none sets red against green."""

from __future__ import annotations

from collections.abc import Iterable

from textual.theme import Theme

from storage.errors import UsageError

DARK = Theme(
    name="pixshelf-dark",
    primary="#4aa3df",
    secondary="#8fb8d8",
    accent="#f2b134",
    warning="#f2b134",
    error="#e8684a",
    success="#5ab4ac",
    foreground="#e4e6eb",
    background="#14171c",
    surface="#1b1f26",
    panel="#252b34",
    dark=True,
)
LIGHT = Theme(
    name="pixshelf-light",
    primary="#0b61a4",
    secondary="#41729f",
    accent="#a86400",
    warning="#a86400",
    error="#b33a1e",
    success="#00706a",
    foreground="#1c1f24",
    background="#f6f7f9",
    surface="#eceef2",
    panel="#dde1e8",
    dark=False,
)
CONTRAST = Theme(
    name="pixshelf-contrast",
    primary="#5cc8ff",
    secondary="#bfe6ff",
    accent="#ffd400",
    warning="#ffd400",
    error="#ff9d7a",
    success="#7fffd4",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={"text-muted": "#e0e0e0", "border": "#ffffff", "text-disabled": "#b8b8b8"},
)
THEMES = (DARK, LIGHT, CONTRAST)


def no_theme(name: str, themes: Iterable[str]) -> UsageError:
    """The error for a theme that there is not, with the nearest that there is."""
    from tui.plain.text import nearest, printable

    names = sorted(themes)
    match = nearest(name, names)
    return UsageError(
        f"there is no theme '{printable(name)}' ('tui.theme')",
        hint=f"did you mean '{match}'?" if match else f"the themes are {', '.join(names)}",
    )
