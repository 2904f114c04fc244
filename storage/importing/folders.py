"""A folder of pictures on disk, or a single picture, as a Source.

Read one directory at a time in the order of names, so that memory stays small however many files
there are. Links that lead out of the folder, and links to folders, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from storage.errors import RefusedInput
from storage.importing.folder_labels import read_labels
from storage.importing.layout import Layout, Place, is_ignored, layout_of
from storage.importing.sources import Entry, Refusal, Source, printable

DEEPEST = 64


def open_folder(root: Path) -> Source:
    """The folder as a Source. Raises RefusedInput if it, or the list of its labels, cannot be
    read."""
    layout = replace(layout_of(_outline(root)), labels=read_labels(root))
    return Source(
        format="folder",
        entries=lambda: _walk(root, root.resolve(), (), layout),
        count=lambda: _count(root),
    )


def open_image(path: Path) -> Source:
    """One picture as a Source."""
    entry = Entry(printable(path.name), str(path))
    return Source(format="image", entries=lambda: iter([entry]), count=lambda: 1)


def _outline(root: Path) -> set[tuple[str, ...]]:
    names = _listing(root).folders
    if len(names) != 1:
        return {(name,) for name in names}
    (name,) = names
    return {(name,), *((name, below) for below in _listing(root / name).folders)}


class _Listing(NamedTuple):
    """What lies in a folder, by name, in order: plain names, so that a million take little room.
    `odd` are those of the files that are links, pipes and the like."""

    files: list[str]
    folders: list[str]
    odd: set[str]


def _listing(folder: Path) -> _Listing:
    found = _Listing([], [], set())
    try:
        with os.scandir(folder) as items:
            for item in items:
                if is_ignored(item.name):
                    continue
                if item.is_dir(follow_symlinks=False):
                    found.folders.append(item.name)
                    continue
                found.files.append(item.name)
                if not item.is_file(follow_symlinks=False):
                    found.odd.add(item.name)
    except OSError as error:
        raise RefusedInput(
            f"the folder cannot be read: {error.strerror or error}", hint=str(folder)
        ) from error
    found.files.sort()
    found.folders.sort()
    return found


def _walk(
    folder: Path, root: Path, above: tuple[str, ...], layout: Layout
) -> Iterator[Entry | Refusal]:
    prefix = "".join(f"{name}/" for name in above)
    try:
        listing = _listing(folder)
    except RefusedInput as error:
        yield Refusal(printable(prefix) or ".", error.message)
        return
    place, reason = _place(layout, above)
    start = f"{folder}{os.sep}"
    for name in listing.files:
        source = printable(prefix + name)
        path = start + name
        refusal = (_why_not(path, root) if name in listing.odd else "") or reason
        if refusal:
            yield Refusal(source, refusal)
        else:
            yield Entry(source, path, place.label, place.split)
    for name in listing.folders:
        if len(above) + 1 >= DEEPEST:
            yield Refusal(printable(prefix + name), f"it lies more than {DEEPEST} folders deep")
        else:
            yield from _walk(folder / name, root, (*above, name), layout)


def _place(layout: Layout, folders: tuple[str, ...]) -> tuple[Place, str]:
    """What the folders say, or why everything in them is refused."""
    try:
        return layout.place(folders), ""
    except RefusedInput as error:
        return Place(None, None), error.message


def _why_not(path: str, root: Path) -> str:
    """Why something that is no plain file is refused; '' for a link that will do."""
    if not os.path.islink(path):
        return "it is not a regular file"
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(root):
        return "it is a link that leads outside the folder"
    if target.is_dir():
        return "it is a link to a folder"
    return "" if target.is_file() else "it is a link that leads nowhere"


def _count(root: Path) -> int:
    total = 0
    for _, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_ignored(name)]
        total += sum(not is_ignored(name) for name in files)
    return total
