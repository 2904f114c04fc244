"""`pixshelf runs`: the trainings that the dataset remembers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import options
from cli.again import given_wait, program_of
from cli.ask import confirm
from cli.comparing import RUNS_EPILOG, compare_runs
from cli.output import Column, line, note, one_format, write_json, write_rows, write_table
from cli.records import epoch_json, run_detail_json, run_json
from cli.session import session
from cli.text import in_time, percent, plural, printable
from ml.run_state import RESUMABLE, run_state
from storage.errors import NotReady

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="List, show, resume, attach to, stop or remove trainings.",
)

FIELDS = (
    "id",
    "name",
    "status",
    "seed",
    "epochs",
    "total_epochs",
    "val_accuracy",
    "model",
    "started_at",
    "finished_at",
    "error",
)
COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("name", lambda row: row["name"]),
    Column("status", lambda row: row["status"]),
    Column("epochs", lambda row: f"{row['epochs']}/{row['total_epochs']}", right=True),
    Column("best val", lambda row: percent(row["val_accuracy"]), right=True),
    Column("model", lambda row: "-" if row["model"] is None else str(row["model"]), right=True),
    Column("started", lambda row: row["started_at"]),
)
EPOCH_COLUMNS = (
    Column("epoch", lambda row: str(row["epoch"]), right=True),
    Column("step", lambda row: f"{row['step']:,}", right=True),
    Column("time", lambda row: in_time(row["seconds"]), right=True),
    Column("train loss", lambda row: _loss(row["train_loss"]), right=True),
    Column("train accuracy", lambda row: percent(row["train_accuracy"]), right=True),
    Column("val loss", lambda row: _loss(row["val_loss"]), right=True),
    Column("val accuracy", lambda row: percent(row["val_accuracy"]), right=True),
)
RunId = Annotated[int, typer.Argument(metavar="ID", help="The run's id, from `runs ls`.")]


@app.command(
    "ls", epilog="\b\nExamples:\n  pixshelf runs ls\n  pixshelf runs ls --jsonl | jq .val_accuracy"
)
def list_runs(
    ctx: typer.Context,
    *,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List every training, the newest first.

    'best val' is the best validation accuracy of its epochs. The model is that of an epoch close to
    it, and `models ls` has its own.
    """
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    with session(ctx).open() as repo:
        rows = [run_json(run, run_state(repo, run)) for run in repo.runs.all()]
    write_rows(rows, form, fields=FIELDS, columns=COLUMNS)


@app.command("show", epilog="\b\nExamples:\n  pixshelf runs show 3\n  pixshelf runs show 3 --json")
def show_run(ctx: typer.Context, *, run: RunId, json: options.Json = False) -> None:
    """Show one training: its settings and its epochs."""
    from tui.plain.settings_lines import listed, settings_lines

    shared = session(ctx)
    with shared.open() as repo:
        record = repo.runs.get(run)
        state = run_state(repo, record)
    if json:
        write_json(run_detail_json(record, state))
        return
    facts: dict[str, Any] = run_json(record, state)
    line(f"run {record.id}, {printable(record.name)}: {state}")
    if record.error:
        line(f"error: {printable(record.error)}")
    line(f"started {facts['started_at']}, ended {facts['finished_at'] or 'not yet'}")
    line(f"model {'none' if record.model is None else record.model}, seed {record.seed}")
    line(f"{plural(len(record.labels), 'label')}: {printable(', '.join(record.labels))}")
    for text in settings_lines(record.settings):
        line(printable(text))
    line(printable(f"versions: {listed(record.versions)}"))
    if record.epochs:
        line()
        write_table([epoch_json(epoch) for epoch in record.epochs], EPOCH_COLUMNS)
    program = program_of(shared)
    if state == "running":
        note(f"watch it with: {program} runs attach {run}", quiet=shared.quiet)
    elif state in RESUMABLE:
        note(f"go on with: {program} runs resume {run}", quiet=shared.quiet)


