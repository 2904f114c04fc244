"""`pixshelf ls`: the images that match a query, a page of them or all."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli import options
from cli.output import Column, Format, note, one_format, write_rows
from cli.records import image_json
from cli.selection import QueryCommand, query_of, query_text
from cli.session import session
from cli.text import in_bytes
from storage.query import Query
from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PAGE = 500
FIELDS = (
    "id",
    "sha256",
    "label",
    "split",
    "tags",
    "width",
    "height",
    "channels",
    "format",
    "bytes",
    "source",
    "added_at",
    "prediction.model",
    "prediction.label",
    "prediction.confidence",
    "prediction.wrong",
)
EPILOG = """
\b
Examples:
  pixshelf ls label:7 split:test
  pixshelf ls is:wrong sort:-confidence --limit 20
  pixshelf ls is:unlabelled --limit 0 --jsonl

Where more match than are printed, stderr says which --after continues the list.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def ls(
    ctx: typer.Context,
    *,
    query: options.QueryWords = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, help="At most N images; 0 for all.")
    ] = 50,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="CURSOR", help="Go on where an earlier list ended."),
    ] = None,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List images that match a query.

    Prints one row an image: its facts, and what the newest model (or that of model:NAME) said of
    it.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    parsed = query_of(query)
    with state.open() as repo:
        listing = _Listing(repo, parsed, limit or None, after)
        write_rows(listing.rows(), form, fields=FIELDS, columns=COLUMNS)
        if listing.count == 0 and form is Format.TABLE:
            note("no image matches" if after is None else "no more images", quiet=state.quiet)
        if listing.next is not None:
            again = ["pixshelf", *state.db_words, "ls"]
            again += [query_text([word]) for word in query or []]
            again += ["--limit", str(limit), "--after", listing.next]
            note(f"more: {shlex.join(again)}", quiet=state.quiet)


class _Listing:
    """Images page by page; `next` is where the list goes on once `rows` has ended, and `count` is
    how many there were."""

    def __init__(
        self, repo: Repository, query: Query, limit: int | None, after: str | None
    ) -> None:
        self._repo = repo
        self._query = query
        self._left = limit
        self.next: str | None = after
        self.count = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        while True:
            size = PAGE if self._left is None else min(PAGE, self._left)
            page = self._repo.images.page(self._query, limit=size, after=self.next)
            yield from map(image_json, page.images)
            self.next = page.next
            self.count += len(page.images)
            if self._left is not None:
                self._left -= len(page.images)
            if page.next is None or self._left == 0:
                return


def _prediction(row: dict[str, Any]) -> str:
    prediction = row["prediction"]
    if prediction is None:
        return ""
    mark = {True: " wrong", False: "", None: ""}[prediction["wrong"]]
    return f"{prediction['label']} {100 * prediction['confidence']:.0f} %{mark}"


COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("label", lambda row: "-" if row["label"] is None else row["label"]),
    Column("split", lambda row: row["split"] or "-"),
    Column("predicted", _prediction),
    Column("size", lambda row: f"{row['width']}x{row['height']}", right=True),
    Column("format", lambda row: row["format"]),
    Column("bytes", lambda row: in_bytes(row["bytes"]), right=True),
    Column("tags", lambda row: ", ".join(row["tags"])),
    Column("source", lambda row: row["source"]),
)
