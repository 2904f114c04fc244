"""The names of new models: one that a person chose, and one that is made where nobody did.

Models are found by their names, so a new model's is no other model's, and no number, which would
be read as an id. Reads names and writes nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from itertools import chain, count

from storage.errors import RefusedInput, UsageError
from storage.labels import LONGEST, clean_name
from storage.repository import Repository

_ROOM = 40
"""Characters of a name that are left to what makes a given text a free name."""


def chosen_name(repo: Repository, text: str) -> str:
    """The name that `text` gives a new model. Raises UsageError for what cannot be one, and for
    one that a model has."""
    try:
        name = clean_name(text)
    except RefusedInput as error:
        raise UsageError(f"name: {error.message}", hint=error.hint) from error
    if name in model_names(repo):
        raise UsageError(
            f"name: received {name!r}, which a model has already",
            hint="choose another; models are found by their names",
        )
    return name


def made_name(repo: Repository, stem: str) -> str:
    """A name for a model from the name of the file that it came in, whatever that is."""
    text = unicodedata.normalize("NFC", stem)
    kept = "".join(each for each in text if each.isprintable()).strip()[: LONGEST - _ROOM].strip()
    base = f"imported {kept}" if kept.isdecimal() else kept or "imported"
    return free_name(base, model_names(repo))


def free_name(base: str, taken: Collection[str]) -> str:
    """`base`, or where that is taken, `base-2`, or the next number that is not."""
    numbered = (f"{base}-{number}" for number in count(2))
    return next(name for name in chain([base], numbered) if name not in taken)


def model_names(repo: Repository) -> frozenset[str]:
    """The names of all models."""
    return frozenset(model.name for model in repo.models.all())
