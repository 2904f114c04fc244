"""A folder of pictures on disk, or a single picture, as a Source.

Read one directory at a time in the order of names, so that memory stays small however many files
there are. Links that lead out of the folder, and links to folders, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from storage.errors import RefusedInput
from storage.importing.layout import Layout, Place, is_ignored, layout_of
from storage.importing.sources import Entry, Refusal, Source, printable

DEEPEST = 64


def open_folder(root: Path) -> Source:
    """The folder as a Source. Raises RefusedInput if it cannot be read."""
    layout = layout_of(_outline(root))
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
    names = _folders(root)
    if len(names) != 1:
        return {(name,) for name in names}
    (name,) = names
    return {(name,), *((name, below) for below in _folders(root / name))}


def _folders(folder: Path) -> list[str]:
    return [item.name for item in _listing(folder) if item.is_dir(follow_symlinks=False)]


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            found = [item for item in items if not is_ignored(item.name)]
    except OSError as error:
        raise RefusedInput(
            f"the folder cannot be read: {error.strerror or error}", hint=str(folder)
        ) from error
    found.sort(key=lambda item: item.name)
    return found


def _walk(
    folder: Path, root: Path, above: tuple[str, ...], layout: Layout
) -> Iterator[Entry | Refusal]:
    prefix = "".join(f"{name}/" for name in above)
    try:
        items = _listing(folder)
    except RefusedInput as error:
        yield Refusal(printable(prefix) or ".", error.message)
        return
    place: Place | None
    try:
        place, reason = layout.place(above), ""
    except RefusedInput as error:
        place, reason = None, error.message
    below = []
    for item in items:
        source = printable(prefix + item.name)
        if item.is_file(follow_symlinks=False):
            refusal = reason
        elif item.is_dir(follow_symlinks=False):
            below.append(item.name)
            continue
        else:
            refusal = _why_not(item, root) or reason
        if place is None or refusal:
            yield Refusal(source, refusal)
        else:
            yield Entry(source, item.path, place.label, place.split)
    for name in below:
        if len(above) + 1 >= DEEPEST:
            yield Refusal(printable(prefix + name), f"it lies more than {DEEPEST} folders deep")
        else:
            yield from _walk(folder / name, root, (*above, name), layout)


def _why_not(item: os.DirEntry[str], root: Path) -> str:
    """Why something that is neither a file nor a folder is refused; '' for a link that will do."""
    if not item.is_symlink():
        return "it is not a regular file"
    target = Path(os.path.realpath(item.path))
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
