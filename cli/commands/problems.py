"""`pixshelf problems`: dark, blurry, odd and otherwise doubtful images, counted and shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.gallery import beside_each_other
from cli.output import line, note, write_json
from cli.progress import progress
from cli.selection import QueryCommand, query_of, query_text
from cli.session import Session, session
from cli.text import in_columns, plural, printable
from storage import problems as looks
from storage.errors import ExitCode, NotReady
from storage.query import Query, Term
from storage.records import LOOKS

if TYPE_CHECKING:
    from storage.problems import Measured
    from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

REFUSED_SHOWN = 20
EPILOG = f"""
\b
What is measured, and from when on it is called a problem (luma is 0 to 255):
  dark        99 of 100 pixels have a luma under {looks.DARK_BELOW}
  bright      99 of 100 pixels have a luma over {looks.BRIGHT_ABOVE}
  blank       no channel's standard deviation reaches {looks.BLANK_BELOW:g}
  one-colour  no channel varies by more than {looks.ONE_COLOUR_SPREAD}
  blurry      variance of the Laplacian over variance of luma under {looks.BLURRY_BELOW:g},
              at a longer side of at most {looks.SHARPNESS_SIDE} pixels; never a blank image
  odd-aspect  {looks.ODD_ASPECT} times wider or narrower than the median width by height
  odd-size    a side {looks.ODD_SIZE} times the median side, or a {{quarter}} of it
  animated    more than one frame or page, of which only the first is seen

\b
Examples:
  pixshelf problems
  pixshelf problems split:train --examples 10
  pixshelf ls is:blurry,dark -is:blank

Each image is measured once; later only what is new. The medians are those of the whole dataset.
""".replace("{quarter}", "quarter" if looks.ODD_SIZE == 4 else f"{looks.ODD_SIZE}th")


@app.command(cls=QueryCommand, epilog=EPILOG)
def problems(
    ctx: typer.Context,
    *,
    query: options.QueryWords = None,
    examples: Annotated[
        int,
        typer.Option(
            "--examples", metavar="N", min=0, max=1000, help="Show N images of each problem."
        ),
    ] = 5,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Find dark, blank, blurry, odd and animated images.

    Measures the images that have not been measured yet, counts each problem and shows examples.
    Afterwards `is:dark`, `is:blurry` and so on work in every query.
    """
    state = session(ctx)
    parsed = query_of(query)
    with state.open() as repo:
        done = _measure(repo, state, parsed, state.threads(threads))
        images = repo.images.count(parsed)
        found = {look: _found(repo, parsed, look, examples) for look in LOOKS}
        if json:
            write_json(_as_json(images, done, found))
        else:
            _write(repo, images, found, query_text(query))
    _report(state, done, json=json)


def _measure(repo: Repository, state: Session, query: Query, threads: int | None) -> Measured:
    # A query by looks has its answer only when all are measured.
    wanted = Query() if query.asks_measures else query
    missing = repo.measurements.missing(wanted, version=looks.VERSION)
    with progress("measuring", quiet=state.quiet) as update:
        return looks.measure_images(
            repo,
            missing,
            progress=lambda done, total: update(done, total, ""),
            threads=threads,
        )


def _found(repo: Repository, query: Query, look: str, examples: int) -> tuple[int, list[int]]:
    """How many images look so, and the first of them."""
    asked = query.where(Term("is", ":", (look,)))
    try:
        count = repo.images.count(asked)
    except NotReady:
        # Not one image could be measured: none is there, or none can be decoded.
        return 0, []
    if not count or not examples:
        return count, []
    page = repo.images.page(asked, limit=examples)
    return count, [image.id for image in page.images]


def _as_json(
    images: int, done: Measured, found: dict[Any, tuple[int, list[int]]]
) -> dict[str, Any]:
    return {
        "images": images,
        "measured": done.images,
        "problems": {
            look: {"images": count, "examples": ids} for look, (count, ids) in found.items()
        },
        "refused": [
            {"image": image, "reason": reason} for image, reason in sorted(done.refused.items())
        ],
    }


def _write(
    repo: Repository, images: int, found: dict[Any, tuple[int, list[int]]], query: str
) -> None:
    drawn = sys.stdout.isatty()
    titles = ("problem", "images") if drawn else ("problem", "images", "examples")
    rows = [(look, f"{count:,}", " ".join(map(str, ids))) for look, (count, ids) in found.items()]
    for text in in_columns(titles, [row[: len(titles)] for row in rows], right=[False, True]):
        line(text)
    for look, (count, ids) in found.items():
        if drawn and ids:
            line()
            shown = f", {plural(len(ids), 'example')}" if count > len(ids) else ""
            line(f"{look}: {plural(count, 'image')}{shown}   pixshelf ls {_narrowed(query, look)}")
            for text in beside_each_other(repo, ids):
                line(text)
    line()
    line(f"{plural(images, 'image')} looked at")


def _narrowed(query: str, look: str) -> str:
    return printable(f"{query} is:{look}".strip())


def _report(state: Session, done: Measured, *, json: bool) -> None:
    """Say what could not be measured, and leave as for refused input."""
    if done.images and not json:
        note(f"{plural(done.images, 'image')} measured", quiet=state.quiet)
    if not done.refused:
        return
    for image, reason in sorted(done.refused.items())[:REFUSED_SHOWN]:
        note(f"image {image} could not be measured: {reason}")
    if len(done.refused) > REFUSED_SHOWN:
        note(f"… and {len(done.refused) - REFUSED_SHOWN:,} more")
    raise typer.Exit(ExitCode.REFUSED)
