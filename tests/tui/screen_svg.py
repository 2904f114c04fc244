"""The screen of a running app as a small SVG, the same on every machine.

Textual's own export writes an element for every cell of a picture. Here cells of one colour are one
shape, and blocks are drawn as shapes, so that a picture has no seams whatever font shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import ColorType
from rich.style import Style
from textual._compositor import visible_screen_stack
from textual.app import App
from textual.color import Color

CELL = 10
"""Units of the drawing that a cell is wide; it is twice as high."""

_FONT = "'DejaVu Sans Mono',Menlo,Consolas,monospace"
_TITLE = 40
_BLOCKS = {
    "█": (0, 0, 8, 8),
    "▀": (0, 0, 8, 4),
    "▔": (0, 0, 8, 1),
    "▐": (4, 0, 4, 8),
    "▕": (7, 0, 1, 8),
    **{letter: (0, 7 - at, 8, at + 1) for at, letter in enumerate("▁▂▃▄▅▆▇")},
    **{letter: (0, 0, at + 1, 8) for at, letter in enumerate("▏▎▍▌▋▊▉")},
}
"""Letters that are a rectangle of the cell: left, top, width and height in eighths of it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one look that stand beside each other, from the cell (x, y) on."""

    x: int
    y: int
    text: str
    front: str
    back: str
    looks: tuple[str, ...]


def screen_svg(app: App[None], *, title: str = "") -> str:
    """What the app shows now, dialogs above what is behind them. With a `title` it stands in a
    window's frame."""
    visible_screen_stack.set(app._background_screens)
    strips = app.screen._compositor.render_strips()
    theme = app.theme_variables
    ground = Color.parse(theme["background"]), Color.parse(theme["foreground"])
    runs = [
        run
        for y, strip in enumerate(strips)
        for run in _runs(y, [(each.text, each.style) for each in strip], *ground)
    ]
    return _drawing(runs, app.size.width, app.size.height, ground[0].hex, title)


def _runs(
    y: int, segments: list[tuple[str, Style | None]], back: Color, front: Color
) -> Iterator[Run]:
    """A line as runs, neighbours of one look joined."""
    x, begun = 0, Run(0, y, "", "", "", ())
    for text, style in segments:
        look = _look(style or Style(), back, front)
        if (begun.front, begun.back, begun.looks) != look:
            if begun.text:
                yield begun
            begun = Run(x, y, "", *look)
        begun = Run(begun.x, y, begun.text + text, *look)
        x += cell_len(text)
    if begun.text:
        yield begun


def _look(style: Style, back: Color, front: Color) -> tuple[str, str, tuple[str, ...]]:
    """The colours of the letters and behind them, and the names of what else is special."""
    over = _colour(style, front, which="color")
    under = _colour(style, back, which="bgcolor")
    if style.reverse:
        over, under = under, over
    if style.dim:
        over = under.blend(over, 0.5)
    looks = {"b": style.bold, "i": style.italic, "u": style.underline, "s": style.strike}
    return _short(over), _short(under), tuple(name for name, on in looks.items() if on)


def _colour(style: Style, default: Color, *, which: str) -> Color:
    found = style.color if which == "color" else style.bgcolor
    if found is None or found.type is ColorType.DEFAULT:
        return default
    return Color(*found.get_truecolor())


def _short(color: Color) -> str:
    text = color.hex6.lower()
    return "#" + text[1::2] if text[1::2] == text[2::2] else text


def _drawing(runs: list[Run], width: int, height: int, ground: str, title: str) -> str:
    across, down = width * CELL, height * 2 * CELL
    top = _TITLE if title else 0
    edge = CELL if title else 0
    size = f"0 0 {across + 2 * edge} {down + top + edge}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="{_FONT}" '
        'font-size="16.6">',
        "<style>text{white-space:pre}.b{font-weight:bold}.i{font-style:italic}"
        ".u{text-decoration:underline}.s{text-decoration:line-through}</style>",
        f'<rect width="100%" height="100%" rx="{edge}" fill="{ground}"/>',
        *(_frame(title, across + 2 * edge) if title else ()),
        f'<g transform="translate({edge} {top})">' if title else "<g>",
        f'<g transform="scale({CELL})" shape-rendering="crispEdges">',
        *_shapes(runs, ground.lower()),
        "</g>",
        *(line for run in runs for line in _words(run)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _frame(title: str, across: int) -> Iterator[str]:
    for at, colour in enumerate(("#e8684a", "#f2b134", "#5ab4ac")):
        yield f'<circle cx="{22 + 20 * at}" cy="20" r="6" fill="{colour}"/>'
    middle = f'x="{across / 2:g}" y="26" text-anchor="middle"'
    yield f'<text {middle} fill="#8a919c">{escape(title)}</text>'


def _shapes(runs: list[Run], ground: str) -> Iterator[str]:
    """What is no letter, a path for each colour: first what is behind letters, then blocks."""
    behind: defaultdict[str, list[str]] = defaultdict(list)
    blocks: defaultdict[str, list[str]] = defaultdict(list)
    for run in runs:
        if run.back != ground:
            behind[run.back].append(_box(run.x, 2 * run.y, cell_len(run.text), 2))
        x = run.x
        for letter, count in _repeated(run.text):
            if letter in _BLOCKS:
                left, upper, wide, high = _BLOCKS[letter]
                boxes = [(0, count)] if wide == 8 else [(at, 1) for at in range(count)]
                for at, many in boxes:
                    box = (x + at + left / 8, 2 * run.y + upper / 4, many * wide / 8, high / 4)
                    blocks[run.front].append(_box(*box))
            x += count * cell_len(letter)
    for paths in (behind, blocks):
        for colour, parts in sorted(paths.items()):
            yield f'<path fill="{colour}" d="{"".join(parts)}"/>'


def _box(x: float, y: float, wide: float, high: float) -> str:
    return f"M{x:g} {y:g}h{wide:g}v{high:g}h-{wide:g}z"


def _repeated(text: str) -> Iterator[tuple[str, int]]:
    begun, count = "", 0
    for letter in text:
        if letter == begun:
            count += 1
            continue
        if count:
            yield begun, count
        begun, count = letter, 1
    if count:
        yield begun, count


def _words(run: Run) -> Iterator[str]:
    """The letters, in pieces without two spaces together, each as wide as its cells: so that
    columns stand below each other in any font."""
    x, word, begun = run.x, "", run.x
    for letter in run.text + "  ":
        is_gap = letter == " " and (not word or word.endswith(" "))
        if is_gap or letter in _BLOCKS:
            if word.strip():
                yield _text(run, begun, word.rstrip(" "))
            word = ""
        else:
            begun = begun if word else x
            word += letter
        x += cell_len(letter)


def _text(run: Run, x: int, text: str) -> str:
    looks = f' class="{" ".join(run.looks)}"' if run.looks else ""
    wide = f' textLength="{cell_len(text) * CELL}"' if len(text) > 1 else ""
    return (
        f'<text x="{x * CELL}" y="{run.y * 2 * CELL + 15}"{wide} fill="{run.front}"{looks}>'
        f"{escape(text)}</text>"
    )
