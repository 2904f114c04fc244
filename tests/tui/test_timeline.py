"""The history as a list: what matches, how far it is, and how it reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.errors import NotReady
from storage.opening import open_repository
from storage.records import Action, Event
from tests.ml_fixtures import store_digits
from tui.plain.text import minute
from tui.timeline import (
    Journey,
    action_line,
    event_line,
    go_to,
    heading,
    journey_to,
    matches,
    read_part,
    short_time,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACTION = Action(7, 1_795_000_000, "tui:ann", "label", "label zebra", 1_234)


def test_every_word_has_to_be_in_what_is_said_of_an_action() -> None:
    assert matches(ACTION, "ZEBRA ann")
    assert not matches(ACTION, "zebra bob")


@pytest.mark.parametrize("width", [30, 78, 140])
def test_an_action_fills_one_line_of_the_width(width: int) -> None:
    wide = Action(8, 0, "x" * 50, "label", "label 日本\x1b[31m語" * 9, 5, "dropped")
    for action in (ACTION, wide):
        line = action_line(action, width, NOW)
        assert line.cell_length == width
        assert "\x1b" not in line.plain


@pytest.mark.parametrize("width", [50, 70, 78, 140])
def test_who_did_an_action_stands_under_its_heading(width: int) -> None:
    said, line = heading(width), action_line(ACTION, width, NOW).plain
    assert len(said) == width
    assert line.index("tui:ann") == said.index("who")
    assert line.index("label") == said.index("what")
    assert line.endswith("1,234")


def test_an_event_says_what_was_there_before_and_after() -> None:
    assert "12  none → [red]" in event_line(Event(12, None, "[red]"), 60).plain


def test_the_way_to_an_action_is_undone_and_done_again(tmp_path: Path) -> None:
    with open_repository(tmp_path / "a.db", create=True) as repo:
        ids = store_digits(repo, 5)
        made = [repo.images.set_label([ids[at]], f"new{at}", actor="t").id for at in range(4)]
        back = journey_to(repo, made[1])
        assert back == Journey("undo", tuple(made[:0:-1]), 3)
        go_to(repo, back)
        assert [action.state for action in repo.history.actions(limit=4)] == [
            "undone",
            "undone",
            "undone",
            "done",
        ]
        forth = journey_to(repo, made[2])
        assert forth == Journey("redo", (made[1], made[2]), 2)
        go_to(repo, forth)
        assert repo.images.get(ids[2]).label == "new2"
        assert repo.images.get(ids[3]).label != "new3"


def test_a_way_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    with open_repository(tmp_path / "a.db", create=True) as repo:
        ids = store_digits(repo, 2)
        first = repo.images.set_label([ids[0]], "a", actor="t").id
        agreed = journey_to(repo, first)
        repo.images.set_label([ids[1]], "b", actor="t")
        with pytest.raises(NotReady, match="changed meanwhile"):
            go_to(repo, agreed)
        assert repo.images.get(ids[0]).label == "a"


def test_an_action_undone_for_good_has_no_way(tmp_path: Path) -> None:
    with open_repository(tmp_path / "a.db", create=True) as repo:
        ids = store_digits(repo, 2)
        first = repo.images.set_label([ids[0]], "a", actor="t").id
        repo.history.undo()
        repo.images.set_label([ids[1]], "b", actor="t")
        with pytest.raises(NotReady, match="for good"):
            journey_to(repo, first)


def test_a_part_continues_below_the_one_before(tmp_path: Path) -> None:
    with open_repository(tmp_path / "a.db", create=True) as repo:
        (image,) = store_digits(repo, 1)
        for at in range(250):
            repo.images.set_label([image], f"l{at}", actor="t")
        first = read_part(repo)
        assert len(first.actions) == 200
        rest = read_part(repo, before=first.before)
        assert rest.before is None
        labels = [each.summary for each in (*first.actions, *rest.actions)]
        assert len(set(labels)) == len(labels) >= 250
        assert [each.summary for each in read_part(repo, "l249").actions] == [
            first.actions[0].summary
        ]


def test_times_are_those_of_utc_as_everywhere() -> None:
    at = int(datetime(2026, 11, 21, 8, 37, tzinfo=UTC).timestamp())
    assert short_time(at, NOW) == "11-21 08:37Z"
    assert short_time(at - 400 * 86_400, NOW) == "2025-10-17  "
    assert minute(at) == "2026-11-21 08:37Z"
