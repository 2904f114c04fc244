"""Another dataset file with some of the images of this one."""

from __future__ import annotations

from pathlib import Path

from storage.exporting.selected import Progress
from storage.exporting.target import new_file_among_others
from storage.merging import Options, merge
from storage.opening import open_repository
from storage.query import Query
from storage.repository import Repository


def export_dataset(
    repo: Repository,
    query: Query,
    target: Path,
    *,
    models: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write a new dataset file with the images that match, in the query's order, with their bytes,
    labels, splits, tags, thumbnails and sources; says how many.

    With `models`, the models come too, with what they said of these images. Ids, times of import,
    trainings and the history do not. Raises RefusedInput if `target` exists or cannot be written,
    StorageFull, and DatasetError for an image whose bytes are not those that were stored.
    """
    options = Options(actor="export", models=models)
    with (
        new_file_among_others(target) as partial,
        # Closed before the file gets its name.
        open_repository(partial, create=True) as made,
    ):
        return merge(made, repo, query, options, progress=progress).added
