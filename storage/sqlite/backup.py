"""Copies of a dataset file: whole under their name, or not there at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from storage.errors import RefusedInput
from storage.sqlite.database import Database


def back_up(database: Database, target: Path) -> None:
    """Copy the dataset, as of one moment, to the new file `target`. Raises RefusedInput if it is
    there already, or its folder is not."""
    if os.path.lexists(target):
        raise RefusedInput(f"{target} is already there", hint="Name a file that is not.")
    if not target.parent.is_dir():
        raise RefusedInput(f"there is no folder {target.parent} to put {target.name} into")
    # Under another name until it is whole, so that a backup cut short is not taken for one.
    with tempfile.TemporaryDirectory(prefix=".pixshelf-", dir=target.parent) as folder:
        copy = Path(folder) / target.name
        database.backup(copy)
        descriptor = os.open(copy, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(copy, target)
        except FileExistsError as error:
            raise RefusedInput(f"{target} is already there") from error
