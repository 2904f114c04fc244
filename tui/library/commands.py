"""What the library shows and can do, as command lines."""

from __future__ import annotations

from collections.abc import Sequence

from storage.query import Query
from tui.frame.edits import ids_word
from tui.library.query_words import words_of

MOST_IDS = 500
"""More ids than that are no command line that anybody wants."""

Command = tuple[str, tuple[str, ...]]
"""What it does, and the words after `pixshelf`."""


def commands_of(
    query: Query, images: Sequence[int], listed: int | None, labels: Sequence[str]
) -> list[Command]:
    """What can be done with a query and with the images that are meant. `listed` is how many the
    query has, None where that is not known, or may not be so any more. Where they are all of them
    the query stands for them; too many to name are left out, with what is done to them."""
    asked = tuple(words_of(query))
    plain = tuple(words_of(query, ordered=False))
    found: list[Command] = [
        ("list the images", ("ls", *asked, "--limit", "0")),
        ("count the dataset's images", ("stats",)),
        ("export the images", ("export", "images/", *plain)),
        ("share them out into splits", ("split", *plain, "--ratios", "80/10/10")),
        ("classify them", ("predict", "--query", " ".join(plain) or "id>0", "--save")),
    ]
    meant = _meant(plain, images, listed)
    if meant:
        label = next((each for each in labels if not each.startswith("-")), "LABEL")
        found += [
            ("show the image", ("show", str(images[0]))),
            (f"label {_them(images)}", ("label", *meant, label)),
            (f"clear the label of {_them(images)}", ("label", "--clear", *meant)),
            (f"tag {_them(images)}", ("tag", "add", "TAG", *meant)),
            (f"untag {_them(images)}", ("tag", "rm", "TAG", *meant)),
            (f"put {_them(images)} into a split", ("split", *_as_query(meant), "--to", "test")),
            (f"move {_them(images)} to the trash", ("rm", *meant)),
            (f"restore {_them(images)}", ("restore", *meant)),
        ]
    return found


def _meant(plain: tuple[str, ...], images: Sequence[int], listed: int | None) -> tuple[str, ...]:
    """The images as words; nothing where they cannot be said."""
    if plain and listed is not None and 1 < len(images) == listed:
        return plain
    return (ids_word(tuple(images)),) if 0 < len(images) <= MOST_IDS else ()


def _as_query(meant: tuple[str, ...]) -> tuple[str, ...]:
    return (f"id:{meant[0]}",) if meant[0][0].isdigit() else meant


def _them(images: Sequence[int]) -> str:
    return f"image {images[0]}" if len(images) == 1 else f"{len(images):,} images"
