"""`pixshelf review`: what a person should look at, and what is suggested about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.editing import actor
from cli.output import Column, note, one_format, write_rows
from cli.selection import QueryCommand, query_of
from cli.session import Session, session
from cli.text import nearest, percent, plural
from ml.review_queue import KINDS, REVIEWED, SMALL_MARGIN, UNCERTAINTIES, Queue
from storage.errors import NotReady, UsageError
from storage.records import UNCERTAIN_BELOW

if TYPE_CHECKING:
    from ml.review_items import Item
    from ml.review_queue import Listing
    from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_CHUNK = 200
_USUAL = 20
FIELDS = (
    *("image", "images", "label", "suggestion.what", "suggestion.name", "suggestion.images"),
    *("suggestion.confidence", "reason"),
)
EPILOG = f"""
\b
QUEUE is
  wrong         answers that are not the label, the surest first
  labels        labels that are likely wrong, by confident learning
  confidence    answers with a confidence under {UNCERTAIN_BELOW:g}, the least sure first
  margin        answers with a margin under {SMALL_MARGIN:g}, the smallest first
  disagreement  images that two models tell apart
  unlabelled    images without a label, the most doubtful first
  duplicates    pictures that are there more than once, or look alike
  problems      blank, dark, blurry and odd pictures

\b
Examples:
  pixshelf review labels
  pixshelf review unlabelled --by entropy --limit 100 --jsonl
  pixshelf review wrong id:12,40 --accept

What was decided bears the tag `{REVIEWED}` and is left out. Only what is stored is looked at:
`pixshelf predict --query is:unlabelled --save` and `pixshelf problems` fill in what is missing.
"""


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME_OR_ID",
        help="Whose answers. [default: the newest that has any]",
    ),
]
Other = Annotated[
    str | None,
    typer.Option("--other", metavar="NAME_OR_ID", help="For disagreement: the second model."),
]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="ORDER",
        help="For unlabelled: confidence, margin or entropy. [default: confidence]",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        metavar="N",
        min=0,
        help=f"At most N; 0 for all. [default: {_USUAL}; all with --accept]",
    ),
]


@app.command(cls=QueryCommand, epilog=EPILOG)
def review(
    ctx: typer.Context,
    *,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Which queue; see below.")],
    query: options.QueryWords = None,
    model: Model = None,
    other: Other = None,
    by: By = None,
    limit: Limit = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Follow the suggestions of those that are listed.")
    ] = False,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List images to look at, with suggestions and reasons.

    Nothing is changed without --accept.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    kind = _one_of("QUEUE", queue, KINDS)
    if by is not None and kind != "unlabelled":
        raise UsageError(f"--by was given: the queue {kind} has one order")
    if other is not None and kind != "disagreement":
        raise UsageError(f"--other was given: the queue {kind} takes one model at most")
    parsed = query_of(query)
    order = _one_of("--by", by or UNCERTAINTIES[0], UNCERTAINTIES)
    asked = Queue(kind, model or parsed.model, other, order, parsed)
    with state.open() as repo:
        most = limit if limit is not None else 0 if accept else _USUAL
        found = _Found(repo, asked, most or None)
        write_rows(found.rows(), form, fields=FIELDS, columns=COLUMNS)
        if accept:
            _accept(repo, state, found)
        found.remark(state)


class _Found:
    """A queue's first items as they are read; `items` are those that had a suggestion."""

    def __init__(self, repo: Repository, asked: Queue, limit: int | None) -> None:
        from ml.reviewing import listing, resolve

        self._repo = repo
        self.queue = resolve(repo, asked)
        self.listing: Listing = listing(repo, self.queue)
        self.shown = min(len(self.listing), limit or len(self.listing))
        self.items: list[Item] = []

    def rows(self) -> Iterator[dict[str, Any]]:
        from ml.review_items import read_items

        for start in range(0, self.shown, _CHUNK):
            places = range(start, min(self.shown, start + _CHUNK))
            found = read_items(self._repo, self.queue, self.listing, places)
            for item in found.values():
                if item.suggestion is not None:
                    self.items.append(item)
                yield item_json(item)

    def remark(self, state: Session) -> None:
        """Say what is not shown, and what is missing."""
        from ml.reviewing import count_lacking

        if self.listing.note:
            note(self.listing.note, quiet=state.quiet)
        if len(self.listing) > self.shown:
            note(
                f"{self.shown:,} of {len(self.listing):,} are shown; --limit 0 shows all",
                quiet=state.quiet,
            )
        if lacking := count_lacking(self._repo, self.queue):
            what = "measures" if self.queue.kind == "problems" else "answers"
            note(f"{lacking:,} {what} are missing, see --help", quiet=state.quiet)


def item_json(item: Item) -> dict[str, Any]:
    """An item of a queue, as `review` prints it."""
    suggestion = item.suggestion
    return {
        "image": item.image,
        "images": list(item.images),
        "label": item.records[0].label,
        "suggestion": None
        if suggestion is None
        else {
            "what": suggestion.what,
            "name": suggestion.name,
            "images": list(suggestion.images),
            "confidence": suggestion.confidence,
        },
        "reason": item.reason,
    }


def _accept(repo: Repository, state: Session, found: _Found) -> None:
    from ml.review_deciding import carry_out

    suggestions = [item.suggestion for item in found.items if item.suggestion is not None]
    if not suggestions:
        raise NotReady("there is no suggestion to accept", hint="see `pixshelf review --help`")
    done = carry_out(repo, suggestions, actor=actor(), summary=f"review {found.queue.kind}")
    actions = [action for action in done if action.id]
    note(f"{plural(len(suggestions), 'suggestion')} accepted", quiet=state.quiet)
    if actions:
        note(f"pixshelf undo {len(actions)} takes it back", quiet=state.quiet)


def _one_of(name: str, given: str, known: tuple[Any, ...]) -> Any:
    if given in known:
        return given
    match = nearest(given, known)
    raise UsageError(
        f"{name} is {given!r}, which is none of {', '.join(known)}",
        hint=f"did you mean {match}?" if match else None,
    )


def _suggested(row: dict[str, Any]) -> str:
    suggestion = row["suggestion"]
    if suggestion is None:
        return "-"
    if suggestion["what"] == "trash":
        others = suggestion["images"]
        return "trash" if others == [row["image"]] else f"trash {','.join(map(str, others))}"
    sure = suggestion["confidence"]
    told = suggestion["name"] if suggestion["what"] == "label" else f"tag {suggestion['name']}"
    return told if sure is None else f"{told} {percent(sure, 1)}"


COLUMNS = (
    Column("id", lambda row: str(row["image"]), right=True),
    Column("label", lambda row: "-" if row["label"] is None else row["label"]),
    Column("suggested", _suggested),
    Column("reason", lambda row: row["reason"]),
)
