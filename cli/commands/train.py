"""`pixshelf train`: train a model, in a process of its own, and watch it."""

from __future__ import annotations

from dataclasses import fields

import typer

from cli import options, train_options
from cli.again import given_wait, program_of
from cli.output import line, note, write_json
from cli.session import session
from cli.text import printable
from cli.watching import go_alone, leave, train_watched
from ml.plan import TrainPlan, plan_training
from ml.settings import TrainSettings
from ml.training import start_training
from tui.plain.plan_lines import plan_lines
from tui.plain.training_lines import result_line

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf train
  pixshelf train --preset thorough --seed 7 --name cats
  pixshelf train --minutes 10
  pixshelf train --from digits --epochs 3 --dry-run
  pixshelf train --on "tag:checked" --epochs 5 --json | tail -n 1

The weights of the last epoch that says `kept` become the model: the latest whose validation
accuracy is within its own uncertainty of the best.

Ctrl-C stops after the batch and keeps everything; `pixshelf runs resume` goes on. A second one
ends it at once. A closed terminal ends nothing: `pixshelf runs attach` watches on.
"""


@app.command(epilog=EPILOG)
def train(
    ctx: typer.Context,
    *,
    preset: train_options.Preset = "standard",
    epochs: train_options.Epochs = None,
    steps: train_options.Steps = None,
    minutes: train_options.Minutes = None,
    batch: train_options.Batch = None,
    size: train_options.Size = None,
    resize: train_options.Resize = None,
    augment: train_options.Augment = "auto",
    class_weights: train_options.ClassWeights = False,
    start_from: train_options.StartFrom = None,
    ensemble: train_options.Ensemble = None,
    query: train_options.On = None,
    seed: train_options.Seed = 0,
    name: train_options.Name = None,
    threads: options.Threads = None,
    detach: options.Detach = False,
    dry_run: options.DryRun = False,
    json: options.Events = False,
) -> None:
    """Train a model on the labelled images.

    Shows the plan and then the progress on stderr; prints the model that came out.
    """
    state = session(ctx)
    given = {field.name: ctx.params[field.name] for field in fields(TrainSettings)}
    settings = TrainSettings.from_json(given | {"threads": state.threads(threads)})
    with state.open() as repo:
        plan = plan_training(repo, settings)
        url = repo.url
    if dry_run:
        print_plan(plan, json=json)
        return
    for text in plan_lines(plan):
        note(text, quiet=state.quiet or json)
    program, wait = program_of(state), given_wait(ctx)
    if detach:
        training = start_training(url, settings, wait=wait)
        go_alone(training, json=json, quiet=state.quiet, program=program)
        return
    outcome = train_watched(url, settings, json=json, quiet=state.quiet, program=program, wait=wait)
    if outcome.done is not None and not json:
        line(result_line(outcome.done))
    leave(outcome, quiet=state.quiet)


def print_plan(plan: TrainPlan, *, json: bool) -> None:
    """What would be trained, on stdout."""
    if json:
        write_json(plan.to_json())
        return
    for text in plan_lines(plan):
        line(printable(text))
