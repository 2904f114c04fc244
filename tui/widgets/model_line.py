"""Which model classifies, and from where on its answers are called sure: a line, and the dialogs
that change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from tui.text import percent, printable, shorten

if TYPE_CHECKING:
    from storage.records import ModelRecord

NO_MODEL = "There is no model yet. F4 trains one."


class ModelLine(Static):
    """One line. `chosen` is a model's name, None for the newest model."""

    DEFAULT_CSS = "ModelLine { height: 1; padding: 0 1; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(id="with")
        self.models: Sequence[ModelRecord] = ()
        self.chosen: str | None = None

    def take(self, models: Sequence[ModelRecord]) -> None:
        """These are the models, newest first."""
        self.models = models
        if self.chosen not in {model.name for model in models}:
            self.chosen = None

    def tell(self, below: float, order: str) -> None:
        """Say which model, which threshold, and which order."""
        model = next((each for each in self.models if self.chosen in (None, each.name)), None)
        if model is None:
            self.update(Content.styled(NO_MODEL, "$warning"))
            return
        accuracy = "" if model.val_accuracy is None else f" ({percent(model.val_accuracy)} val)"
        self.update(
            Content.assemble(
                ("model ", "$text-muted"),
                (shorten(printable(model.name), 30), "bold"),
                (f"{accuracy} · unsure below {100 * below:g} % · {order}", "$text-muted"),
            )
        )

    async def choose(self) -> bool:
        """Ask for the model; whether it is another one."""
        from tui.dialogs import Choice

        if not self.models:
            self.notify(NO_MODEL)
            return False
        names = [model.name for model in self.models]
        name = await self.app.push_screen_wait(Choice("Model", names))
        if name is None or name == self.chosen:
            return False
        self.chosen = name
        return True

    async def ask_threshold(self, below: float) -> float:
        """Ask for the confidence below which answers are unsure; the same where that is left."""
        from tui.dialogs import Prompt

        text = await self.app.push_screen_wait(
            Prompt(
                "Unsure below this confidence, in percent",
                value=f"{100 * below:g}",
                check=lambda text: "" if share_of(text) is not None else "a number from 0 to 100",
            )
        )
        share = None if text is None else share_of(text)
        return below if share is None else share


def share_of(text: str) -> float | None:
    """A percentage as a share of 1; None for what is none."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None
