"""What an attempt to copy that was cut off leaves, and the next goes on with.
tests/faults/test_copy_faults.py cuts whole processes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from storage.copying import copy_dataset
from storage.errors import ConnectionLost, DatasetError, RefusedInput
from storage.opening import open_repository
from tests.copies import (
    KINDS,
    CutOff,
    FilePlace,
    NewPlace,
    Place,
    both_ways,
    content,
    cut_at,
    each_kind,
    filled,
    new_place,
    source,
)
from tests.making import add_images, new_image

__all__ = ["new_place", "source"]


@pytest.mark.parametrize(
    "point", ["copying image", "copying image_data", "copying event", "verifying image_data"]
)
@both_ways
def test_an_attempt_that_was_cut_off_is_gone_on_with(
    one: str, other: str, point: str, new_place: NewPlace
) -> None:
    source, target = new_place(one), new_place(other)
    with filled(source):
        pass
    with pytest.raises(CutOff):
        copy_dataset(source.url, target.url, progress=cut_at(point))
    assert target.has_unfinished()
    with pytest.raises(DatasetError, match="there is no dataset"):
        open_repository(target.url)
    report = copy_dataset(source.url, target.url)
    assert report.resumed
    assert (report.kept > 0) == (point != "copying image")
    assert content(target) == content(source)
    assert not target.has_unfinished()


@both_ways
def test_what_was_edited_between_two_attempts_is_in_the_copy(
    one: str, other: str, new_place: NewPlace
) -> None:
    source, target = new_place(one), new_place(other)
    with filled(source) as repo:
        with pytest.raises(CutOff):
            copy_dataset(source.url, target.url, progress=cut_at("verifying label"))
        repo.images.set_label([1, 2, 3], "new name", actor="test")
        repo.images.delete([21, 22], actor="test")
        repo.images.set_thumbnails({1: b"other", 21: b"SMALL"})
        repo.vacuum()
        # The last ids are given again, to other bytes.
        add_images(repo, new_image(500), new_image(501, thumbnail=b"another"))
        repo.models.remove(2)
        repo.runs.remove(1)
        report = copy_dataset(source.url, target.url)
    assert report.resumed
    assert report.kept > 0
    assert content(target) == content(source)


@each_kind
def test_an_unfinished_copy_cannot_be_opened(kind: str, source: Place, new_place: NewPlace) -> None:
    target = new_place(kind)

    def look() -> None:
        with pytest.raises(DatasetError, match="there is no dataset"):
            open_repository(target.url)
        if isinstance(target, FilePlace):
            with pytest.raises(DatasetError, match="of another program"):
                open_repository(target.unfinished)

    seen: list[str] = []

    def progress(what: str, done: int, total: int) -> None:
        look()
        seen.append(what)

    copy_dataset(source.url, target.url, progress=progress)
    assert {"copying event", "verifying event", "making indexes"} <= set(seen)


@each_kind
def test_an_unfinished_copy_of_another_source_is_refused_until_restarted(
    kind: str, source: Place, new_place: NewPlace
) -> None:
    other, target = new_place("sqlite"), new_place(kind)
    with filled(other) as repo:
        repo.images.set_label([9], "only here", actor="test")
    with pytest.raises(CutOff):
        copy_dataset(source.url, target.url, progress=cut_at("verifying image"))
    for dry_run in (True, False):
        with pytest.raises(RefusedInput, match=re.escape(source.url)) as caught:
            copy_dataset(other.url, target.url, dry_run=dry_run)
        assert "--restart" in str(caught.value.hint)
    report = copy_dataset(other.url, target.url, restart=True)
    assert not report.resumed
    assert content(target) == content(other)


def test_a_dry_run_tells_of_an_unfinished_copy(source: Place, new_place: NewPlace) -> None:
    for kind in KINDS:
        target = new_place(kind)
        with pytest.raises(CutOff):
            copy_dataset(source.url, target.url, progress=cut_at("verifying image"))
        assert copy_dataset(source.url, target.url, dry_run=True).resumed


def test_a_file_cut_off_between_its_last_write_and_its_name_is_gone_on_with(
    source: Place, new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(copy: Path, target: Path) -> None:
        raise CutOff

    target = new_place("sqlite")
    with monkeypatch.context() as patch:
        patch.setattr("storage.sqlite.tables.put_in_place", cut)
        with pytest.raises(CutOff):
            copy_dataset(source.url, target.url)
    report = copy_dataset(source.url, target.url)
    assert report.resumed
    assert content(target) == content(source)


def test_the_second_name_of_a_dataset_that_was_published_and_moved_is_not_written(
    source: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    target, moved = new_place("sqlite"), tmp_path / "moved.db"
    assert isinstance(target, FilePlace)
    copy_dataset(source.url, target.url)
    os.link(target.path, target.unfinished)
    target.path.rename(moved)
    before = moved.read_bytes()
    assert not copy_dataset(source.url, target.url).resumed
    assert moved.read_bytes() == before
    assert content(target) == content(source)


def test_a_copy_cut_off_in_its_last_step_says_that_it_is_gone_on_with(
    source: Place, new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = new_place("postgres")
    with monkeypatch.context() as patch:
        ends = "SELECT pg_terminate_backend(pg_backend_pid())"
        patch.setattr("storage.postgres.tables._last_statements", lambda: iter([ends]))
        with pytest.raises(ConnectionLost) as caught:
            copy_dataset(source.url, target.url)
    assert caught.value.hint == "What was copied is kept: the same command goes on with it."
    report = copy_dataset(source.url, target.url)
    assert report.resumed
    assert report.kept
    assert content(target) == content(source)
