"""The app on a dataset in PostgreSQL: what is done on each screen arrives there, as in a file, also
beside others; and what the app does while the server is away.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from typer.testing import CliRunner

from cli.app import app as commands
from storage.copying.copy import copy_dataset
from storage.opening import open_repository
from tests.pg_server import Server, running_server
from tests.tui.driving import running, until
from tests.tui.test_classify_screen import (
    folder,
    test_a_query_is_classified_stored_and_opened_by_confidence,
    test_files_are_added_without_labels_and_with_their_answers,
)
from tests.tui.test_compare_screen import (
    test_a_comparison_predicts_what_is_missing_and_is_shown,
    two,
)
from tests.tui.test_evaluate import (
    test_stored_answers_are_shown_at_once,
    test_what_is_missing_is_predicted_and_stored,
)
from tests.tui.test_facets import test_the_panel_counts_when_it_is_seen_and_after_edits
from tests.tui.test_hard_use import close_all, told
from tests.tui.test_history_screen import (
    test_an_edit_made_elsewhere_appears,
    test_going_back_to_an_action_asks_and_undoes_down_to_it,
)
from tests.tui.test_image_view import (
    test_a_label_key_labels_the_image_and_goes_on,
    test_classify_stores_what_the_newest_model_says,
    test_the_picture_is_shown_with_what_is_known_of_it,
)
from tests.tui.test_importing_screen import (
    photos,
    test_a_folder_is_imported_and_refusals_are_listed,
    test_label_tags_and_split_of_the_form_are_given,
)
from tests.tui.test_labelling import (
    test_a_tag_goes_on_where_any_lacks_it_and_off_where_all_have_it,
    test_an_image_is_restored_from_the_trash,
    test_keys_in_quick_succession_are_all_stored_in_order,
    test_undo_and_redo_take_a_label_back_and_give_it_again,
)
from tests.tui.test_library import test_all_images_are_shown_at_first
from tests.tui.test_review import (
    repo,
    test_answers_that_are_missing_are_predicted,
    test_f_gives_the_suggested_label_and_goes_on,
    test_pictures_are_measured_for_their_problems,
    test_u_takes_the_whole_decision_back_and_shows_it_again,
)
from tests.tui.test_runs_screen import (
    filled,
    test_a_model_is_renamed_but_not_to_the_name_of_another,
    test_a_run_is_removed_when_that_is_confirmed,
    test_a_run_is_resumed_and_watched,
)
from tests.tui.test_storing import label_of
from tests.tui.test_train_screen import (
    test_a_run_that_did_not_end_is_offered_and_resumed,
    test_enter_on_start_trains_and_shows_it,
    test_stop_keeps_what_there_is,
    trainer,
)
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Question
from tui.frame.edits import label_edit
from tui.keys.copy_command import commands_of
from tui.screens.library import LibraryScreen

# Tests of the app on a file, which run here on a database, and their fixtures.
__all__ = [
    "filled",
    "folder",
    "photos",
    "repo",
    "test_a_comparison_predicts_what_is_missing_and_is_shown",
    "test_a_folder_is_imported_and_refusals_are_listed",
    "test_a_label_key_labels_the_image_and_goes_on",
    "test_a_model_is_renamed_but_not_to_the_name_of_another",
    "test_a_query_is_classified_stored_and_opened_by_confidence",
    "test_a_run_is_removed_when_that_is_confirmed",
    "test_a_run_is_resumed_and_watched",
    "test_a_run_that_did_not_end_is_offered_and_resumed",
    "test_a_tag_goes_on_where_any_lacks_it_and_off_where_all_have_it",
    "test_all_images_are_shown_at_first",
    "test_an_edit_made_elsewhere_appears",
    "test_an_image_is_restored_from_the_trash",
    "test_answers_that_are_missing_are_predicted",
    "test_classify_stores_what_the_newest_model_says",
    "test_enter_on_start_trains_and_shows_it",
    "test_f_gives_the_suggested_label_and_goes_on",
    "test_files_are_added_without_labels_and_with_their_answers",
    "test_going_back_to_an_action_asks_and_undoes_down_to_it",
    "test_keys_in_quick_succession_are_all_stored_in_order",
    "test_label_tags_and_split_of_the_form_are_given",
    "test_pictures_are_measured_for_their_problems",
    "test_stop_keeps_what_there_is",
    "test_stored_answers_are_shown_at_once",
    "test_the_panel_counts_when_it_is_seen_and_after_edits",
    "test_the_picture_is_shown_with_what_is_known_of_it",
    "test_u_takes_the_whole_decision_back_and_shows_it_again",
    "test_undo_and_redo_take_a_label_back_and_give_it_again",
    "test_what_is_missing_is_predicted_and_stored",
    "trainer",
    "two",
]


@pytest.fixture(scope="module")
def stock(template: Path, postgres_server: Server) -> str:
    """The name of a database with the digits of the template."""
    name = postgres_server.create_database()
    copy_dataset(template, postgres_server.url(name))
    return name


@pytest.fixture
def db(stock: str, postgres_server: Server) -> Iterator[str]:
    """The test's own copy of it, in the place of a file."""
    name = postgres_server.create_database(stock)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


