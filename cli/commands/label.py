"""`pixshelf label`: give images a label, or take it away, as one action of the history."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from cli import options
from cli.editing import actor
from cli.output import line, write_json
from cli.selection import QueryCommand, chosen_ids, query_text
from cli.session import Session, session
from cli.text import plural, printable
from ml.review_queue import REVIEWED
from storage.errors import QueryError, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf label 12 13 14 cat
  pixshelf label is:unlabelled source:"kittens/*" cat
  pixshelf label --clear tag:doubtful
  pixshelf ls is:wrong --limit 0 --tsv | cut -f1 | tail -n +2 | pixshelf label - cat
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def label(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES LABEL",
            help="Ids, or query words, or - for ids on stdin; then the label.",
            show_default=False,
        ),
    ],
    clear: Annotated[
        bool, typer.Option("--clear", help="Take the label away; no LABEL is given.")
    ] = False,
    reviewed: Annotated[
        bool,
        typer.Option("--reviewed", help=f"Tag the images as {REVIEWED} too, as the review does."),
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Give images a label, or take it away.

    Prints how many images there are and how many were changed. The whole change is one action of
    the dataset's history; with --reviewed the tag is another one.
    """
    targets, wanted = (words, None) if clear else (words[:-1], words[-1])
    if not targets:
        raise UsageError(
            f"only {words[-1]!r} was given: images and a label are needed",
            hint="pixshelf label is:unlabelled cat",
        )
    if wanted is not None:
        from storage.labels import clean_label

        wanted = clean_label(query_text([wanted]))
    state = session(ctx)
    with state.open() as repo:
        try:
            ids = chosen_ids(repo, targets)
        except QueryError as error:
            error.hint = _order_hint(words, state) or error.hint
            raise
        changed = None
        if dry_run:
            for image_id in ids:
                repo.images.get(image_id)
        else:
            changed = repo.images.set_label(ids, wanted, actor=actor()).images if ids else 0
            if reviewed and ids:
                repo.images.add_tag(ids, REVIEWED, actor=actor())
    if json:
        write_json({"label": wanted, "images": len(ids), "changed": changed, "dry_run": dry_run})
        return
    what = "without a label" if wanted is None else f"labelled {printable(wanted)}"
    if changed is None:
        line(f"{plural(len(ids), 'image')} would be {what}")
    else:
        line(f"{plural(len(ids), 'image')} {what}, {changed:,} changed")


def _order_hint(words: list[str], state: Session) -> str | None:
    """What to type instead, where it looks as if the label came first and the images last."""
    first, *rest = words
    # One number at the end may well be the label.
    if _name_images([first]) or not _name_images(rest) or (len(rest) == 1 and rest[0].isdecimal()):
        return None
    turned = shlex.join(
        ["pixshelf", *state.db_words, "label", *(query_text([word]) for word in rest), first]
    )
    return f"The images come first, then the label: {turned}"


def _name_images(words: list[str]) -> bool:
    """Whether the words are ids or a query."""
    from storage.query import parse

    if all(word.replace(",", "").isdecimal() for word in words):
        return True
    try:
        parse(query_text(words))
    except QueryError:
        return False
    return True
