"""The app's own colours: one dark and one light theme, told apart without red against green."""

from __future__ import annotations

from textual.theme import Theme

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
THEMES = (DARK, LIGHT)
