"""What is said of an image in a line below it, or in a letter beside it.

Pure functions: of what is known of an image and the room there is, the best that fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.plain.text import printable, shorten, width

if TYPE_CHECKING:
    from storage.records import ImagePrediction, ImageRecord

Role = Literal["label", "muted", "wrong", "tag"]
_SPLITS = {"train": "tr", "val": "va", "test": "te"}
CROSS = "\N{MULTIPLICATION SIGN}"
_ROOMY = 24
_LONGEST = 80
"""So much of a label is looked at; more never fits."""


class Piece(NamedTuple):
    """A few words, and what they are."""

    text: str
    role: Role


def caption(record: ImageRecord, room: int) -> list[Piece]:
    """What fits into `room` columns: the label, where a model answers otherwise its answer, how
    sure it is, a dot for tags, the split."""
    label = "" if record.label is None else _shown(record.label)
    tags = [Piece(" •", "tag")] if record.tags else []
    split = _split(record, room)
    answer = record.prediction
    if answer is None or answer.wrong is False:
        first = [Piece(label, "label") if label else Piece("-", "muted")]
        sure = [Piece(f" {answer.confidence:.0%}", "muted")] if answer else []
    else:
        first, sure = _answered(label, answer, room)
    for pieces in ([*first, *sure, *tags, *split], [*first, *sure, *tags], [*first, *sure], first):
        if sum(width(piece.text) for piece in pieces) <= room:
            return pieces
    return [Piece(shorten(first[0].text, room), first[0].role)]


def marker(record: ImageRecord | None) -> tuple[str, Role]:
    """One letter, one column wide: the label's first, '·' where there is none, a cross where a
    model is wrong."""
    if record is None:
        return " ", "muted"
    if record.prediction is not None and record.prediction.wrong:
        return CROSS, "wrong"
    first = _shown(record.label)[:1] if record.label else ""
    if not first:
        return "·", "muted"
    return (first if width(first) == 1 and ord(first) < 0x10000 else "?"), "label"


def _answered(label: str, answer: ImagePrediction, room: int) -> tuple[list[Piece], list[Piece]]:
    """A label and an answer that is another, or an answer where there is no label."""
    said = _shown(answer.label)
    role: Role = "wrong" if answer.wrong else "muted"
    sign = "≠" if answer.wrong else "→"
    sure = f" {answer.confidence:.0%}"
    left = room - len(sure) - 1
    if width(label) + width(said) > left >= 5:
        half = max(left // 2, left - width(said), 1)
        label = shorten(label, min(half, width(label)))
        said = shorten(said, max(1, left - width(label)))
    first = [Piece(label, "label")] if label else []
    return [*first, Piece(f"{sign}{said}", role)], [Piece(sure, "muted")]


def _split(record: ImageRecord, room: int) -> list[Piece]:
    if record.split is None:
        return []
    word = record.split if room >= _ROOMY else _SPLITS[record.split]
    return [Piece(f" {word}", "muted")]


def _shown(text: str) -> str:
    return printable(text[:_LONGEST])
