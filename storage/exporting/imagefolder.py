"""A Hugging Face imagefolder: a folder for each split with the images' files and a metadata.csv
that says what is known of each."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from storage.exporting.folder import ending_of
from storage.exporting.manifests import split_word, tags_cell
from storage.exporting.selected import Progress, counted, with_data
from storage.exporting.target import new_folder
from storage.importing.layout import NO_SPLIT
from storage.query import Query, Term
from storage.records import SPLITS, ImageRecord
from storage.repository import Repository

COLUMNS = (
    "file_name",
    "label",
    "tags",
    "split",
    "source",
    "width",
    "height",
    "channels",
    "format",
    "bytes",
    "sha256",
)


def export_imagefolder(
    repo: Repository, query: Query, target: Path, *, progress: Progress | None = None
) -> int:
    """Write the images that match to a new folder, or into an empty one, as `load_dataset(
    "imagefolder", data_dir=…)` reads it; says how many.

    Files are called after the images' ids. Images without a split lie under `none`; where no image
    has one, everything lies directly in the folder. Importing it gives the same images, labels,
    splits and tags. Raises RefusedInput if `target` holds anything or cannot be written,
    StorageFull.
    """
    tell = counted(repo, query, progress)
    done = 0
    splits = repo.images.count(query.where(Term("split", ":", SPLITS))) > 0
    with new_folder(target) as root, ExitStack() as stack:
        tables: dict[Path, IO[str]] = {}
        for done, (image, data) in enumerate(with_data(repo, query), start=1):
            folder = root / (image.split or NO_SPLIT) if splits else root
            if folder not in tables:
                tables[folder] = stack.enter_context(_new_table(folder))
            name = f"{image.id}{ending_of(image)}"
            with (folder / name).open("xb") as file:
                file.write(data)
            csv.writer(tables[folder], lineterminator="\n").writerow(_values(name, image))
            tell(done)
    return done


def _new_table(folder: Path) -> IO[str]:
    folder.mkdir(exist_ok=True)
    file = (folder / "metadata.csv").open("x", encoding="utf-8", newline="")
    csv.writer(file, lineterminator="\n").writerow(COLUMNS)
    return file


def _values(name: str, image: ImageRecord) -> tuple[object, ...]:
    return (
        name,
        image.label or "",
        tags_cell(image.tags),
        split_word(image, carried=True),
        image.source,
        image.width,
        image.height,
        image.channels,
        image.format,
        image.bytes,
        image.sha256.hex(),
    )
