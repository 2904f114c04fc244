"""`pixshelf duplicates`: copies of pictures, and the way to keep one of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from cli import options
from cli.editing import actor
from cli.gallery import listing
from cli.leakage import crowd_note
from cli.output import line, note, write_json
from cli.selection import QueryCommand, query_of
from cli.session import Session, session
from cli.text import nearest, plural
from storage.duplicates import (
    MOST,
    NEAR,
    Fingerprints,
    Keep,
    Kind,
    crowded,
    find_groups,
    gather,
    kept_of,
)
from storage.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.records import Action
    from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHOWN = 12
EXACT = "every image's bytes are stored once: an import passes over what is already there"
EPILOG = f"""
\b
KIND is
  exact   the very same bytes. There are none: {EXACT.partition(": ")[2]}.
  pixels  the same pixels in another file, such as a PNG and a BMP of one picture.
  near    pictures that look alike: of the 64 bits of their difference hash at most
          --distance differ. A group is all that such pairs connect, so its ends may
          be farther apart. A picture without an edge is near only to its copies.

\b
Examples:
  pixshelf duplicates pixels
  pixshelf duplicates near label:cat --distance 2
  pixshelf duplicates near --keep largest
  pixshelf duplicates near --keep largest --apply

Look before --apply: on small drawings, such as digits, other pictures are near too. `pixshelf undo`
takes it back.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def duplicates(
    ctx: typer.Context,
    *,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="exact, pixels or near.")],
    query: options.QueryWords = None,
    distance: Annotated[
        int | None,
        typer.Option(
            "--distance", metavar="BITS", help=f"For near: 0 to {MOST} bits. [default: {NEAR}]"
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", metavar="WHICH", help="Keep the first (lowest id) or the largest of a group."
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put the others into the trash, as one action.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, help="Show N groups; 0 for all.")
    ] = 20,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Find copies of pictures, and keep one of each.

    Prints the groups of images that are duplicates of one another. Nothing is changed without
    --apply, which needs --keep.
    """
    which = _one_of("KIND", kind, get_args(Kind))
    kept = None if keep is None else _one_of("--keep", keep, get_args(Keep))
    if distance is not None and which != "near":
        raise UsageError(f"--distance was given: {which} duplicates have none")
    if apply and (kept is None or dry_run):
        raise UsageError(
            "--apply needs --keep, and no --dry-run",
            hint="pixshelf duplicates near --keep largest --apply",
        )
    bits = NEAR if distance is None else distance
    if not 0 <= bits <= MOST:
        raise UsageError(f"--distance is {bits}: it must be from 0 to {MOST}")
    parsed = query_of(query)
    state = session(ctx)
    with state.open() as repo:
        found: list[NDArray[np.int64]] = []
        prints = None
        if which != "exact":
            prints = gather(repo.measurements.fingerprints(parsed))
            found = find_groups(prints, which, bits)
            if which == "near" and (crowd := crowded(prints, found)):
                note(crowd_note(crowd, len(prints.ids), bits), quiet=state.quiet)
        choice = _Choice(prints, found, kept)
        action = None
        if apply and choice.removed:
            action = repo.images.delete(choice.removed, actor=actor())
        if json:
            write_json(_as_json(which, bits, choice, action, dry_run=not apply))
            return
        _write(repo, state, which, choice, limit or None)
        if kept is not None:
            _write_outcome(state, choice, action, applied=apply)


def _one_of(name: str, given: str, known: Sequence[Any]) -> Any:
    if given in known:
        return given
    match = nearest(given, known)
    raise UsageError(
        f"{name} is {given!r}, which is none of {', '.join(known)}",
        hint=f"did you mean {match}?" if match else None,
    )


class _Choice:
    """The groups as ids, and of each the one to keep; what is to be removed."""

    def __init__(
        self, prints: Fingerprints | None, groups: list[NDArray[np.int64]], keep: Keep | None
    ) -> None:
        self.keep = keep
        self.groups: list[list[int]] = []
        self.kept: list[int] = []
        if prints is not None:
            self.groups = [prints.ids[group].tolist() for group in groups]
            if keep is not None:
                self.kept = [int(prints.ids[kept_of(prints, group, keep)]) for group in groups]
        kept = set(self.kept)
        self.removed = [
            image for group in self.groups for image in group if keep and image not in kept
        ]


def _as_json(
    kind: Kind, bits: int, choice: _Choice, action: Action | None, *, dry_run: bool
) -> dict[str, Any]:
    done = None if action is None or not action.id else action
    return {
        "kind": kind,
        "distance": bits if kind == "near" else None,
        "images": sum(map(len, choice.groups)),
        "groups": choice.groups,
        "keep": choice.keep,
        "kept": choice.kept,
        "removed": choice.removed,
        "changed": None if dry_run else 0 if done is None else done.images,
        "action": None if done is None else done.id,
        "dry_run": dry_run,
    }


def _write(
    repo: Repository, state: Session, kind: Kind, choice: _Choice, limit: int | None
) -> None:
    kept = set(choice.kept)
    for number, group in enumerate(choice.groups[:limit], 1):
        shown = group[:SHOWN]
        marks = ["kept" if image in kept else "removed" for image in shown] if kept else []
        line(f"group {number:,}: {plural(len(group), 'image')}")
        for text in listing(repo, shown, marks, "--keep " + (choice.keep or "")):
            line(text)
        if len(group) > len(shown):
            line(f"… and {len(group) - len(shown):,} more")
        line()
    groups = plural(len(choice.groups), "group")
    images = plural(sum(map(len, choice.groups)), "image")
    line(f"{groups} of {kind.removesuffix('s')} duplicates, {images}")
    if kind == "exact":
        note(EXACT, quiet=state.quiet)
    elif limit is not None and len(choice.groups) > limit:
        note(f"{limit:,} groups are shown; --limit 0 shows all, --json ids", quiet=state.quiet)


def _write_outcome(
    state: Session, choice: _Choice, action: Action | None, *, applied: bool
) -> None:
    images = plural(len(choice.removed), "image")
    if not applied:
        line(f"{images} would be put into the trash")
        note("nothing was changed; --apply does it", quiet=state.quiet)
        return
    changed = 0 if action is None else action.images
    line(f"{images} put into the trash, {changed:,} changed")
    if changed:
        note("pixshelf undo takes it back", quiet=state.quiet)
