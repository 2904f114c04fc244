"""What is exported with its bytes comes back by import as it was: bytes, labels, splits, tags."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import RefusedInput
from storage.exporting import (
    export_csv,
    export_dataset,
    export_folder,
    export_imagefolder,
    export_jsonl,
)
from storage.importing.pipeline import import_source
from storage.labels import clean_label, clean_tag
from storage.opening import open_repository
from storage.pictures import describe
from storage.query import Query
from storage.records import SPLITS, ImageRecord, NewImage, Split
from storage.repository import Repository
from tests.made_pictures import picture
from tests.making import add_images

PICTURES = [picture(seed, 3, 2, kind) for seed, kind in enumerate(("PNG", "GIF", "BMP", "TIFF"))]
HOSTILE = [
    "a/b",
    "..",
    "../../etc/passwd",
    ".hidden",
    "CON",
    "con.txt",
    'say "cheese", please',
    "-rf",
    "--label",
    "🐈",
    "e\u0301",
    "none",
    "train",
    "Test",
    "cat",
    "CAT",
    "=SUM(A1)",
    "a;b",
    '["a"]',
    "100%",
    "dot.",
    "null",
    "字" * 200,
    "x" * 200,
]


class Kept(NamedTuple):
    """What must come back of an image."""

    sha256: bytes
    label: str | None
    split: Split | None
    tags: frozenset[str]
    source: str


def cleaned(clean: Callable[[str], str]) -> Callable[[str], str | None]:
    """Texts that a dataset takes, in the form that it keeps; None for others."""

    def take(text: str) -> str | None:
        try:
            return clean(text)
        except RefusedInput:
            return None

    return take


def words(clean: Callable[[str], str]) -> st.SearchStrategy[str]:
    texts = st.sampled_from(HOSTILE) | st.text(max_size=12)
    return texts.map(cleaned(clean)).filter(bool).map(str)


made = st.tuples(
    st.none() | words(clean_label),
    st.none() | st.sampled_from(SPLITS),
    st.frozensets(words(clean_tag), max_size=3),
    st.sampled_from(["a.png", "sub/b.jpg", "nothing", "odd\nname.png", " x #1", "-", ".png"]),
)


def image_of(data: bytes, given: tuple[str | None, Split | None, frozenset[str], str]) -> NewImage:
    facts = describe(data)
    label, split, tags, source = given
    return NewImage(
        data=data,
        sha256=hashlib.sha256(data).digest(),
        pixel_hash=facts.pixel_hash,
        dhash=facts.dhash,
        width=facts.width,
        height=facts.height,
        channels=facts.channels,
        format=facts.format,
        source=source,
        label=label,
        split=split,
        tags=tuple(sorted(tags)),
    )


def kept(image: ImageRecord) -> Kept:
    return Kept(image.sha256, image.label, image.split, frozenset(image.tags), image.source)


def everything(repo: Repository) -> list[Kept]:
    return sorted((kept(image) for image in repo.images.page(Query(), limit=1000).images), key=str)


def to_csv(repo: Repository, folder: Path) -> Path:
    export_csv(repo, Query(), folder / "list.csv", carried="files")
    return folder / "list.csv"


def to_jsonl(repo: Repository, folder: Path) -> Path:
    export_jsonl(repo, Query(), folder / "list.jsonl", carried="files")
    return folder / "list.jsonl"


def to_base64(repo: Repository, folder: Path) -> Path:
    export_jsonl(repo, Query(), folder / "list.jsonl", carried="base64")
    return folder / "list.jsonl"


def to_imagefolder(repo: Repository, folder: Path) -> Path:
    export_imagefolder(repo, Query(), folder / "images")
    return folder / "images"


CARRYING = [to_csv, to_jsonl, to_base64, to_imagefolder]


@pytest.mark.parametrize("export", CARRYING)
@settings(max_examples=12, deadline=None)
@given(images=st.lists(made, min_size=1, max_size=len(PICTURES)))
def test_what_carries_bytes_comes_back_the_same(
    export: Callable[[Repository, Path], Path],
    images: list[tuple[str | None, Split | None, frozenset[str], str]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_repository(folder / "first.db", create=True) as first:
            add_images(first, *map(image_of, PICTURES, images))
            target = export(first, folder)
            before = everything(first)
        with open_repository(folder / "second.db", create=True) as second:
            report = import_source(second, target)
            assert (report.refusals, report.notes) == ((), ())
            assert everything(second) == before


@settings(max_examples=12, deadline=None)
@given(images=st.lists(made, min_size=1, max_size=len(PICTURES)))
def test_a_dataset_file_holds_the_same(
    images: list[tuple[str | None, Split | None, frozenset[str], str]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_repository(folder / "first.db", create=True) as first:
            add_images(first, *map(image_of, PICTURES, images))
            export_dataset(first, Query(), folder / "second.db")
            with open_repository(folder / "second.db") as second:
                assert everything(second) == everything(first)
                assert list(second.check()) == []


@settings(max_examples=12, deadline=None)
@given(
    images=st.lists(made, min_size=1, max_size=len(PICTURES)),
    splits=st.booleans(),
)
def test_folders_of_labels_come_back_with_bytes_labels_and_splits(
    images: list[tuple[str | None, Split | None, frozenset[str], str]], splits: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_repository(folder / "first.db", create=True) as first:
            given = [
                (label, split if splits else None, tags, at) for label, split, tags, at in images
            ]
            add_images(first, *map(image_of, PICTURES, given))
            export_folder(first, Query(), folder / "out")
            before = everything(first)
        with open_repository(folder / "second.db", create=True) as second:
            assert import_source(second, folder / "out").refusals == ()
            after = everything(second)
    assert [image[:2] for image in after] == [image[:2] for image in before]
    if any(image.split for image in before):
        assert [image.split for image in after] == [image.split for image in before]
