"""What the manifests have in common: files beside them, and cells that import reads back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from storage.errors import RefusedInput
from storage.exporting.folder import ending_of, folder_name
from storage.exporting.target import new_file, new_files
from storage.importing.layout import NO_SPLIT
from storage.records import ImageRecord

Carried = Literal["files", "base64"] | None
"""How a manifest carries the images' bytes: in files beside it, within it, or not at all."""


class Places(NamedTuple):
    """Where to write a manifest, and the folder for its files with the name it will have."""

    manifest: Path
    files: Path | None
    name: str

    def write(self, image: ImageRecord, data: bytes) -> str:
        """Write an image's file; gives its path as the manifest has it."""
        if self.files is None:
            raise RuntimeError("this manifest has no files beside it")
        name = f"{image.id}{ending_of(image)}"
        with (self.files / name).open("xb") as file:
            file.write(data)
        return f"{self.name}/{name}"


@contextmanager
def new_manifest(target: Path, *, files: bool) -> Iterator[Places]:
    """Places to write to, for `target` and, with `files`, a folder beside it called after it:
    `list-files` for `list.csv`. Both are there in the end, or neither."""
    if not files:
        with new_file(target) as partial:
            yield Places(partial, None, "")
        return
    try:
        name = f"{folder_name(target.stem)}-files"
        name.encode()
    except UnicodeEncodeError as error:
        raise RefusedInput(
            f"the name {target.name!a} is not UTF-8, and the manifest has to say it",
            hint="Choose another name.",
        ) from error
    # The files first: a manifest that is there has them.
    with new_files(target.with_name(name), target) as (folder, partial):
        folder.mkdir()
        yield Places(partial, folder, name)


def split_word(image: ImageRecord, *, carried: bool) -> str:
    """The split as a manifest says it. Where the images come along, 'none' stands for no split, so
    that the import does not choose one."""
    return image.split or (NO_SPLIT if carried else "")


def tags_cell(tags: tuple[str, ...]) -> str:
    """Tags in one cell: parted by commas, or a JSON list where that would be read otherwise."""
    plain = ",".join(tags)
    if ";" in plain or plain.startswith("["):
        return json.dumps(tags, ensure_ascii=False)
    return plain


def time_text(seconds: int) -> str:
    """A stored time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
