"""One dataset into another: what comes, what conflicts, and that cutting it short does no harm."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage.merging
import storage.paging
from storage.errors import DatasetError, UsageError
from storage.merging import MergeReport, Options, Prefer, decide, merge
from storage.opening import open_repository
from storage.query import Query, parse
from storage.records import ImageRecord
from storage.repository import Repository
from tests.making import add_images, new_image, new_model, new_prediction

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "ours.db", create=True) as repo:
        yield repo


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "theirs.db", create=True) as repo:
        yield repo


def merged(
    ours: Repository,
    theirs: Repository,
    query: str = "",
    *,
    prefer: Prefer = "ours",
    models: bool = False,
    dry_run: bool = False,
) -> MergeReport:
    options = Options("test", prefer=prefer, models=models, dry_run=dry_run)
    return merge(ours, theirs, parse(query), options)


def all_of(repo: Repository) -> list[ImageRecord]:
    return list(repo.images.page(Query(), limit=10_000).images)


def facts(repo: Repository) -> list[tuple[object, ...]]:
    return sorted(
        (image.sha256, image.label, image.split, image.tags, image.source) for image in all_of(repo)
    )


def test_new_images_come_with_all_they_have(ours: Repository, theirs: Repository) -> None:
    given = [
        new_image(1, label="cat", split="val", tags=("x", "y"), thumbnail=b"small"),
        new_image(2),
    ]
    add_images(theirs, *given)
    report = merged(ours, theirs)
    assert (report.images, report.added, report.there, report.actions) == (2, 2, 0, 0)
    assert [image for _, image in ours.images.stored([1, 2])] == given


def test_only_what_the_query_selects_comes(ours: Repository, theirs: Repository) -> None:
    add_images(theirs, new_image(1, label="cat"), new_image(2, label="dog"))
    assert merged(ours, theirs, "label:dog").added == 1
    assert [image.label for image in all_of(ours)] == ["dog"]


@pytest.mark.parametrize(
    ("prefer", "label", "split"),
    [("ours", "cat", "train"), ("theirs", "dog", "test"), ("neither", None, None)],
)
def test_where_both_say_something_else_the_preference_decides(
    ours: Repository, theirs: Repository, prefer: Prefer, label: str | None, split: str | None
) -> None:
    (image,) = add_images(ours, new_image(1, label="cat", split="train"))
    add_images(theirs, new_image(1, label="dog", split="test"))
    report = merged(ours, theirs, prefer=prefer)
    assert (report.label_conflicts, report.split_conflicts) == (1, 1)
    assert [(c.image, c.what, c.ours, c.theirs) for c in report.conflicts] == [
        (image, "label", "cat", "dog"),
        (image, "split", "train", "test"),
    ]
    found = ours.images.get(image)
    assert (found.label, found.split) == (label, split)


def test_what_ours_does_not_say_is_taken_from_theirs(ours: Repository, theirs: Repository) -> None:
    (image,) = add_images(ours, new_image(1))
    add_images(theirs, new_image(1, label="dog", split="test"))
    report = merged(ours, theirs)
    assert (report.label_conflicts, report.relabelled, report.resplit) == (0, 1, 1)
    assert ours.images.get(image).label == "dog"


def test_tags_of_both_are_kept(ours: Repository, theirs: Repository) -> None:
    (image,) = add_images(ours, new_image(1, tags=("a", "b")))
    add_images(theirs, new_image(1, tags=("b", "c")))
    assert merged(ours, theirs).retagged == 1
    assert ours.images.get(image).tags == ("a", "b", "c")


def test_all_labels_that_change_are_one_action(ours: Repository, theirs: Repository) -> None:
    ids = add_images(ours, *(new_image(n, label="old") for n in range(3)))
    add_images(theirs, *(new_image(n, label=f"new {n}") for n in range(3)))
    report = merged(ours, theirs, prefer="theirs")
    assert (report.relabelled, report.actions, len(ours.history.actions())) == (3, 1, 1)
    ours.history.undo()
    assert [ours.images.get(image).label for image in ids] == ["old"] * 3


def test_images_in_our_trash_stay_there_as_they_are(ours: Repository, theirs: Repository) -> None:
    (image,) = add_images(ours, new_image(1))
    ours.images.delete([image], actor="test")
    add_images(theirs, new_image(1, label="dog"))
    report = merged(ours, theirs)
    assert (report.there, report.trashed, report.relabelled) == (1, 1, 0)
    assert ours.images.get(image).deleted


def test_images_in_their_trash_are_left_out(ours: Repository, theirs: Repository) -> None:
    theirs.images.delete(add_images(theirs, new_image(1)), actor="test")
    assert merged(ours, theirs).images == 0


@pytest.mark.parametrize("prefer", ["ours", "theirs", "neither"])
def test_merging_again_changes_nothing(
    ours: Repository, theirs: Repository, prefer: Prefer
) -> None:
    add_images(ours, new_image(1, label="cat"), new_image(2, split="val"), new_image(3))
    add_images(theirs, *(new_image(n, label="dog", split="test", tags=("t",)) for n in range(5)))
    merged(ours, theirs, prefer=prefer)
    before = facts(ours)
    report = merged(ours, theirs, prefer=prefer)
    assert (report.added, report.relabelled, report.resplit, report.retagged) == (0, 0, 0, 0)
    assert (facts(ours), report.actions) == (before, 0)


@pytest.mark.parametrize("ours_has", [None, "a", "b"])
@pytest.mark.parametrize("theirs_has", [None, "a", "b"])
@pytest.mark.parametrize("prefer", ["ours", "theirs", "neither"])
def test_a_decision_stands_when_it_is_made_again(
    ours_has: str | None, theirs_has: str | None, prefer: Prefer
) -> None:
    once = decide(ours_has, theirs_has, prefer)
    assert decide(once, theirs_has, prefer) == once


def test_a_dry_run_counts_and_writes_nothing(ours: Repository, theirs: Repository) -> None:
    add_images(ours, new_image(1, label="cat"))
    add_images(theirs, new_image(1, label="dog", tags=("t",)), new_image(2))
    theirs.models.add(new_model("cat", "dog"))
    before = facts(ours)
    report = merged(ours, theirs, prefer="theirs", models=True, dry_run=True)
    assert (report.added, report.there, report.relabelled, report.retagged) == (1, 1, 1, 1)
    assert (report.label_conflicts, report.models, report.actions) == (1, 1, 0)
    assert (facts(ours), ours.models.all(), ours.history.actions()) == (before, [], [])


def test_models_come_with_what_they_said(ours: Repository, theirs: Repository) -> None:
    (mine,) = add_images(ours, new_image(2))
    one, two = add_images(theirs, new_image(1, label="b"), new_image(2))
    model = theirs.models.add(new_model("a", "b"))
    theirs.predictions.save(model, [new_prediction(one, "a", 0.9), new_prediction(two, "b", 0.7)])
    report = merged(ours, theirs, models=True)
    assert (report.models, report.predictions) == (1, 2)
    (record,) = ours.models.all()
    assert (record.labels, record.run) == (("a", "b"), None)
    assert ours.models.weights(record.id) == theirs.models.weights(model)
    (said,) = ours.predictions.of_image(mine)
    assert (said.label, said.confidence) == ("b", 0.7)
    again = merged(ours, theirs, models=True)
    assert (again.models, again.predictions, len(ours.models.all())) == (0, 0, 1)


def test_without_asking_no_model_comes(ours: Repository, theirs: Repository) -> None:
    add_images(theirs, new_image(1))
    theirs.models.add(new_model("a", "b"))
    merged(ours, theirs)
    assert ours.models.all() == []


def test_a_dataset_is_not_merged_into_itself(ours: Repository) -> None:
    with pytest.raises(UsageError, match="into itself"):
        merged(ours, ours)


def test_bytes_that_are_not_what_was_stored_are_refused(
    ours: Repository, theirs: Repository
) -> None:
    add_images(theirs, new_image(1))
    with sqlite3.connect(theirs.url) as connection:
        connection.execute("UPDATE image_data SET data = x'00'")
    connection.close()
    with pytest.raises(DatasetError, match="is not what was stored"):
        merged(ours, theirs)
    assert all_of(ours) == []


def test_a_merge_that_stopped_half_way_ends_the_same_when_run_again(
    ours: Repository, theirs: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.paging, "PAGE", 3)
    monkeypatch.setattr(storage.merging, "BATCH_IMAGES", 2)
    mine = [new_image(n, label="cat") for n in range(4)]
    add_images(ours, *mine)
    add_images(theirs, *(new_image(n, label="dog", tags=("t",)) for n in range(12)))

    def stop(done: int, total: int) -> None:
        if done > 6:
            raise KeyboardInterrupt

    options = Options("test", prefer="theirs")
    with pytest.raises(KeyboardInterrupt):
        merge(ours, theirs, Query(), options, progress=stop)
    assert 4 < len(all_of(ours)) < 12
    merge(ours, theirs, Query(), options)
    with open_repository(tmp_path / "straight.db", create=True) as straight:
        add_images(straight, *mine)
        merge(straight, theirs, Query(), options)
        assert facts(ours) == facts(straight)
        assert [a.summary for a in ours.history.actions()] == [
            a.summary for a in straight.history.actions()
        ]


def test_a_merge_that_was_killed_ends_the_same_when_run_again(
    theirs: Repository, tmp_path: Path
) -> None:
    add_images(theirs, *(new_image(n, label="dog", split="val") for n in range(3_000)))
    place = tmp_path / "killed.db"
    code = (
        "import sys, storage.merging as m\n"
        "from storage.opening import open_repository as o\n"
        "from storage.query import Query\n"
        "m.BATCH_IMAGES = 50\n"
        "with o(sys.argv[1], create=True) as ours, o(sys.argv[2]) as theirs:\n"
        "    m.merge(ours, theirs, Query(), m.Options('test'))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(place), theirs.url], cwd=ROOT)
    while child.poll() is None and _images_in(place) < 100:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with open_repository(place, create=True) as ours:
        assert len(all_of(ours)) % 50 == 0
        merged(ours, theirs)
        assert facts(ours) == facts(theirs)


def _images_in(place: Path) -> int:
    if not place.exists():
        return 0
    connection = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM image").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()


def test_reading_two_at_a_time_brings_the_same_images(
    ours: Repository, theirs: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sqlite.stored._PAGE", 2)
    add_images(theirs, *(new_image(n, label="dog") for n in range(5)))
    merged(ours, theirs)
    assert facts(ours) == facts(theirs)
