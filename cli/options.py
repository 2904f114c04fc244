"""Options that several commands share, so that each is spelt and explained alike."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")]
Events = Annotated[
    bool, typer.Option("--json", help="Print every event as a JSON line, the result last.")
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Start it and return; it goes on by itself.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV with a heading line.")]
Tsv = Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, max=1024, help="Threads to use. [default: all cores]"
    ),
]
QueryWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY", help="Words such as label:7 split:test is:wrong. [default: all images]"
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME_OR_ID", help="The model. [default: the newest]"),
]
