"""Digits written by hand: strokes on a square of side 1, and a mouse that draws them."""

from __future__ import annotations

import math

from playwright.sync_api import Page

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, radius: float, start: int, end: int, tall: float = 1.0) -> Stroke:
    """Part of an ellipse, from one angle to another, in degrees."""
    angles = [math.radians(start + (end - start) * step / 10) for step in range(11)]
    return [(x + radius * math.cos(a), y + radius * tall * math.sin(a)) for a in angles]


DIGITS: dict[str, list[Stroke]] = {
    "0": [arc(0.5, 0.5, 0.2, -90, 270, 1.5)],
    "1": [[(0.42, 0.3), (0.52, 0.2), (0.52, 0.8)]],
    "2": [[*arc(0.5, 0.35, 0.16, -170, 30), (0.35, 0.78), (0.7, 0.78)]],
    "3": [[*arc(0.48, 0.34, 0.14, -150, 90), *arc(0.48, 0.64, 0.17, -90, 140)]],
    "4": [[(0.45, 0.2), (0.3, 0.55), (0.68, 0.55)], [(0.58, 0.3), (0.56, 0.82)]],
    "5": [[(0.65, 0.22), (0.4, 0.22), (0.38, 0.45), *arc(0.49, 0.6, 0.17, -110, 130)]],
    "6": [[(0.56, 0.15), (0.44, 0.3), (0.38, 0.6), *arc(0.52, 0.67, 0.14, 180, -150)]],
    "7": [[(0.33, 0.24), (0.68, 0.24), (0.62, 0.4), (0.46, 0.8)]],
    "8": [arc(0.5, 0.34, 0.13, 90, 450), arc(0.5, 0.64, 0.17, -90, 270)],
    "9": [[*arc(0.5, 0.36, 0.15, 0, 360), (0.64, 0.5), (0.58, 0.8)]],
}


def write(page: Page, digit: str, *, at: tuple[float, float] = (0, 0), size: float = 1.0) -> None:
    """Draw a digit on the page's drawing area; `at` and `size` are shares of its side."""
    box = page.locator("#pad").bounding_box()
    assert box is not None
    for stroke in DIGITS[digit]:
        places = [
            (
                box["x"] + box["width"] * (at[0] + size * x),
                box["y"] + box["height"] * (at[1] + size * y),
            )
            for x, y in stroke
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()