@app.command(
    "resume",
    epilog="\b\nExamples:\n  pixshelf runs resume 3\n  pixshelf runs resume 3 --detach",
)
def resume_run(
    ctx: typer.Context, *, run: RunId, detach: options.Detach = False, json: options.Events = False
) -> None:
    """Go on with a training that stopped, died or failed.

    It takes up where its last checkpoint was made, and ends as if it had never stopped.
    """
    from cli.watching import go_alone, leave, resume_watched
    from ml.training import resume_training
    from tui.plain.training_lines import result_line

    shared = session(ctx)
    program, wait = program_of(shared), given_wait(ctx)
    with shared.open() as repo:
        record = repo.runs.get(run)
        url = repo.url
    if detach:
        training = resume_training(url, run, wait=wait)
        go_alone(training, json=json, quiet=shared.quiet, program=program)
        return
    outcome = resume_watched(url, record, json=json, quiet=shared.quiet, program=program, wait=wait)
    if outcome.done is not None and not json:
        line(result_line(outcome.done))
    leave(outcome, quiet=shared.quiet)


@app.command(
    "attach",
    epilog="\b\nExamples:\n  pixshelf train --detach\n  pixshelf runs attach 3",
)
def attach_run(ctx: typer.Context, *, run: RunId, json: options.Events = False) -> None:
    """Watch a training that goes on in another process.

    Ctrl-C ends the watching; the training goes on.
    """
    from cli.watching import attach_watched, leave
    from tui.plain.training_lines import result_line

    shared = session(ctx)
    program = program_of(shared)
    with shared.open() as repo:
        record = repo.runs.get(run)
        state = run_state(repo, record)
        url = repo.url
    if state == "done":
        if json:
            write_json({"run": run, "status": state, "model": record.model})
        else:
            line(f"run {run} is done: model {record.model}")
        return
    if state != "running":
        then = f"runs resume {run}" if state in RESUMABLE else f"runs show {run}"
        raise NotReady(f"run {run} does not run: it is {state}", hint=f"{program} {then}")
    outcome = attach_watched(url, record, json=json, quiet=shared.quiet, program=program)
    if outcome.done is not None and not json:
        line(result_line(outcome.done))
    leave(outcome, quiet=shared.quiet)


@app.command("stop", epilog="\b\nExamples:\n  pixshelf runs stop 3")
def stop_one_run(ctx: typer.Context, *, run: RunId, json: options.Json = False) -> None:
    """Stop a training after its batch. It keeps everything, as after Ctrl-C.

    Waits until its process has ended, which makes a model of what there is.
    """
    from ml.training import await_end, stop_run

    shared = session(ctx)
    with shared.open() as repo:
        repo.runs.get(run)
        url = repo.url
    stop_run(url, run)
    note(f"run {run} stops after its batch", quiet=shared.quiet)
    ended = await_end(url, run)
    if json:
        write_json({"run": run, "status": ended.status, "model": ended.model})
        return
    model = "no model yet" if ended.model is None else f"model {ended.model}"
    line(f"run {run} is {ended.status}, with {model}")
    if ended.status in RESUMABLE:
        note(f"go on with: {program_of(shared)} runs resume {run}", quiet=shared.quiet)


@app.command(
    "rm", epilog="\b\nExamples:\n  pixshelf runs rm 3 --dry-run\n  pixshelf runs rm 3 --yes"
)
def remove_run(
    ctx: typer.Context,
    *,
    run: RunId,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Remove a run with its epochs and checkpoints. Its model stays; this cannot be undone.

    Asks on a terminal, and needs --yes anywhere else.
    """
    with session(ctx).open() as repo:
        record = repo.runs.get(run)
        named = f"run {record.id}, {record.name}"
        if not dry_run:
            confirm(f"Remove {named}, with its epochs and checkpoints?", yes=yes)
            repo.runs.remove(run)
    if json:
        write_json({"run": run, "name": record.name, "removed": not dry_run})
        return
    line(f"{printable(named)} {'would be removed' if dry_run else 'removed'}")


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


app.command("compare", epilog=RUNS_EPILOG)(compare_runs)
