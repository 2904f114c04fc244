"""What a user should know about the images before a training: few, uneven, doubled, torn.

Pure functions from counts to notes; `ml.plan` gathers the counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml.chosen import Chosen, Copies, images
from ml.events import Note

FEW = 10
"""A label with fewer training images than this gets a warning."""

UNEVEN = 10
"""So many times as many images for one label as for another get a warning."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many images of a label are trained on, and how many validate."""

    label: str
    train: int
    val: int


def of_left_out(chosen: Chosen) -> list[Note]:
    """The images that match and yet play no part."""
    notes = []
    if chosen.unlabelled:
        notes.append(Note("warning", f"{images(chosen.unlabelled)} left out: without a label"))
    if chosen.unassigned:
        notes.append(Note("warning", f"{images(chosen.unassigned)} left out: in no split"))
    return notes


def of_strange(labels: Sequence[str]) -> Note:
    """Labels that only validation images have."""
    return Note(
        "warning",
        "validation images are left out whose label no training image has: " + _listed(labels),
    )


def of_held_out(count: int) -> Note:
    """Validation images that were taken from the train split."""
    return Note(
        "info",
        f"the dataset has no labelled validation images: {images(count)} of the train "
        "split are held out in this run to choose the best weights",
    )


def of_counts(counts: Sequence[LabelCount], *, weighted: bool) -> list[Note]:
    """Labels with few images or none to validate with, and labels with very many more than others,
    unless they are `weighted` against that."""
    notes = []
    few = [f"{count.label} ({count.train})" for count in counts if count.train < FEW]
    if few:
        notes.append(Note("warning", f"fewer than {FEW} training images for: {_listed(few)}"))
    unchecked = [count.label for count in counts if not count.val]
    if unchecked:
        notes.append(Note("warning", f"no validation image for: {_listed(unchecked)}"))
    least = min(counts, key=lambda count: count.train)
    most = max(counts, key=lambda count: count.train)
    if most.train >= UNEVEN * least.train and not weighted:
        notes.append(
            Note(
                "warning",
                f"the labels are uneven: {images(most.train)} of {most.label}, {least.train:,} of "
                f"{least.label}; --class-weights makes them weigh alike",
            )
        )
    return notes


def of_budget(seconds: float, least: float) -> list[Note]:
    """A budget of `seconds` that is over before there is time to train: `least` is what everything
    but the training, and one step of it, takes."""
    if seconds >= least:
        return []
    text = f"{seconds:.0f} s are too few: beginning and ending alone take about {least:.0f} s"
    return [Note("warning", f"{text}, so there will be a single step")]


def of_copies(found: Copies) -> list[Note]:
    """Pictures on both sides of a split, and pictures with several labels."""
    notes = []
    sides = [(found.val, "validation"), (found.test, "test")]
    both = " and ".join(f"{count:,} {name}" for count, name in sides if count)
    if both:
        notes.append(
            Note(
                "warning",
                f"training sees the pictures of {both} image"
                f"{'' if found.val + found.test == 1 else 's'}, which makes figures too good; look "
                "with: pixshelf split --check",
            )
        )
    if found.torn:
        what = "picture has" if found.torn == 1 else "pictures have"
        notes.append(
            Note(
                "warning",
                f"{found.torn:,} {what} more than one label; look with: pixshelf duplicates pixels",
            )
        )
    return notes


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
