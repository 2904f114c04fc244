"""All the images that a query selects, page by page: a large dataset needs little memory."""

from __future__ import annotations

from collections.abc import Iterator

from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository

PAGE = 500


def pages(repo: Repository, query: Query) -> Iterator[tuple[ImageRecord, ...]]:
    """Every image that matches, in the query's order, in pages."""
    after = None
    while True:
        page = repo.images.page(query, limit=PAGE, after=after)
        if page.images:
            yield page.images
        if page.next is None:
            return
        after = page.next
