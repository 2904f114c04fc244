"""The rows of the panel of filters, and where their counts come from."""

from __future__ import annotations

from storage.opening import open_repository
from storage.records import LOOKS
from tests.tui.driving import running, until
from tui.frame.dataset import Dataset
from tui.frame.edits import label_edit, split_edit, tag_edit, trash_edit
from tui.library.facets import (
    COUNTED,
    SPLIT_KEYS,
    UNLABELLED,
    Counts,
    count_key,
    facet_rows,
    read_names,
    touched,
)
from tui.screens.library import LibraryScreen


def titles(counts: Counts) -> list[str]:
    return [row.title for row in facet_rows(counts, {})]


def test_groups_without_anything_in_them_are_left_out() -> None:
    assert titles(Counts({"cat": 3})) == ["Labels", "cat"]


def test_a_folded_group_is_its_heading_alone() -> None:
    rows = facet_rows(Counts({"cat": 3}, {"odd": 1}), {}, {"Labels"})
    assert [row.title for row in rows] == ["Labels", "Tags", "odd"]
    assert rows[0].folded


def test_values_that_no_image_has_are_left_out_where_a_query_counts_them() -> None:
    counts = Counts().counted(("is", "wrong"), 0).counted(("is", "right"), 4)
    assert titles(counts.counted(("is", "dark"), None)) == ["Predictions", "right"]


def test_saved_queries_come_first_and_carry_their_text() -> None:
    rows = facet_rows(Counts({"cat": 3}), {"mine": "label:cat"})
    assert (rows[1].title, rows[1].field, rows[1].value) == ("mine", "saved", "label:cat")


def test_counts_are_those_of_the_dataset(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        counts = read_names(repo, Counts())
        assert counts.labels == repo.labels.counts()
        assert counts.tags == {"odd": 3}
        assert count_key(repo, UNLABELLED) == 20
        assert count_key(repo, ("split", "train")) == 40


def test_what_was_never_measured_cannot_be_counted(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        assert count_key(repo, ("is", LOOKS[0])) is None


def test_an_edit_touches_what_it_changes() -> None:
    assert UNLABELLED in touched(label_edit((1,), "cat"))
    assert touched(tag_edit((1,), "odd", on=True)) == ()
    assert touched(split_edit((1,), "val")) == SPLIT_KEYS
    assert touched(trash_edit((1,), away=True)) == COUNTED
    assert touched(None) == COUNTED


async def test_the_panel_counts_when_it_is_seen_and_after_edits(dataset: Dataset) -> None:
    async with running(dataset, size=(120, 40)) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        panel = screen.panel
        assert panel.display
        await until(pilot, lambda: panel.counts.others.get(UNLABELLED) == 20)
        app.edit(label_edit((101, 102), "zebra"))
        await until(pilot, lambda: panel.counts.labels.get("zebra") == 2)
        await until(pilot, lambda: panel.counts.others.get(UNLABELLED) == 18)


async def test_a_hidden_panel_counts_nothing(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, LibraryScreen)
        await until(pilot, lambda: screen.total == 120)
        assert not screen.panel.display
        assert screen.panel.counts == Counts()
