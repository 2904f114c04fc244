"""`pixshelf merge`: another dataset's images, labels, splits and tags into this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.editing import actor
from cli.output import line, note, write_json
from cli.progress import progress
from cli.selection import QueryCommand, query_of
from cli.session import session
from cli.text import nearest, plural, printable
from storage.errors import UsageError

if TYPE_CHECKING:
    from storage.merging import MergeReport, Prefer

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHOWN = 20
EPILOG = """
\b
Examples:
  pixshelf merge colleague.db --dry-run
  pixshelf merge colleague.db --prefer theirs
  pixshelf merge colleague.db label:cat,dog --models

Images are the same if their bytes are. An image that both have gets the tags of both, and the label
and split of OTHER where it has none here. Where both say something else, --prefer decides; neither
takes it away here. The labels that change are one action: `pixshelf undo` takes it back. A merge
that was cut off can be run again. With --models its models come too, with what they said, but not
the trainings that made them.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def merge(
    ctx: typer.Context,
    *,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The dataset to take from: a path or a URL.")
    ],
    query: options.QueryWords = None,
    prefer: Annotated[
        str,
        typer.Option(
            "--prefer", metavar="WHOSE", help="In a conflict keep ours, theirs or neither."
        ),
    ] = "ours",
    models: Annotated[
        bool, typer.Option("--models", help="Take its models and their predictions too.")
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Bring another dataset's images, labels, splits and tags in.

    Makes the dataset file if it is not there. Prints how many images were added or were there
    already, the conflicts, and what was changed.
    """
    from storage.merging import Options
    from storage.merging import merge as bring
    from storage.opening import open_repository, shown

    preference = _preference(prefer)
    parsed = query_of(query)
    state = session(ctx)
    chosen = Options(actor(), preference, models=models, location=shown(other), dry_run=dry_run)
    with (
        # Theirs first, so that a wrong name makes no file of ours.
        open_repository(other, wait=state.wait, refused=state.refused, told=state.tell) as theirs,
        state.open(create=not dry_run) as ours,
        progress("merging", quiet=state.quiet) as update,
    ):
        report = bring(
            ours, theirs, parsed, chosen, progress=lambda done, total: update(done, total, "")
        )
    if json:
        write_json(_as_json(other, report, chosen.prefer, dry_run=dry_run))
        return
    _print(report, preference, dry_run=dry_run, quiet=state.quiet)


def _preference(name: str) -> Prefer:
    from storage.merging import PREFERENCES

    for preference in PREFERENCES:
        if name == preference:
            return preference
    match = nearest(name, PREFERENCES)
    raise UsageError(
        f"--prefer is {name!r}, which is nobody's",
        hint=f"did you mean {match}?" if match else "ours, theirs or neither",
    )


def _as_json(other: str, report: MergeReport, prefer: Prefer, *, dry_run: bool) -> dict[str, Any]:
    return {
        "from": other,
        "images": report.images,
        "added": report.added,
        "there": report.there,
        "trashed": report.trashed,
        "conflicts": {"labels": report.label_conflicts, "splits": report.split_conflicts},
        "prefer": prefer,
        "changed": {
            "labels": report.relabelled,
            "splits": report.resplit,
            "tags": report.retagged,
        },
        "actions": report.actions,
        "models": report.models,
        "predictions": report.predictions,
        "first_conflicts": [
            {
                "image": conflict.image,
                "what": conflict.what,
                "ours": conflict.ours,
                "theirs": conflict.theirs,
            }
            for conflict in report.conflicts
        ],
        "dry_run": dry_run,
    }


def _print(report: MergeReport, prefer: Prefer, *, dry_run: bool, quiet: bool) -> None:
    for conflict in report.conflicts[:SHOWN]:
        note(
            f"image {conflict.image}: {conflict.what} {printable(conflict.ours)} here, "
            f"{printable(conflict.theirs)} there",
            quiet=quiet,
        )
    conflicts = report.label_conflicts + report.split_conflicts
    rest = conflicts - min(len(report.conflicts), SHOWN)
    if rest:
        note(f"… and {rest:,} more conflicts; --json lists a thousand", quiet=quiet)
    would = "would be " if dry_run else ""
    trashed = f", {report.trashed:,} of them in the trash" if report.trashed else ""
    line(f"{plural(report.added, 'image')} {would}added, {report.there:,} there already{trashed}")
    if conflicts:
        line(
            f"{plural(report.label_conflicts, 'label')} and "
            f"{plural(report.split_conflicts, 'split')} in conflict, resolved for {prefer}"
        )
    changed = (
        (report.relabelled, "label"),
        (report.resplit, "split"),
        (report.retagged, "tagged image"),
    )
    if any(count for count, _ in changed):
        line(f"{would}changed: {', '.join(plural(count, noun) for count, noun in changed)}")
    if report.models or report.predictions:
        line(
            f"{plural(report.models, 'model')} {would}added, with "
            f"{plural(report.predictions, 'prediction')}"
        )
    if report.actions:
        times = "" if report.actions == 1 else f" {report.actions}"
        note(f"pixshelf undo{times} takes the changes back; added images stay", quiet=quiet)
