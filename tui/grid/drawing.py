"""How a grid is drawn: rows of pictures from a cache, captions beside them, colours by the theme.

A frame that would show places without pictures is held back for a moment, in which they mostly
come: what is seen then changes once, and the terminal is sent the page once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from rich.style import Style
from textual.filter import ANSIToTruecolor, DimFilter, Monochrome, NoColor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer

from tui.grid.caches import ByteCache
from tui.grid.captioning import Looks, Place, caption_strip
from tui.grid.captions import marker
from tui.grid.contents import Contents
from tui.grid.keys import GridKeys
from tui.grid.paint import DEFAULT, Marker, Paint, PaintedRow, Tone, depth_of

if TYPE_CHECKING:
    from textual.color import Color

    from tui.grid.strips import CellStrip

ROW_BYTES = 20 * 1024 * 1024
HELD_FOR = 0.05
"""So many seconds a frame waits for its pictures."""
_MOST_CAPTIONS = 120


class GridDrawing(GridKeys):
    """What draws the images of `ids` at their `places`, from what is in `contents`."""

    contents: Contents

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - every widget calls it so
        super().__init__(id=id, classes=classes)
        self._rows: ByteCache[tuple[bytes, tuple[Marker, ...]], PaintedRow] = ByteCache(ROW_BYTES)
        self._captions: dict[int, Strip] = {}
        self._now: tuple[Paint, Looks] | None = None
        self._last_paint: Paint | None = None
        self._held: Timer | None = None
        self._frame: tuple[Size, list[Strip]] = (Size(0, 0), [])

    # --- when to draw

    def draw_all(self) -> None:
        """Have everything drawn anew."""
        self._captions.clear()
        self.refresh()

    def draw_scrolled(self) -> None:
        """Have what was scrolled to drawn, as soon as its pictures are there or at the latest in
        a moment."""
        if self.complete():
            self.release()
        elif self._held is None:
            self._held = self.set_timer(HELD_FOR, self.release)

    def release(self) -> None:
        """Draw now what was held back, or what is new."""
        if self._held is not None:
            self._held.stop()
            self._held = None
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y
        self.refresh()

    def draw_arrived(self, pictures: Container[int], records: Container[int]) -> None:
        """Have those of the pictures and records that have come drawn that are in view."""
        seen = self.places.shown(self.scroll_offset.y, len(self.ids))
        ids = self.ids[seen.start : seen.stop]
        if any(image in records for image in ids):
            self.draw_words()
        if any(image in pictures for image in ids) and (self._held is None or self.complete()):
            self.release()

    def forget_rows(self) -> None:
        """Paint every row anew: the places are others."""
        self._rows.clear()
        self._captions.clear()

    def complete(self) -> bool:
        """Whether every picture in view is there."""
        seen = self.places.shown(self.scroll_offset.y, len(self.ids))
        return not self.contents.without_picture(self.ids[seen.start : seen.stop])

    def draw_words(self, *positions: int) -> None:
        """Have the words at these places drawn anew, or all that are seen."""
        places, top = self.places, self.scroll_offset.y
        if positions:
            rows: Iterable[int] = {places.row_of(position) for position in positions}
            for row in rows:
                self._captions.pop(row, None)
        else:
            self._captions.clear()
            rows = range(top // places.row_height, (top + places.height) // places.row_height + 1)
        if self._held is not None:
            return
        first = places.high if places.captioned else 0
        shown = [
            line - top
            for row in rows
            for line in range(row * places.row_height + first, (row + 1) * places.row_height)
            if 0 <= line - top < places.height
        ]
        if shown:
            self.refresh(*(Region(0, line, self.size.width, 1) for line in shown))

    def notify_style_update(self) -> None:
        """Colours may be others."""
        super().notify_style_update()
        self._now = None

    def on_focus(self) -> None:
        """Show that keys go here."""
        self._now = None
        self.draw_words()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._now = None
        self.draw_words()

    # --- drawing

    def render_line(self, y: int) -> Strip:
        """One line of the part that is seen."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the part that is seen; those of the last frame while one is held back."""
        size, strips = self._frame
        if self._held is None or size != self.size or len(strips) < crop.bottom:
            strips = self._lines(crop.y, crop.bottom)
            if crop.y == 0:
                self._frame = self.size, strips
        else:
            strips = strips[crop.y : crop.bottom]
        if (crop.x, crop.right) != (0, self.size.width) and crop.right < self.places.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def _lines(self, top: int, bottom: int) -> list[Strip]:
        """The lines from `top` up to `bottom` of the part that is seen, over its whole width."""
        paint, looks = self._colours()
        places = self.places
        blank = Strip.blank(places.width, looks["base"])
        strips: list[Strip] = []
        cells: set[int] = set()
        painted: tuple[int, tuple[CellStrip, ...]] = (-1, ())
        for y in range(top, bottom):
            row, line = divmod(self.scroll_offset.y + y, places.row_height)
            if y >= places.height or row >= places.rows(len(self.ids)):
                strips.append(blank)
            elif line >= places.high:
                strips.append(self._caption(row, looks))
            else:
                if painted[0] != row:
                    painted = (row, self._painted(row, paint, looks).strips)
                cells.add(len(strips))
                strips.append(painted[1][line])
        for each in self.app.get_line_filters():
            native = isinstance(each, ANSIToTruecolor | DimFilter | Monochrome | NoColor)
            strips = [
                strip
                if native and at in cells
                else strip.apply_filter(each, self.background_colors[1])
                for at, strip in enumerate(strips)
            ]
            if not native:
                cells.clear()  # they are true segments now
        return strips

    def _row_range(self, row: int) -> range:
        first = row * self.places.columns
        return range(first, min(len(self.ids), first + self.places.columns))

    def _painted(self, row: int, paint: Paint, looks: Looks) -> PaintedRow:
        span = self._row_range(row)
        ids = self.ids[span.start : span.stop]
        markers = () if self.places.captioned else self._markers(span, looks)
        key = (ids.tobytes(), markers)
        found = self._rows.get(key)
        if found is None:
            from tui.grid.painting import paint_row  # and with it numpy

            pictures = [self.contents.picture(image) for image in ids]
            found = paint_row(self.places, pictures, markers, paint)
            if found.whole:
                self._rows.put(key, found, found.cost)
        return found

    def _caption(self, row: int, looks: Looks) -> Strip:
        found = self._captions.get(row)
        if found is None:
            places = [
                Place(
                    self.contents.record(self.ids[position]),
                    position == self.cursor,
                    position in self.selection,
                )
                for position in self._row_range(row)
            ]
            found = caption_strip(self.places, places, looks)
            if len(self._captions) >= _MOST_CAPTIONS:
                self._captions.clear()
            self._captions[row] = found
        return found

    def _markers(self, span: range, looks: Looks) -> tuple[Marker, ...]:
        """The letters beside small thumbnails: how an image stands, then what it is."""
        markers = []
        for position in span:
            letter, role = marker(self.contents.record(self.ids[position]))
            cursor, chosen = position == self.cursor, position in self.selection
            mark = "✓" if chosen else "▸" if cursor else ""
            style = looks["cursor" if cursor else "selected" if chosen else role]
            letters = mark + letter if self.places.high > 1 or not mark else mark
            letters = letters.ljust(self.places.high)
            markers.append(Marker(letters, _code(style)))
        return tuple(markers)

    def _colours(self) -> tuple[Paint, Looks]:
        """How pictures are painted and words look now."""
        if self._now is None:
            self._now = self._paint(), self._looks()
            self._captions.clear()
            if self._now[0] != self._last_paint:
                self._last_paint = self._now[0]
                self._rows.clear()
        return self._now

    def _paint(self) -> Paint:
        tone: Tone = "colour"
        for each in self.app.get_line_filters():
            if isinstance(each, NoColor):
                tone = "letters"
            elif isinstance(each, Monochrome):
                tone = "grey"
        return Paint(
            _ground(self.background_colors[1]),
            _ground(self.get_component_styles("grid--waiting").background),
            _ground(self.get_component_styles("grid--broken").background),
            tone,
            depth_of(self.app.console),
        )

    def _looks(self) -> Looks:
        style = self.get_component_rich_style
        return {
            "base": self.rich_style,
            "cursor": style("grid--cursor" if self.has_focus else "grid--away"),
            "selected": style("grid--selected"),
            "label": style("grid--label"),
            "muted": style("grid--muted"),
            "wrong": style("grid--wrong"),
            "tag": style("grid--tag"),
        }


def _ground(color: Color) -> int:
    """A background as a colour of tui.grid.cells."""
    if color.ansi is not None:
        return DEFAULT
    return color.r << 16 | color.g << 8 | color.b


def _code(style: Style) -> int:
    """The foreground of a style as a colour of tui.grid.cells."""
    if style.color is None or style.color.triplet is None:
        return DEFAULT
    red, green, blue = style.color.triplet
    return red << 16 | green << 8 | blue
