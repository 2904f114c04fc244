"""The images that a query selects, page by page, for every form of export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from storage.paging import pages
from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def records(repo: Repository, query: Query) -> Iterator[ImageRecord]:
    """Every image that matches, in the query's order."""
    return chain.from_iterable(pages(repo, query))


def with_data(repo: Repository, query: Query) -> Iterator[tuple[ImageRecord, bytes]]:
    """The same, with the bytes as they were given."""
    for page in pages(repo, query):
        data = repo.images.iter_data([image.id for image in page])
        for image, (_, content) in zip(page, data, strict=True):
            yield image, content


def counted(repo: Repository, query: Query, progress: Progress | None) -> Callable[[int], None]:
    """A function to call with how many are done."""
    if progress is None:
        return _nothing
    total = repo.images.count(query)
    return lambda done: progress(done, total)


def _nothing(done: int) -> None:
    """What stands in for progress where none is wanted."""
