"""The list of a model's answers for files: its order, its marks, and how large its pictures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from storage.records import UNCERTAIN_BELOW
from tui.classifying.answers import HEIGHTS, Answers, Order, Seen, row_lines
from tui.widgets.rows import RowList


class AnswerList(RowList):
    """Answers, one a row. Those with a confidence less than `below` are called unsure."""

    def __init__(self) -> None:
        super().__init__(self._draw_answer, height=HEIGHTS[1], id="answers")
        self._tall = HEIGHTS[1]
        self._answers = Answers()
        self._below = UNCERTAIN_BELOW

    def _draw_answer(self, at: int, width: int) -> list[Content]:
        seen = self._answers.at(at)
        return row_lines(
            seen,
            width,
            self._tall,
            below=self._below,
            marked=seen.source in self._answers.marked,
            image=self._answers.images.get(seen.source),
        )

    @property
    def below(self) -> float:
        """The confidence below which an answer is called unsure, as a share of 1."""
        return self._below

    @below.setter
    def below(self, share: float) -> None:
        self._below = share
        self.redraw()

    @property
    def order(self) -> Order:
        """The order in which the answers are shown."""
        return self._answers.order

    @property
    def unsure(self) -> int:
        """How many answers are unsure."""
        return self._answers.unsure(self._below)

    @property
    def marked(self) -> int:
        """How many files are marked."""
        return len(self._answers.marked)

    @property
    def images(self) -> Mapping[str, int]:
        """The files that are images of the dataset now, with their ids."""
        return self._answers.images

    def at(self, place: int) -> Seen:
        """The answer in a row."""
        return self._answers.at(place)

    def under_cursor(self) -> Seen | None:
        """The answer in the current row."""
        at = self.current()
        return None if at is None else self._answers.at(at)

    def chosen(self) -> list[Seen]:
        """The marked ones, or all where none is."""
        return self._answers.chosen()

    def clear(self) -> None:
        """Let go of all answers; the order stays."""
        order = self._answers.order
        self._answers = Answers()
        self._answers.order = order
        self.show(0, at=0)

    def add(self, more: Sequence[Seen]) -> None:
        """Take more answers in."""
        had = len(self._answers)
        self._answers.add(more)
        if self._answers.order == "given" and had:
            self.grow(len(self._answers))
        else:
            self.show(len(self._answers))

    def now_images(self, images: Mapping[str, int]) -> None:
        """These files are images of the dataset now; no file is marked any more."""
        self._answers.images.update(images)
        self.unmark()

    def turn(self) -> None:
        """Go on to the next order."""
        self._answers.turn()
        self.show(len(self._answers), at=0)

    def zoom(self, by: int) -> None:
        """Make the pictures larger or smaller by so many steps."""
        at = HEIGHTS.index(self._tall) + by
        self._tall = HEIGHTS[max(0, min(len(HEIGHTS) - 1, at))]
        self.show(len(self._answers), height=self._tall)

    def mark(self) -> None:
        """Mark the file in the current row, or unmark it, and go on."""
        seen = self.under_cursor()
        if seen is not None:
            self._answers.marked ^= {seen.source}
            self.redraw()
            self.action_move(1)

    def unmark(self) -> None:
        """Unmark every file."""
        self._answers.marked.clear()
        self.redraw()
