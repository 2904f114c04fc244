"""The closed sets of words that records and queries share.

They stand apart from the records, whose making takes a twentieth of the app's way to its first
frame, and which no query needs.
"""

from __future__ import annotations

from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

Look = Literal[
    "dark", "bright", "blank", "one-colour", "blurry", "odd-aspect", "odd-size", "animated"
]
LOOKS: tuple[Look, ...] = get_args(Look)
