"""Which model classifies, and from where on its answers are called sure: a line, and the dialogs
that change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from tui.evaluation.evaluations import model_names, model_words
from tui.frame.section import pixshelf
from tui.models.actions import NO_MODEL, ask_model
from tui.plain.text import percent, shorten

if TYPE_CHECKING:
    from storage.records import ModelRecord


class ModelLine(Static):
    """One line."""

    DEFAULT_CSS = "ModelLine { height: 1; padding: 0 1; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(id="with")
        self.models: Sequence[ModelRecord] = ()
        self._model_id: int | None = None

    @property
    def chosen(self) -> str | None:
        """What names the chosen model and no other; None for the newest model."""
        return None if self._model_id is None else model_words(self.models)[self._model_id]

    def take(self, models: Sequence[ModelRecord]) -> None:
        """These are the models, newest first."""
        self.models = models
        if self._model_id not in {model.id for model in models}:
            self._model_id = None

    def tell(self, below: float, order: str) -> None:
        """Say which model, which threshold, and which order."""
        model = next((each for each in self.models if self._model_id in (None, each.id)), None)
        if model is None:
            self.update(Content.styled(NO_MODEL, "$warning"))
            return
        accuracy = "" if model.val_accuracy is None else f" ({percent(model.val_accuracy)} val)"
        self.update(
            Content.assemble(
                ("model ", "$text-muted"),
                (shorten(_shown(self.models, model), 30), "bold"),
                (f"{accuracy} · unsure below {100 * below:g} % · {order}", "$text-muted"),
            )
        )

    async def choose(self) -> bool:
        """Ask for the model; whether it is another one."""
        model = await ask_model(pixshelf(self), self.models)
        if model is None or model.id == self._model_id:
            return False
        self._model_id = model.id
        return True

    async def ask_threshold(self, below: float) -> float:
        """Ask for the confidence below which answers are unsure; the same where that is left."""
        from tui.frame.dialogs import Prompt

        text = await self.app.push_screen_wait(
            Prompt(
                "Unsure below this confidence, in percent",
                value=f"{100 * below:g}",
                check=lambda text: "" if share_of(text) is not None else "a number from 0 to 100",
            )
        )
        share = None if text is None else share_of(text)
        return below if share is None else share


def _shown(models: Sequence[ModelRecord], wanted: ModelRecord) -> str:
    """The model as a list of them shows it."""
    return next(name for name, model in model_names(models).items() if model.id == wanted.id)


def share_of(text: str) -> float | None:
    """A percentage as a share of 1; None for what is none."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None
