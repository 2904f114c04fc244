"""The single image: every action does what it says, on the screen and in the dataset file."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from storage.opening import open_repository
from storage.query import parse
from storage.records import ImageRecord, NewImage
from tests.ml_fixtures import digits_model
from tests.tui.driving import running, until
from tui.app import PixshelfApp
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Choice
from tui.frame.section import StatusLine
from tui.grid.widget import ImageGrid
from tui.labels.label_bar import LabelBar
from tui.picture.explaining import Explainer
from tui.picture.facts import FactsPanel
from tui.picture.widget import Picture
from tui.screens.image import ImageScreen
from tui.settings import TuiSettings


def every_id(dataset: Dataset) -> list[int]:
    with open_repository(dataset.url) as repo:
        return repo.images.ids(parse(""))


def stored(dataset: Dataset, image: int) -> ImageRecord:
    with open_repository(dataset.url) as repo:
        return repo.images.get(image)


async def opened(app: PixshelfApp, pilot: Pilot[None], ids: list[int], at: int = 0) -> ImageScreen:
    """The screen, once the image and its facts are shown."""
    app.open_image(ids, at)
    await until(pilot, lambda: shown(app).facts and shown(app).query_one(Picture).picture)
    return shown(app)


def shown(app: PixshelfApp) -> ImageScreen:
    screen = app.screen
    assert isinstance(screen, ImageScreen)
    return screen


async def test_the_picture_is_shown_with_what_is_known_of_it(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        text = screen.query_one(FactsPanel).text
        record = stored(dataset, ids[0])
        assert f"label   {record.label}" in text
        assert "tags    odd" in text
        assert "means: " in text
        assert record.sha256.hex() in "".join(text.split())
        assert screen.query_one(LabelBar).current == record.label


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (["n"], 4),
        (["j"], 4),
        (["right"], 4),
        (["l"], 4),
        (["p"], 2),
        (["k"], 2),
        (["left"], 2),
        (["h"], 2),
        (["home"], 0),
        (["end"], 9),
        (["end", "n"], 9),
        (["home", "p"], 0),
    ],
)
async def test_keys_go_through_the_images(dataset: Dataset, keys: list[str], place: int) -> None:
    ids = every_id(dataset)[:10]
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids, 3)
        await pilot.press(*keys)
        assert screen.place == place
        await until(pilot, lambda: screen.facts and screen.facts.record.id == ids[place])


async def test_the_status_counts_the_images(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        await opened(app, pilot, ids, 11)
        assert "12 of 120" in app.screen.query_one(StatusLine).text


async def test_a_label_key_labels_the_image_and_goes_on(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await until(pilot, lambda: screen.label_keys)
        new = "3" if stored(dataset, ids[0]).label != "3" else "4"
        await pilot.press(new)
        assert screen.place == 1
        await until(pilot, lambda: stored(dataset, ids[0]).label == new)


async def test_undo_is_shown_where_one_is(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        before = stored(dataset, ids[0]).label
        await pilot.press("delete")
        await until(pilot, lambda: screen.facts and screen.facts.record.label is None)
        await pilot.press("u")
        await until(pilot, lambda: screen.facts and screen.facts.record.label == before)
        assert stored(dataset, ids[0]).label == before


async def test_the_history_tells_an_edit_once_it_is_stored(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        before = stored(dataset, ids[0]).label
        await pilot.press("backspace")
        await until(pilot, lambda: f"{before} → none" in screen.query_one(FactsPanel).text)


async def test_a_tag_is_put_on_by_typing(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids, 9)
        await pilot.press("t", *"fine", "enter")
        await until(pilot, lambda: stored(dataset, ids[9]).tags == ("fine",))
        assert screen.place == 9


async def test_the_image_goes_to_the_trash_and_the_next_is_shown(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset, settings=TuiSettings(confirm=False)) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await pilot.press("X")
        assert screen.place == 1
        await until(pilot, lambda: stored(dataset, ids[0]).deleted)


async def test_escape_goes_back_to_the_image_in_the_grid(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        grid = ImageGrid()
        await app.screen.mount(grid)
        grid.show(ids)
        await opened(app, pilot, ids)
        await pilot.press("n", "n", "escape")
        await until(pilot, lambda: not isinstance(app.screen, ImageScreen))
        assert grid.cursor == 2


async def test_zoom_shows_a_part_and_fit_shows_the_whole_again(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset))
        picture = screen.query_one(Picture)
        whole = picture.scale
        await pilot.press("plus", "plus", "plus")
        assert picture.scale > whole
        assert picture.zoomed_in
        await pilot.press("minus")
        assert picture.scale > whole
        await pilot.press("f")
        assert picture.scale == whole
        assert not picture.zoomed_in


@pytest.mark.parametrize(
    ("key", "across", "down"),
    [
        ("shift+right", 1, 0),
        ("shift+left", -1, 0),
        ("shift+down", 0, 1),
        ("shift+up", 0, -1),
        ("ctrl+right", 1, 0),
        ("right", 1, 0),
        ("left", -1, 0),
        ("down", 0, 1),
        ("up", 0, -1),
    ],
)
async def test_what_is_out_of_sight_is_reached_by_keys(
    dataset: Dataset, key: str, across: int, down: int
) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset), 5)
        picture = screen.query_one(Picture)
        await pilot.press(*["plus"] * 5)
        before = picture.view
        await pilot.press(key)
        moved = (picture.view.x - before.x, picture.view.y - before.y)
        assert [(each > 0) - (each < 0) for each in moved] == [across, down]
        assert screen.place == 5


async def test_facts_are_hidden_and_shown_again(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset))
        narrow = screen.query_one(Picture).size.width
        await pilot.press("i")
        await until(pilot, lambda: screen.query_one(Picture).size.width == 80)
        await pilot.press("i")
        await until(pilot, lambda: screen.query_one(Picture).size.width == narrow)


@pytest.mark.parametrize(("forth", "back"), [("down", "up"), ("pagedown", "pageup")])
async def test_facts_are_scrolled(dataset: Dataset, forth: str, back: str) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset))
        panel = screen.query_one(FactsPanel)
        await until(pilot, lambda: panel.max_scroll_y > 0)
        await pilot.press(forth)
        await until(pilot, lambda: panel.scroll_y > 0)
        await pilot.press(back)
        await until(pilot, lambda: panel.scroll_y == 0)


async def test_explain_shows_the_map_and_then_the_picture_again(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset))
        picture = screen.query_one(Picture)
        plain = picture.picture
        assert plain is not None
        await pilot.press("e")
        await until(pilot, lambda: screen.explanation)
        assert screen.explanation is not None
        assert screen.explanation.model == "means"
        assert picture.picture is not plain
        await pilot.press("e")
        await until(pilot, lambda: picture.picture and picture.picture.tobytes() == plain.tobytes())


async def test_explain_goes_along_to_the_next_image(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await pilot.press("e", "n")
        await until(pilot, lambda: screen.explanation and screen.explanation.image == ids[1])


async def test_classify_stores_what_the_newest_model_says(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids, 110)
        assert "means" not in screen.query_one(FactsPanel).text
        await pilot.press("c")
        await until(pilot, lambda: screen.facts and screen.facts.answers)
        with open_repository(dataset.url) as repo:
            (prediction,) = repo.predictions.of_image(ids[110])
        assert f"means: {prediction.label} " in screen.query_one(FactsPanel).text


async def test_another_model_is_chosen_by_name(dataset: Dataset) -> None:
    from tests.ml_fixtures import digits_model

    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("others"))
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids, 110)
        await pilot.press("m")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press(*"means", "enter")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("c")
        await until(pilot, lambda: screen.facts and screen.facts.answers)
        assert screen.facts is not None
        assert screen.facts.answers[0].name == "means"


async def test_without_a_model_explain_says_so_and_shows_the_picture(tmp_path: Path) -> None:
    dataset, ids = dataset_of(tmp_path, [png(4, 4)])
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await pilot.press("e")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.explanation is None
        await pilot.press("m", "c")
        await until(pilot, lambda: app.screen is not screen)
    dataset.close()


async def test_a_damaged_picture_is_told_of_and_its_facts_are_shown(tmp_path: Path) -> None:
    dataset, ids = dataset_of(tmp_path, [b"\x89PNG\r\n\x1a\nno picture", png(4, 4)])
    async with running(dataset) as (app, pilot):
        app.open_image(ids, 0)
        await until(pilot, lambda: "cannot be shown" in app.screen.query_one(Picture).words)
        assert shown(app).facts is not None
        await pilot.press("n")
        await until(pilot, lambda: app.screen.query_one(Picture).picture)
    dataset.close()


async def test_an_image_that_is_gone_is_told_of(dataset: Dataset) -> None:
    async with running(dataset) as (app, pilot):
        app.open_image([*every_id(dataset), 999_999], 120)
        await until(pilot, lambda: "not there any more" in app.screen.query_one(Picture).words)
        await pilot.press("p")
        await until(pilot, lambda: shown(app).facts)


async def test_a_large_picture_is_shown_small_first_and_in_detail_when_zoomed(
    tmp_path: Path,
) -> None:
    dataset, ids = dataset_of(tmp_path, [png(1400, 1400)])
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        picture = screen.query_one(Picture)
        await until(pilot, lambda: picture.picture and picture.picture.width == 700)
        await pilot.press("z", "plus", "plus")
        await until(pilot, lambda: picture.picture and picture.picture.width == 1400)
        assert picture.scale == 3
    dataset.close()


async def test_what_was_changed_while_another_screen_was_up_is_read_anew(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await pilot.press("t")
        await until(pilot, lambda: app.screen is not screen)
        with open_repository(dataset.url) as repo:
            repo.images.set_split({ids[0]: "val"}, actor="test", summary="elsewhere")
        app.action_refresh()
        await pilot.press("escape")
        await until(pilot, lambda: screen.facts and screen.facts.record.split == "val")


async def test_each_thing_that_can_be_done_is_said_as_a_command(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset, db_named=False) as (app, pilot):
        screen = await opened(app, pilot, ids)
        said = dict(screen.commands())
        label = stored(dataset, ids[0]).label
        assert said["show the image"] == f"pixshelf show {ids[0]}"
        assert said["classify it"] == f"pixshelf predict --query id:{ids[0]} --save"
        assert said["label it"] == f"pixshelf label {ids[0]} {label}"
        assert said["put it into the trash"] == f"pixshelf rm {ids[0]}"


async def test_holding_a_key_leaves_nothing_behind_to_be_shown_late(dataset: Dataset) -> None:
    ids = every_id(dataset)
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, ids)
        await pilot.press(*["n"] * 40)
        await until(pilot, lambda: screen.facts and screen.facts.record.id == ids[40])
        assert len([w for w in screen.workers if w.group == "image" and w.is_running]) <= 1


async def test_without_colours_the_picture_has_shades(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(dataset) as (app, pilot):
        screen = await opened(app, pilot, every_id(dataset))
        await pilot.press("e")
        await until(pilot, lambda: screen.explanation)
        picture = screen.query_one(Picture)
        colours = {
            style.bgcolor.triplet
            for strip in picture.render_lines(picture.size.region)
            for _, style, _ in strip
            if style is not None and style.bgcolor is not None and style.bgcolor.triplet
        }
        assert len(colours) > 5
        assert all(len(set(each)) == 1 for each in colours)


def png(width: int, height: int) -> bytes:
    import numpy as np

    from storage.pictures import encode_png

    rows = np.arange(height, dtype=np.uint8)[:, None] + np.arange(width, dtype=np.uint8)[None]
    return encode_png(np.ascontiguousarray(np.stack([rows, rows, rows // 2], axis=2)))


def dataset_of(folder: Path, files: list[bytes]) -> tuple[Dataset, list[int]]:
    """A dataset of just these files, also where they are no pictures."""
    from hashlib import sha256

    dataset = Dataset(str(folder / "own.db"))
    dataset.create()
    new = []
    for at, data in enumerate(files):
        digest = sha256(data).digest()
        side = int.from_bytes(data[18:20], "big") or 1
        new.append(
            NewImage(
                data, digest, digest[:16], at, side, side, 3, "png", f"{at}.png", thumbnail=None
            )
        )
    with open_repository(dataset.url) as repo:
        number = repo.images.begin_import("here", {})
        return dataset, [added.id for added in repo.images.add(new, import_id=number)]


def test_an_explanation_that_is_not_wanted_any_more_is_not_made(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        explainer = Explainer()
        assert explainer.explain(repo, 1, None, wanted=lambda: False) is None
        made = explainer.explain(repo, 1, None, wanted=lambda: True)
    assert made is not None
    assert made.pixels.shape == (8, 8, 3)


async def test_of_two_models_of_a_name_the_chosen_one_answers(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.models.add(digits_model("means"))
    async with running(dataset) as (app, pilot):
        app.open_image([61], 0)
        await until(pilot, lambda: isinstance(app.screen, ImageScreen) and app.screen.facts)
        screen = app.screen
        assert isinstance(screen, ImageScreen)
        await screen.run_action("model")
        await until(pilot, lambda: isinstance(app.screen, Choice))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is screen and screen._model == "1")
        assert any("--model 1" in line for _, line in screen.commands())