async def test_the_line_of_an_edit_names_the_dataset_without_its_password_and_works(
    db: str,
) -> None:
    hidden = "s3same"
    dataset = Dataset(db.replace("postgres@", f"postgres:{hidden}@"))
    async with running(dataset) as (app, pilot):
        app.edit(label_edit((1, 2), "two words"))
        await until_settled(pilot, app)
        line = dict(commands_of(app))["the newest edit: label two words"]
        assert hidden not in line
        app.action_undo()
        await until_settled(pilot, app)
    dataset.close()
    done = CliRunner().invoke(commands, shlex.split(line)[1:], prog_name="pixshelf")
    assert (done.exit_code, done.stdout) == (0, "2 images labelled two words, 2 changed\n")


async def until_settled(pilot: Pilot[None], app: PixshelfApp) -> None:
    await until(pilot, lambda: not app.refused and not app.dataset.pending_edits)


def library(app: PixshelfApp) -> LibraryScreen:
    assert isinstance(app.screen, LibraryScreen)
    return app.screen


def shows(screen: LibraryScreen, *labels: str) -> bool:
    """Whether the first images are on screen with these labels."""
    found = [screen.at_hand(image) for image in range(1, len(labels) + 1)]
    return [image and image.label for image in found] == list(labels)


async def test_two_apps_on_one_dataset_see_what_the_other_stored(db: str, dataset: Dataset) -> None:
    other = Dataset(db)
    async with running(dataset) as (here, pilot), running(other) as (there, beside):
        here.edit(label_edit((1,), "here"))
        there.edit(label_edit((2,), "there"))
        await until_settled(pilot, here)
        await until_settled(beside, there)
        for app, each in ((here, pilot), (there, beside)):
            screen = library(app)
            app.action_refresh()
            await until(each, partial(shows, screen, "here", "there"))
    other.close()
    with open_repository(db) as opened:
        assert {action.summary for action in opened.history.actions(limit=2)} == {
            "label 'here'",
            "label 'there'",
        }


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may stop."""
    with running_server() as server:
        yield server


@pytest.fixture
def own(own_server: Server, template: Path) -> Iterator[Dataset]:
    """The digits there, as the app has them."""
    url = own_server.url(own_server.create_database())
    copy_dataset(template, url)
    dataset = Dataset(url, wait=0.2)
    yield dataset
    dataset.close()


async def test_an_edit_made_while_the_server_is_away_stays_on_screen_and_is_stored_later(
    own_server: Server, own: Dataset
) -> None:
    async with running(own) as (app, pilot):
        screen = library(app)
        await until(pilot, lambda: screen.total == 120 and screen.at_hand(2))
        app.edit(label_edit((1,), "before"))
        await until_settled(pilot, app)
        own_server.stop()
        app.edit(label_edit((2,), "zebra"))
        await until(pilot, lambda: isinstance(app.screen, Question))
        words = await told(pilot, app)
        assert "Not stored: label zebra" in words
        assert "the connection to the PostgreSQL server" in words
        assert "1 edit not stored yet" in app.running
        found = screen.at_hand(2)
        assert found is not None
        assert found.label == "zebra"
        own_server.start()
        await pilot.press("enter")
        await until_settled(pilot, app)
        assert app.running == ""
    assert (label_of(own, 1), label_of(own, 2)) == ("before", "zebra")


@pytest.mark.parametrize("section", ["library", "evaluate", "review", "runs", "history"])
async def test_a_server_that_goes_away_is_told_of_and_ctrl_r_works_when_it_is_back(
    section: str, own_server: Server, own: Dataset
) -> None:
    async with running(own, size=(120, 40)) as (app, pilot):
        app.go(section)
        await until(pilot, lambda: app.current_mode == section)
        await pilot.pause(0.1)
        own_server.kill()
        app.action_undo()
        assert "the connection to the PostgreSQL server" in await told(pilot, app)
        await pilot.press("ctrl+r")
        assert await close_all(pilot, app) <= 4  # not again and again
        assert app.is_running
        own_server.start()
        await close_all(pilot, app)
        app.go("library")
        await pilot.press("ctrl+r")
        screen = library(app)
        await until(pilot, lambda: screen.total == 120 and screen.at_hand(1))
        app.edit(label_edit((1,), "zebra"))
        await until_settled(pilot, app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert label_of(own, 1) == "zebra"


async def test_leaving_while_the_server_is_away_asks_first_and_names_what_was_not_stored(
    own_server: Server, own: Dataset
) -> None:
    async with running(own) as (app, pilot):
        await until(pilot, lambda: library(app).total == 120)
        own_server.stop()
        app.edit(label_edit((1,), "zebra"))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert app.is_running
        assert "Not stored: label zebra" in await told(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        own_server.start()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert label_of(own, 1) == "zebra"
