"""`pixshelf predict`: what a model sees in files, in standard input, or in stored images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.output import Column, Format, line, note, one_format, write_rows
from cli.progress import progress
from cli.selection import query_of
from cli.session import session
from cli.text import plural
from storage.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from cli.explaining import Explainer
    from cli.predicting import Work

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf predict cat.jpg photos/
  cat cat.jpg | pixshelf predict - --json
  pixshelf predict --query is:unlabelled --save --top 1
  pixshelf predict photos/ --abstain 0.9 --csv
  pixshelf predict cat.jpg --explain
  pixshelf predict --query is:wrong --explain-to maps/

A file that is no picture is named on stderr; the others are predicted and the exit code is 4.
"""

Row = dict[str, Any]


@app.command(epilog=EPILOG)
def predict(
    ctx: typer.Context,
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Picture files, folders, or - for stdin."),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="Stored images that match.")
    ] = None,
    model: options.Model = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, max=1000, help="How many labels to give.")
    ] = 3,
    save: Annotated[
        bool,
        typer.Option("--save", help="Keep the predictions, and the files with them."),
    ] = False,
    abstain: Annotated[
        float | None,
        typer.Option(
            "--abstain", metavar="P", min=0, max=1, help="Call answers below this unsure: 0 to 1."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Draw what the answer hangs on, for the first 8.")
    ] = False,
    explain_to: Annotated[
        Path | None,
        typer.Option(
            "--explain-to", metavar="DIR", help="Write that as PNG files; FILE.png for one."
        ),
    ] = None,
    threads: options.Threads = None,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """Say what is in images: files, folders or stored ones.

    Prints for each image its most probable labels. With --save, files become unlabelled images of
    the dataset (once each, by their content) and the predictions are stored with them. --explain
    hides the picture part by part: the more an answer's probability falls, the brighter the place.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    if bool(files) == (query is not None):
        raise UsageError(
            "give either files or --query",
            hint="pixshelf predict cat.jpg, or pixshelf predict --query is:unlabelled",
        )
    if explain and form is not Format.TABLE:
        raise UsageError(
            f"--explain draws on the terminal, and --{form.value} is for programs",
            hint="--explain-to DIR writes the maps as PNG files",
        )
    parsed = None if query is None else query_of([query])
    with state.open() as repo:
        # Only here, so that the help needs neither numpy nor Pillow.
        from cli.explaining import Explainer, check_target
        from cli.predicting import Work
        from ml.predicting import load_predictor

        ids = [] if parsed is None else repo.images.ids(parsed)
        if explain_to is not None:
            folders = any(Path(name).is_dir() for name in files or ())
            check_target(explain_to, several=folders or max(len(ids), len(files or ())) > 1)
        predictor = load_predictor(repo, model, threads=state.threads(threads))
        explainer = (
            Explainer(predictor, draw=explain, target=explain_to) if explain or explain_to else None
        )
        work = Work(repo, predictor, top, abstain=abstain, explainer=explainer)
        with progress("predicting", quiet=state.quiet) as update:
            if parsed is not None:
                rows = work.stored(ids, update, save=save)
            elif save:
                rows = work.imported(files or [], update)
            else:
                rows = work.files(files or [], update)
            names = {"image": save or parsed is not None, "source": bool(files)}
            places = [name for name, wanted in names.items() if wanted]
            extras = ["unsure"] if abstain is not None else []
            extras += ["explanation.path", "explanation.fall"] if explain_to else []
            write_rows(
                rows,
                form,
                fields=[*places, "label", "confidence", "model", *extras],
                columns=[*map(_place, places), *COLUMNS, *([MAP] if explain_to else [])],
            )
    if explainer is not None and explain:
        for text in explainer.drawings():
            line(text)
    _remarks(work, abstain, explainer, quiet=state.quiet)


def _remarks(
    work: Work, abstain: float | None, explainer: Explainer | None, *, quiet: bool
) -> None:
    """What is left to say on stderr, and the exit code where something was refused."""
    if abstain is not None:
        note(
            f"unsure of {work.unsure:,} of {plural(work.count, 'image')}: "
            f"confidence below {100 * abstain:g} %",
            quiet=quiet,
        )
    if explainer is not None and explainer.left_out:
        note(
            f"{plural(explainer.left_out, 'image')} not drawn: --explain-to DIR writes them all",
            quiet=quiet,
        )
    for item in work.refused:
        note(f"refused {item.source}: {item.reason}")
    if work.refused:
        raise typer.Exit(ExitCode.REFUSED)


def _others(row: Row) -> str:
    return ", ".join(f"{each['label']} {100 * each['confidence']:.1f} %" for each in row["top"][1:])


def _place(name: str) -> Column:
    return Column(name, lambda row: str(row[name]), right=name == "image")


def _label(row: Row) -> str:
    label: str = row["label"]
    return f"unsure ({label} {100 * row['confidence']:.0f} %)" if row.get("unsure") else label


COLUMNS = (
    Column("label", _label),
    Column("confidence", lambda row: f"{100 * row['confidence']:.1f} %", right=True),
    Column("then", _others),
)
MAP = Column("explanation", lambda row: row["explanation"]["path"])
