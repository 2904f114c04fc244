"""Getting the digits that every installation carries into a dataset, from within the app."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.repository import Repository


def load_digits(repo: Repository) -> int:
    """Import the digits with a split by their content; how many were new. Takes a second or two.
    Raises PixshelfError, OSError."""
    from storage.importing.digits import write_digits
    from storage.importing.pipeline import import_source

    with TemporaryDirectory(prefix="pixshelf-") as folder:
        source = Path(folder) / "digits.npz"
        write_digits(source)
        return import_source(repo, source, location="digits", split="auto").added
