"""`pixshelf split`: put images into train, val or test, as one action of the history."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from cli import options
from cli.editing import actor
from cli.output import line, write_json
from cli.selection import QueryCommand, query_of, query_text
from cli.session import session
from cli.text import nearest, plural
from storage.errors import ExitCode, UsageError
from storage.query import Query
from storage.records import SPLITS, Split
from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf split --ratios 80/10/10
  pixshelf split source:"holdout/*" --to test
  pixshelf split split:none --ratios 90/10/0 --dry-run
  pixshelf split --check

With --ratios each image is placed by a hash of its pixels and the seed: doing it again, or with
more images, moves none, and copies of one picture stay together. --check leaves with exit code 1
where a picture, or one that looks like it, is in more than one split.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def split(
    ctx: typer.Context,
    *,
    query: options.QueryWords = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="SPLIT", help="Put all of them here: train, val, test, none."),
    ] = None,
    ratios: Annotated[
        str | None,
        typer.Option("--ratios", metavar="A/B/C", help="Share them out as train/val/test."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look for duplicates in more than one split.")
    ] = False,
    distance: Annotated[
        int | None,
        typer.Option(
            "--distance", metavar="BITS", help="For --check: bits of 64 that differ. [default: 4]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed for --ratios.")] = 0,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Put images into train, val or test.

    Prints how many images went where and how many were changed. The whole change is one action
    of the dataset's history.
    """
    if [to is None, ratios is None, not check].count(False) != 1:
        raise UsageError(
            "give one of --to, --ratios and --check", hint="pixshelf split --ratios 80/10/10"
        )
    if check:
        _check(ctx, query_of(query), distance, json=json)
        return
    if distance is not None:
        raise UsageError("--distance was given without --check", hint="pixshelf split --check")
    target = None if to is None else _split_named(to)
    shares = None if ratios is None else parse_ratios(ratios)
    parsed = query_of(query)
    with session(ctx).open() as repo:
        assigned: dict[int, Split | None]
        if shares is None:
            assigned = dict.fromkeys(repo.images.ids(parsed), target)
            how = f"to {to}"
        else:
            assigned = _shared_out(repo, parsed, shares, seed)
            how = f"shared out {ratios}, seed {seed}"
        changed = None
        if not dry_run:
            summary = f"split {query_text(query) or 'all images'} {how}"
            changed = (
                repo.images.set_split(assigned, actor=actor(), summary=summary).images
                if assigned
                else 0
            )
    counts = Counter("none" if place is None else place for place in assigned.values())
    splits = {name: counts[name] for name in (*SPLITS, "none") if counts[name]}
    if json:
        write_json(
            {"images": len(assigned), "splits": splits, "changed": changed, "dry_run": dry_run}
        )
        return
    places = ", ".join(f"{count:,} in {name}" for name, count in splits.items())
    end = "nothing changed (dry run)" if changed is None else f"{changed:,} changed"
    line(f"{plural(len(assigned), 'image')}{': ' if places else ''}{places}; {end}")


def _check(ctx: typer.Context, query: Query, distance: int | None, *, json: bool) -> None:
    from cli.leakage import find_leakage, write_leakage
    from storage.duplicates import NEAR

    state = session(ctx)
    with state.open() as repo:
        found = find_leakage(repo, query, NEAR if distance is None else distance)
    write_leakage(found, json=json, quiet=state.quiet)
    if found.any:
        raise typer.Exit(ExitCode.FAILED)


def _split_named(name: str) -> Split | None:
    if name == "none":
        return None
    for known in SPLITS:
        if name == known:
            return known
    match = nearest(name, (*SPLITS, "none"))
    raise UsageError(
        f"--to is {name!r}, which is not a split",
        hint=f"did you mean {match}?" if match else "train, val, test or none",
    )


def parse_ratios(text: str) -> tuple[float, float, float]:
    """Three shares of 1 from '80/10/10', '8:1:1' or '0.8,0.1,0.1'. Raises UsageError."""
    import math
    import re

    parts = re.split(r"[/:,]", text)
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    total = sum(numbers)
    if len(numbers) != 3 or any(n < 0 for n in numbers) or not 0 < total < math.inf:
        raise UsageError(
            f"--ratios is {text!r}: three numbers, none below 0, are needed",
            hint="--ratios 80/10/10 puts about a tenth each into val and test",
        )
    train, val, test = (number / total for number in numbers)
    return train, val, test


def _shared_out(
    repo: Repository, query: Query, shares: tuple[float, float, float], seed: int
) -> dict[int, Split | None]:
    from storage.splitting import assign_split

    return {
        example.id: assign_split(example.pixel_hash, seed, shares)
        for example in repo.images.examples(query)
    }
