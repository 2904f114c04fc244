"""The shades of a share: readable ink, and stronger for more."""

from __future__ import annotations

import pytest

from tests.colours import contrast, luminance
from tui.plain.shades import EDGES, ON_DARK, ON_LIGHT, Shade, shade


@pytest.mark.parametrize("each", [*ON_DARK, *ON_LIGHT], ids=lambda each: each.paper)
def test_the_ink_is_read_on_its_paper(each: Shade) -> None:
    assert contrast(each.ink, each.paper) >= 4.5


def test_more_is_brighter_on_a_dark_screen_and_darker_on_a_light_one() -> None:
    dark = [luminance(each.paper) for each in ON_DARK]
    light = [luminance(each.paper) for each in ON_LIGHT]
    assert dark == sorted(dark)
    assert light == sorted(light, reverse=True)


def test_nothing_has_no_shade() -> None:
    assert shade(0.0) is None
    assert shade(float("nan")) is None


def test_a_share_takes_the_last_shade_whose_edge_it_is_above() -> None:
    assert shade(EDGES[1]) == ON_LIGHT[0]
    assert shade(0.021) == ON_LIGHT[1]
    assert shade(1.0, dark=True) == ON_DARK[-1]
