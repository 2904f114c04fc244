"""The report's drawings as SVG that takes its colours and letters from the page around it.

Drawn here rather than by matplotlib so that they follow the reader's light or dark theme, scale
with the page, and weigh a few kilobytes. Positions are in the units of each drawing's view box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ml.curves import Curve
from ml.markup import Markup, tag
from ml.metrics import Bin

_WIDE, _HIGH = 360, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 14, 40

_Scale = Callable[[float], float]


def reliability_chart(bins: Sequence[Bin], before: Sequence[Bin] | None) -> Markup:
    """Accuracy over confidence: a point for each bin, larger where it holds more images, with the
    diagonal of a perfect model. `before` is drawn dashed, and left out if None."""
    across, down = _scales((0.0, 1.0), (0.0, 1.0))
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    drawn = [*_frame(across, down, ticks, ticks, "confidence", "accuracy", _share)]
    drawn.append(_line([(0, 0), (1, 1)], across, down, "ideal"))
    if before is not None:
        drawn.append(_points_line(before, across, down, "raw"))
        drawn += _dots(before, across, down, "raw")
    drawn.append(_points_line(bins, across, down, "val"))
    drawn += _dots(bins, across, down, "val")
    return _svg(drawn, "Reliability diagram: accuracy over confidence")


def curves_chart(curves: Sequence[Curve], what: str) -> Markup:
    """Loss or accuracy over the epochs, a line for each part and network."""
    chosen = [curve for curve in curves if curve.what == what]
    points = [point for curve in chosen for point in curve.points]
    values = [value for _, value in points if math.isfinite(value)]
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = 0.0 if what == "loss" else low
    high = 1.0 if what == "accuracy" else high
    marks = nice_ticks(low, high)
    across, down = _scales(
        (float(first), float(max(last, first + 1))), (min(low, marks[0]), max(high, marks[-1]))
    )
    epochs = sorted({float(round(tick)) for tick in nice_ticks(first, last) if tick >= first})
    write = _share if what == "accuracy" else _short
    drawn = [*_frame(across, down, epochs, marks, "epoch", what, write)]
    for curve in chosen:
        kept = [(at, value) for at, value in curve.points if math.isfinite(value)]
        drawn.append(_line(kept, across, down, curve.part))
        if len(kept) == 1:
            at, value = kept[0]
            drawn.append(tag("circle", cx=across(at), cy=down(value), r=3, class_=curve.part))
    return _svg(drawn, f"Learning curves: {what} over the epochs")


def bar(shares: Sequence[tuple[str, float]]) -> Markup:
    """A thin bar of parts, each a class and its width as a share of the whole bar."""
    drawn, at = [], 0.0
    for name, share in shares:
        drawn.append(tag("rect", x=100 * at, y=0, width=100 * share, height=8, class_=name))
        at += share
    return tag(
        "svg",
        drawn,
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from at most `low` to `high` or a little less: about so many, 1, 2 or 5 times
    a power of ten apart."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    count = math.floor(high / step + 1e-9) - first
    return [round((first + at) * step, 12) for at in range(count + 1)]


def _scales(wide: tuple[float, float], high: tuple[float, float]) -> tuple[_Scale, _Scale]:
    """From values to places, across and down."""

    def across(value: float) -> float:
        share = (value - wide[0]) / ((wide[1] - wide[0]) or 1)
        return round(_LEFT + share * (_WIDE - _LEFT - _RIGHT), 1)

    def down(value: float) -> float:
        share = (value - high[0]) / ((high[1] - high[0]) or 1)
        return round(_HIGH - _BOTTOM - share * (_HIGH - _TOP - _BOTTOM), 1)

    return across, down


def _frame(
    across: _Scale,
    down: _Scale,
    columns: Sequence[float],
    rows: Sequence[float],
    under: str,
    beside: str,
    write: Callable[[float], str],
) -> list[Markup]:
    """Hairlines, their numbers, and what the two axes are."""
    left, right = _LEFT, _WIDE - _RIGHT
    foot = _HIGH - _BOTTOM
    drawn = []
    for row in rows:
        y = down(row)
        drawn.append(tag("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        drawn.append(tag("text", write(row), x=left - 6, y=y + 4, text_anchor="end"))
    across_text = _share if under == "confidence" else _short
    drawn += [
        tag("text", across_text(column), x=across(column), y=foot + 16, text_anchor="middle")
        for column in columns
    ]
    middle = (left + right) / 2
    drawn.append(tag("text", under, x=middle, y=_HIGH - 6, text_anchor="middle", class_="axis"))
    turned = f"rotate(-90 10 {(_TOP + foot) / 2:g})"
    height = (_TOP + foot) / 2
    drawn.append(
        tag("text", beside, x=10, y=height, transform=turned, text_anchor="middle", class_="axis")
    )
    return drawn


def _line(points: Sequence[tuple[float, float]], across: _Scale, down: _Scale, name: str) -> Markup:
    path = " ".join(f"{across(x):g},{down(y):g}" for x, y in points)
    return tag("polyline", points=path, class_=f"line {name}")


def _points_line(bins: Sequence[Bin], across: _Scale, down: _Scale, name: str) -> Markup:
    return _line([(each.confidence, each.accuracy) for each in bins], across, down, name)


def _dots(bins: Sequence[Bin], across: _Scale, down: _Scale, name: str) -> list[Markup]:
    total = sum(each.images for each in bins)
    return [
        tag(
            "circle",
            tag(
                "title",
                f"{each.images:,} images of confidence {each.low:.0%} to {each.high:.0%}: "
                f"mean {each.confidence:.1%}, right {each.accuracy:.1%}",
            ),
            cx=across(each.confidence),
            cy=down(each.accuracy),
            r=round(2.5 + 7 * math.sqrt(each.images / total), 1),
            class_=f"dot {name}",
        )
        for each in bins
    ]


def _svg(drawn: Sequence[Markup], title: str) -> Markup:
    return tag(
        "svg",
        tag("title", title),
        drawn,
        class_="chart",
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        role="img",
    )


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _short(value: float) -> str:
    return f"{value:,.4g}"
