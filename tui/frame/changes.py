"""What the app tells its screens when the dataset changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui.frame.edits import Edit

What = Literal[
    "edit",
    "stored",
    "refused",
    "undo",
    "import",
    "predictions",
    "training",
    "others",
    "refresh",
]


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed. An 'edit' was asked for and is to be shown by `edit.apply` at once; it is
    then 'stored' or 'refused', and what is shown should be read anew. The others are done when
    they are told; 'others' is what somebody else did. `images` are those concerned, None where
    that may be any. `moves` says that others came into a list of all images, or went."""

    what: What
    images: Sequence[int] | None = None
    edit: Edit | None = None
    moves: bool = False
