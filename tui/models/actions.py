"""What several screens do with a model: choose it, measure it, compare it, open what it is wrong
about. A model is given by the word that names it and no other
(tui.evaluation.evaluations.model_words).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.query import parse, quote
from tui.evaluation.evaluations import model_names
from tui.plain.text import printable

if TYPE_CHECKING:
    from storage.records import ModelRecord, RunRecord
    from tui.app import PixshelfApp


NO_MODEL = "There is no model yet. F4 trains one."


async def ask_model(
    app: PixshelfApp,
    models: Sequence[ModelRecord],
    title: str = "Model",
    *,
    without: ModelRecord | None = None,
) -> ModelRecord | None:
    """Ask for one of the models, which are all there are, `without` one. None where that is left,
    and where there is none to choose from, which is told."""
    from tui.frame.dialogs import Choice

    names = {name: model for name, model in model_names(models).items() if model != without}
    if not names:
        app.notify("there is no second model" if models else NO_MODEL, severity="warning")
        return None
    answer = await app.push_screen_wait(Choice(title, list(names)))
    return None if answer is None else names[answer]


def mistakes_query(model: str) -> str:
    """The images that a model is wrong about, the surest of its answers first."""
    return " ".join(_mistakes(model))


def _mistakes(model: str) -> tuple[str, ...]:
    return ("is:wrong", f"model:{quote(model)}", "sort:-confidence")


async def open_mistakes(app: PixshelfApp, model: str) -> None:
    """Open what a model is wrong about in the library; where it has not answered yet, say how it
    comes to. Raises PixshelfError."""
    answered = parse(f"is:predicted model:{quote(model)}")
    if await app.dataset.survey(lambda repo: repo.images.count(answered)):
        app.open_library(mistakes_query(model))
        return
    app.notify(f"model {model} has not answered for any image yet: evaluate it first (v)")


def evaluate(app: PixshelfApp, model: str) -> None:
    """Open the evaluation of a model."""
    from tui.screens.evaluate import EvaluateScreen

    app.go("evaluate")
    screen = app.screen
    if isinstance(screen, EvaluateScreen):
        screen.choose_model(model)


def compare(app: PixshelfApp, model_a: str, model_b: str) -> None:
    """Compare two models on the same images, on a screen of its own."""
    from tui.screens.compare import CompareScreen

    app.push_screen(CompareScreen(model_a, model_b))


def model_commands(app: PixshelfApp, model: str, best: str | None = None) -> list[tuple[str, str]]:
    """(what, command line) of what can be done with a model, and with another one."""
    found = [
        ("measure the model", app.command_line("eval", "--model", model)),
        ("list its mistakes", app.command_line("ls", *_mistakes(model))),
    ]
    if best is not None:
        line = app.command_line("models", "compare", model, best)
        found.append((f"compare it with {printable(best)}", line))
    return found


def run_commands(
    app: PixshelfApp, running: Sequence[RunRecord], resumable: Sequence[RunRecord]
) -> list[tuple[str, str]]:
    """(what, command line) for runs that go on, and for those that can be gone on with."""
    found = []
    for record in running:
        name, run = printable(record.name), str(record.id)
        found.append((f"watch {name}", app.command_line("runs", "attach", run)))
        found.append((f"stop {name}", app.command_line("runs", "stop", run)))
    for record in resumable:
        words = app.command_line("runs", "resume", str(record.id))
        found.append((f"go on with {printable(record.name)}", words))
    return found
