"""`pixshelf train`: train a model, in a process of its own, and watch it."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from cli import options
from cli.again import given_wait, program_of
from cli.output import line, note
from cli.plan_lines import plan_lines
from cli.session import session
from cli.text import in_time, percent, plural, printable
from cli.watching import go_alone, leave, train_watched
from ml.events import Done
from ml.plan import plan_training
from ml.settings import Augment, Preset, Resize, TrainSettings
from ml.training import start_training

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf train
  pixshelf train --preset thorough --seed 7 --name cats
  pixshelf train --on "tag:checked" --epochs 5 --json | tail -n 1

Ctrl-C stops after the batch and keeps everything; `pixshelf runs resume` goes on. A second one
ends it at once. A closed terminal ends nothing: `pixshelf runs attach` watches on.
"""


@app.command(epilog=EPILOG)
def train(
    ctx: typer.Context,
    *,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="quick, standard or thorough.")
    ] = "standard",
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", help="Passes over the images.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", metavar="N", help="Images a step.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="N", help="Bring images to NxN pixels.")
    ] = None,
    resize: Annotated[
        str, typer.Option("--resize", metavar="HOW", help="letterbox, stretch or crop.")
    ] = "letterbox",
    augment: Annotated[
        str, typer.Option("--augment", metavar="HOW", help="auto, none, light or strong.")
    ] = "auto",
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The same seed gives the same model.")
    ] = 0,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="A name for the run and the model.")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="QUERY", help="Only images that match; never the test split."),
    ] = None,
    threads: options.Threads = None,
    detach: options.Detach = False,
    dry_run: options.DryRun = False,
    json: options.Events = False,
) -> None:
    """Train a model on the labelled images.

    Shows the plan and then the progress on stderr; prints the model that came out.
    """
    state = session(ctx)
    # TrainSettings refuses whatever is not one of its choices.
    settings = TrainSettings(
        preset=cast(Preset, preset),
        epochs=epochs,
        batch=batch,
        seed=seed,
        size=size,
        resize=cast(Resize, resize),
        augment=cast(Augment, augment),
        query=on,
        name=name,
        threads=state.threads(threads),
    )
    with state.open() as repo:
        plan = plan_training(repo, settings)
        url = repo.url
    if dry_run or not json:
        for text in plan_lines(plan):
            if dry_run and not json:
                line(printable(text))
            else:
                note(text, quiet=state.quiet)
    if dry_run:
        return
    program, wait = program_of(state), given_wait(ctx)
    if detach:
        training = start_training(url, settings, wait=wait)
        go_alone(training, json=json, quiet=state.quiet, program=program)
        return
    outcome = train_watched(url, settings, json=json, quiet=state.quiet, program=program, wait=wait)
    if outcome.done is not None and not json:
        line(result_line(outcome.done))
    leave(outcome, quiet=state.quiet)


def result_line(done: Done) -> str:
    """What came out of a training, in a line."""
    if done.model is None:
        return f"run {done.run}: stopped before an epoch was finished; there is no model"
    how = "stopped after" if done.stopped else "trained for"
    return (
        f"model {done.model} (run {done.run}): {how} {plural(done.epochs, 'epoch')}, "
        f"val accuracy {percent(done.val_accuracy)}, {in_time(done.seconds)}"
    )
