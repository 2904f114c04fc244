"""The shades of blue that stand for a share, for both kinds of background, in one place.

A stronger share stands out more: darker on a light screen, brighter on a dark one. Blue alone is
told apart by every kind of colour blindness, and the numbers stand on it in any case.
"""

from __future__ import annotations

from dataclasses import dataclass

EDGES = (0.0, 0.02, 0.1, 0.5)
"""A share takes the last shade whose edge it is above."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A background and the ink that can be read on it, as '#rrggbb'."""

    paper: str
    ink: str


_BLACK, _WHITE = "#000000", "#ffffff"
ON_LIGHT = (
    Shade("#deebf7", _BLACK),
    Shade("#9ecae1", _BLACK),
    Shade("#4292c6", _BLACK),
    Shade("#08519c", _WHITE),
)
ON_DARK = (
    Shade("#1d3f5e", _WHITE),
    Shade("#2b6494", _WHITE),
    Shade("#4f9bd0", _BLACK),
    Shade("#a6d0ea", _BLACK),
)


def shade(share: float, *, dark: bool = False) -> Shade | None:
    """The shade of a share, 0 to 1, on a light or a `dark` screen; None for none of it."""
    if not share > 0:
        return None
    return (ON_DARK if dark else ON_LIGHT)[max(at for at, edge in enumerate(EDGES) if share > edge)]
