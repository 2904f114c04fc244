"""What `pixshelf labels` and `pixshelf tags` have in common: lists, renaming and removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cli.ask import confirm
from cli.editing import actor, known_name, write_edit
from cli.output import Column, Format, write_rows
from cli.session import Session
from cli.text import plural, printable
from storage.errors import RefusedInput

if TYPE_CHECKING:
    from storage.repository import Labels, Repository, Tags

Noun = Literal["label", "tag"]


def list_names(state: Session, noun: Noun, form: Format) -> None:
    """Print every name with how many images have it."""
    with state.open() as repo:
        counts = _of(repo, noun).counts()
    rows = [{noun: name, "images": count} for name, count in counts.items()]
    columns = (
        Column(noun, lambda row: row[noun]),
        Column("images", lambda row: f"{row['images']:,}", right=True),
    )
    write_rows(rows, form, fields=(noun, "images"), columns=columns)


def rename(state: Session, noun: Noun, old: str, new: str, *, dry_run: bool, json: bool) -> None:
    """Give a name another form, wherever it stands."""
    from storage.labels import clean_label, clean_tag

    name = clean_label(new) if noun == "label" else clean_tag(new)
    with state.open() as repo:
        counts = _of(repo, noun).counts()
        images = known_name(noun, old, counts)
        if dry_run and name in counts and name != old:
            raise RefusedInput(f"there is a {noun} '{name}' already")
        action = None if dry_run else _of(repo, noun).rename(old, name, actor=actor())
    verb = "would be renamed" if dry_run else "renamed"
    text = f"{noun} {printable(old)} {verb} {printable(name)}: {plural(images, 'image')}"
    write_edit(state, {noun: old, "to": name}, text, images=images, action=action, json=json)


def remove(state: Session, noun: Noun, name: str, *, dry_run: bool, yes: bool, json: bool) -> None:
    """Take a name off every image."""
    with state.open() as repo:
        images = known_name(noun, name, _of(repo, noun).counts())
        action = None
        if not dry_run:
            if images:
                confirm(f"Take the {noun} {name} off {plural(images, 'image')}?", yes=yes)
            action = _of(repo, noun).remove(name, actor=actor())
    verb = "would be taken" if dry_run else "taken"
    text = f"{noun} {printable(name)} {verb} off {plural(images, 'image')}"
    write_edit(state, {noun: name}, text, images=images, action=action, json=json)


def _of(repo: Repository, noun: Noun) -> Labels | Tags:
    return repo.labels if noun == "label" else repo.tags
