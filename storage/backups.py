"""Copies of a dataset in a file: whole under their name, or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from storage.errors import RefusedInput
from storage.redacting import refuse_database


def write_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Make the new file `target` of what `write` puts under the path that it is given. Raises
    RefusedInput if it is there already, or its folder is not."""
    refuse_taken(target)
    # Under another name until it is whole, so that a backup cut short is not taken for one.
    with tempfile.TemporaryDirectory(prefix=".pixshelf-", dir=target.parent) as folder:
        copy = Path(folder) / target.name
        write(copy)
        put_in_place(copy, target)


def refuse_taken(target: Path) -> None:
    """Raises RefusedInput unless a new file of this name can be made."""
    refuse_database(target)
    if os.path.lexists(target):
        raise RefusedInput(f"{target} is already there", hint="Name a file that is not.")
    if not target.parent.is_dir():
        raise RefusedInput(f"there is no folder {target.parent} to put {target.name} into")


def put_in_place(copy: Path, target: Path) -> None:
    """Give a whole file, which nothing has open, the name `target` besides its own, durably.
    Raises RefusedInput where something has that name."""
    _sync(copy)
    try:
        os.link(copy, target)
    except FileExistsError as error:
        raise RefusedInput(f"{target} is already there") from error
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
