"""The five views of an evaluation, one at a time, and the line that says what is under the cursor.

Where there is no evaluation to show, words stand in their place.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.theme import Theme
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from storage.errors import PixshelfError
from tui.evaluation.evaluations import Shown, cell_images
from tui.evaluation.label_table import LabelTable, totals
from tui.evaluation.matrix_widget import ConfusionMatrix
from tui.evaluation.text import pairs_text, reliability_text, summary_text
from tui.evaluation.view_bar import ViewBar
from tui.evaluation.view_grid import ViewGrid
from tui.frame.background import begin
from tui.frame.section import pixshelf
from tui.grid.widget import ImageGrid
from tui.plain.text import percent, printable
from tui.widgets.rows import RowList

VIEWS = ("Matrix", "Labels", "Mistakes", "Reliability", "Summary")
_WIDE = 120
"""So many cells wide, the most confused pairs and a cell's images stand beside the matrix."""

_REST = 0.1
"""After so many seconds on a cell its images are looked for."""


class EvaluationViews(Container):
    """Shows an evaluation, `shown`, in the view `at`, or a notice where `shown` is None."""

    DEFAULT_CSS = """
    EvaluationViews {
        height: 1fr;
        #views { height: 1fr; }
        #views > * { height: 1fr; }
        #matrix-view { layout: horizontal; }
        #beside { display: none; width: 1fr; min-width: 36; height: 1fr; }
        &.-wide #beside { display: block; }
        &.-wide ConfusionMatrix { width: 2fr; }
        #pairs { height: 2fr; padding: 0 1; color: $text-muted; }
        #cell { height: 3fr; }
        #meaning { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #notice { padding: 1 2; }
        VerticalScroll { padding: 0 1; }
        VerticalScroll Static { height: auto; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: Shown | None = None
        self.at = 0
        self._looking: Timer | None = None

    def compose(self) -> ComposeResult:
        yield ViewBar(VIEWS)
        with Container(id="views"):
            with Container(id="matrix-view"):
                yield ConfusionMatrix()
                with Vertical(id="beside"):
                    yield Static(id="pairs")
                    yield ViewGrid(id="cell")
            yield LabelTable()
            yield ViewGrid(id="mistakes")
            with VerticalScroll(id="reliability"):
                yield Static()
            with VerticalScroll(id="summary"):
                yield Static()
            yield Static(id="notice")
        yield Static(id="meaning")

    def on_mount(self) -> None:
        self._arrange()
        self.app.theme_changed_signal.subscribe(self, self._other_theme)

    def _other_theme(self, theme: Theme) -> None:
        """Draw what took its colours from the theme anew."""
        self.query_one(LabelTable).recolour()
        self._draw_texts()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= _WIDE, "-wide")
        self._draw_texts()

    @property
    def cell(self) -> tuple[str, str]:
        """The true and the predicted label of the cell under the cursor. Only where there is an
        evaluation."""
        matrix = self.query_one(ConfusionMatrix)
        labels = matrix.matrix.labels if matrix.matrix is not None else ()
        return labels[matrix.cursor[0]], labels[matrix.cursor[1]]

    def notice(self, text: str, hint: str = "") -> None:
        """Show words in the place of the views."""
        self.shown = None
        lines = [Content(text)]
        if hint:
            lines += [Content(""), Content.styled(hint, "$text-muted")]
        self.query_one("#notice", Static).update(Content("\n").join(lines))
        self._arrange()

    def show(self, shown: Shown) -> None:
        """Show an evaluation; the cursors stay where they are, as far as can be."""
        self.shown = shown
        self.query_one(ConfusionMatrix).show(shown.matrix)
        self.query_one(LabelTable).show(shown)
        grid = self._mistakes
        for each in self.query(ImageGrid):
            each.model = str(shown.evaluation.model_id)
        grid.show([mistake.image for mistake in shown.mistakes], at=grid.cursor)
        self._draw_texts()
        self._arrange()

    def is_open(self, name: str) -> bool:
        """Whether the view of that name, one of VIEWS, is open."""
        return self.shown is not None and VIEWS[self.at] == name

    def open_view(self, at: int) -> None:
        """Open a view; past the last comes the first."""
        self.at = at % len(VIEWS)
        self._arrange()

    def _arrange(self) -> None:
        """Show the view that is open, and give it the keys."""
        views = self._views()
        for at, view in enumerate(views):
            view.display = self.shown is not None and at == self.at
        self.query_one("#notice").display = self.shown is None
        self.query_one(ViewBar).at = self.at
        self.screen.set_focus(None if self.shown is None else self._keyed(views[self.at]))
        self._tell_meaning()

    def _views(self) -> list[Widget]:
        return [
            self.query_one(selector)
            for selector in ("#matrix-view", "#labels", "#mistakes", "#reliability", "#summary")
        ]

    def _keyed(self, view: Widget) -> Widget:
        """What takes the keys in a view."""
        for kind in (ConfusionMatrix, RowList):
            if found := list(view.query(kind)):
                return found[0]
        return view

    def _draw_texts(self) -> None:
        if self.shown is not None:
            evaluation = self.shown.evaluation
            reliability = self.query_one("#reliability Static", Static)
            colours = self.app.theme_variables
            reliability.update(
                reliability_text(
                    evaluation,
                    self.size.width,
                    ink=colours["primary"],
                    paper=colours["background"],
                )
            )
            self.query_one("#summary Static", Static).update(summary_text(evaluation))
            self._draw_beside()

    @property
    def _mistakes(self) -> ImageGrid:
        return self.query_one("#mistakes", ImageGrid)

    def _draw_beside(self) -> None:
        """What stands beside the matrix: the pairs, and in a moment the images of the cell."""
        if self.shown is None or not self.has_class("-wide"):
            return
        pairs, cell = self.query_one("#pairs", Static), self.query_one(ConfusionMatrix).cursor
        pairs.update(pairs_text(self.shown.matrix, cell, max(8, pairs.size.height)))
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(_REST, self._look)

    def _look(self) -> None:
        begin(self, self._show_cell(), group="cell", exclusive=True)

    async def _show_cell(self) -> None:
        """Show the images of the cell under the cursor."""
        shown, cell = self.shown, self.query_one(ConfusionMatrix).cursor
        if shown is None:
            return
        images: list[int] = []
        if shown.matrix.counts[cell[0]][cell[1]]:
            try:
                images = await pixshelf(self).dataset.read(
                    lambda repo: cell_images(repo, shown, *cell)
                )
            except (PixshelfError, OSError) as error:
                pixshelf(self).show_error(error)
                return
        # None where the screen was taken away while they were read.
        for grid in self.query("#cell").results(ImageGrid):
            grid.show(images)

    def _tell_meaning(self) -> None:
        self.query_one("#meaning", Static).update(Content(self._meaning()))

    def _meaning(self) -> str:
        """What is under the cursor, in words."""
        shown = self.shown
        if shown is None:
            return ""
        if self.is_open("Matrix"):
            return shown.matrix.sentence(*self.query_one(ConfusionMatrix).cursor)
        if self.is_open("Labels"):
            return totals(shown) + "; enter opens a label's mistakes, o orders, O reverses"
        if self.is_open("Mistakes"):
            if not shown.mistakes:
                return "no mistakes: every answer is right"
            at = min(self._mistakes.cursor, len(shown.mistakes) - 1)
            found = shown.mistakes[at]
            return (
                f"image {found.image}: {percent(found.confidence, 1)} sure of "
                f"{printable(found.predicted)}, the label is {printable(found.truth)}"
            )
        return ""

    def on_view_bar_chosen(self, message: ViewBar.Chosen) -> None:
        self.open_view(message.at)

    def on_confusion_matrix_moved(self) -> None:
        self._draw_beside()
        self._tell_meaning()

    def on_image_grid_cursor_moved(self) -> None:
        self._tell_meaning()
