"""`runs compare` and `models compare`: two models on the same images, for a person or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.output import Column, dumps, line, note, write_json, write_table
from cli.progress import progress
from cli.selection import split_or_query
from cli.session import Session, session
from cli.text import percent, plural, printable, shorten

if TYPE_CHECKING:
    from ml.comparing import Comparison, Flip, Side
    from ml.differences import Difference
    from storage.repository import Repository

LISTED = 20
NAMED = 50
"""So many ids fit a command that a person would copy."""
LONGEST = 32
LEAST_SHOWN = 0.0001

_NOTE = """
Answers that are not stored yet are predicted, and kept. The p-value is McNemar's.
"""
RUNS_EPILOG = f"""
\b
Examples:
  pixshelf runs compare 3 5
  pixshelf runs compare 3 5 --split val --json
  pixshelf runs compare 3 5 --on "split:test label:cat,dog"
{_NOTE}"""
MODELS_EPILOG = f"""
\b
Examples:
  pixshelf models compare cats cats-2
  pixshelf models compare 1 2 --limit 0
{_NOTE}"""

Split = Annotated[
    str | None,
    typer.Option("--split", metavar="SPLIT", help="train, val or test. [default: test]"),
]
On = Annotated[str | None, typer.Option("--on", metavar="QUERY", help="These images, not a split.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        metavar="N",
        min=0,
        help="List at most N images; 0 for all. [default: 20; all as JSON]",
    ),
]


def compare_runs(
    ctx: typer.Context,
    *,
    a: Annotated[int, typer.Argument(metavar="A", help="A run's id, from `runs ls`.")],
    b: Annotated[int, typer.Argument(metavar="B", help="Another's.")],
    split: Split = None,
    on: On = None,
    limit: Limit = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Compare two runs: what differed, which is better.

    Prints the accuracy of both on the same labelled images, whether the difference may be chance,
    the settings that were not alike, and the images that only one of them gets right.
    """

    def names(repo: Repository) -> tuple[str, str]:
        from ml.comparing import model_of

        return str(model_of(repo, a).id), str(model_of(repo, b).id)

    _compare(session(ctx), names, split, on, limit, threads, json=json)


def compare_models(
    ctx: typer.Context,
    *,
    a: Annotated[str, typer.Argument(metavar="A", help="A model's name or id, from `models ls`.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another's.")],
    split: Split = None,
    on: On = None,
    limit: Limit = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Compare two models: which is better, and where.

    Prints the accuracy of both on the same labelled images, whether the difference may be chance,
    the settings that were not alike, and the images that only one of them gets right.
    """
    _compare(session(ctx), lambda _: (a, b), split, on, limit, threads, json=json)


def _compare(
    state: Session,
    names: Callable[[Repository], tuple[str, str]],
    split: str | None,
    on: str | None,
    limit: int | None,
    threads: int | None,
    *,
    json: bool,
) -> None:
    where = split_or_query(split, on)
    most = (None if json else LISTED) if limit is None else limit or None
    with state.open() as repo, progress("predicting", quiet=state.quiet) as update:
        from ml.comparing import compare

        comparison = compare(
            repo,
            *names(repo),
            where,
            flips=most,
            threads=state.threads(threads),
            progress=lambda done, total: update(done, total, ""),
        )
    if json:
        write_json(comparison.to_json())
    else:
        print_comparison(comparison)
    for remark in comparison.notes:
        note(remark, quiet=state.quiet)
    if comparison.flips and not json:
        ids = ",".join(str(flip.image) for flip in comparison.flips[:NAMED])
        note(
            f"look at them: {shlex.join(['pixshelf', *state.db_words, 'ls', f'id:{ids}'])}",
            quiet=state.quiet,
        )


def print_comparison(comparison: Comparison) -> None:
    """The comparison for a person: figures, what they mean, what differed, which images."""
    a, b = _titles(comparison.a, comparison.b)
    line(f"{a} and {b} on {printable(comparison.on)}, {plural(comparison.n, 'image')}")
    line()
    write_table(
        [(a, comparison.a, comparison.n), (b, comparison.b, comparison.n)],
        (
            Column("model", lambda row: row[0]),
            Column("run", lambda row: "-" if row[1].run is None else str(row[1].run), right=True),
            Column("right", lambda row: f"{row[1].correct:,} of {row[2]:,}", right=True),
            Column("accuracy", lambda row: percent(row[1].accuracy), right=True),
            Column(
                "95 % interval", lambda row: " to ".join(map(percent, row[1].accuracy_interval))
            ),
        ),
    )
    line()
    line(
        f"right: both {comparison.both:,}, only {a} {comparison.only_a:,}, "
        f"only {b} {comparison.only_b:,}, neither {comparison.neither:,}"
    )
    p_value = comparison.test.p_value
    shown = f"p = {p_value:.4f}" if p_value >= LEAST_SHOWN else f"p < {LEAST_SHOWN}"
    line(f"McNemar's test, {comparison.test.method}: {shown}")
    line(printable(comparison.verdict))
    if comparison.differences:
        line()
        write_table(comparison.differences, _difference_columns(a, b))
    if comparison.flips:
        line()
        count = comparison.only_a + comparison.only_b
        listed = len(comparison.flips)
        shown = "" if listed == count else f", the first {listed:,} (--limit 0 lists all)"
        line(f"{plural(count, 'image')} that only one gets right{shown}:")
        write_table(comparison.flips, _flip_columns(a, b))


def _titles(a: Side, b: Side) -> tuple[str, str]:
    """What to call the two: by name, or by number where they share one."""
    if a.name == b.name:
        return f"model {a.model}", f"model {b.model}"
    return printable(a.name), printable(b.name)


def _difference_columns(a: str, b: str) -> tuple[Column, ...]:
    def value(of: Any) -> str:
        return "-" if of is None else shorten(of if isinstance(of, str) else dumps(of), LONGEST)

    def of_a(difference: Difference) -> str:
        return value(difference.a)

    def of_b(difference: Difference) -> str:
        return value(difference.b)

    return Column("differs", lambda each: each.name), Column(a, of_a), Column(b, of_b)


def _flip_columns(a: str, b: str) -> tuple[Column, ...]:
    def of_a(flip: Flip) -> str:
        return flip.a

    def of_b(flip: Flip) -> str:
        return flip.b

    return (
        Column("image", lambda flip: str(flip.image), right=True),
        Column("label", lambda flip: flip.label),
        Column(a, of_a),
        Column(b, of_b),
    )
