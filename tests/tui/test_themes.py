"""The app's own themes can be read: WCAG's contrast of AA between text and what is behind it."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from tests.tui.driving import running
from tui.frame.dataset import Dataset
from tui.frame.themes import THEMES
from tui.settings import TuiSettings

GROUNDS = ("background", "surface", "panel")
TEXTS = ("foreground", "text-muted", "text-accent", "text-error", "text-warning", "text-success")


def luminance(color: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """WCAG's ratio, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colour(variables: dict[str, str], name: str, ground: Color) -> Color:
    """A theme's variable as it is seen on a ground; 'auto 60%' is black or white, faded."""
    text = variables[name]
    if text.startswith("auto"):
        strength = float(text.removeprefix("auto").strip().rstrip("%") or 100) / 100
        return ground.blend(ground.get_contrast_text(1.0), strength)
    return Color.parse(text)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
async def test_text_can_be_read(theme: Theme, ground: str, text: str) -> None:
    variables = {**theme.to_color_system().generate(), **theme.variables}
    behind = Color.parse(variables[ground])
    assert contrast(colour(variables, text, behind), behind) >= 4.5


async def test_the_theme_of_the_highest_contrast_reaches_aaa() -> None:
    theme = THEMES[2]
    variables = {**theme.to_color_system().generate(), **theme.variables}
    behind = Color.parse(variables["background"])
    assert contrast(colour(variables, "foreground", behind), behind) >= 7
    assert contrast(colour(variables, "text-muted", behind), behind) >= 7


@pytest.mark.parametrize("name", [*(theme.name for theme in THEMES), "nord", "ansi-dark"])
async def test_the_app_starts_in_a_theme(name: str, dataset: Dataset) -> None:
    async with running(dataset, settings=TuiSettings(theme=name)) as (app, _):
        assert app.theme == name


async def test_without_colours_no_colour_is_sent(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(dataset) as (app, pilot):
        await pilot.pause()
        shades = {
            segment.style.color.triplet
            for strip in app.screen._compositor.render_strips()
            for segment in strip.apply_filter(app._filters[-1], Color(0, 0, 0))
            if segment.style is not None and segment.style.color is not None
        }
        assert shades
        assert all(one is None or one.red == one.green == one.blue for one in shades)
