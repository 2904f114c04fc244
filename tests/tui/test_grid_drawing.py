"""What a grid draws: pictures, captions, marks, and what changes when labels do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from textual.filter import NoColor
from textual.geometry import Region
from textual.pilot import Pilot

from storage.opening import open_repository
from storage.sqlite.lock import WriteLock
from tests.ml_fixtures import store_digits
from tests.tui.driving import running, until
from tests.tui.test_grid import showing
from tui.frame.changes import Change
from tui.frame.dataset import Dataset
from tui.frame.dialogs import Message
from tui.frame.edits import label_edit, tag_edit, trash_edit
from tui.grid.strips import CellStrip
from tui.grid.widget import ImageGrid


def lines(grid: ImageGrid) -> list[str]:
    return [strip.text for strip in grid.render_lines(Region(0, 0, *grid.size))]


def captions(grid: ImageGrid) -> list[str]:
    """The words below the first row of images."""
    pitch, line = grid.places.pitch, lines(grid)[grid.places.high]
    return [line[at * pitch : (at + 1) * pitch].strip() for at in range(grid.places.columns)]


async def drawn(pilot: Pilot[None], grid: ImageGrid) -> None:
    """Wait until everything in view is there."""

    def there() -> bool:
        span = grid.places.shown(grid.scroll_offset.y, len(grid.ids))
        ids = grid.ids[span.start : span.stop]
        contents = grid.contents
        return not contents.without_picture(ids) and not contents.without_record(ids)

    await until(pilot, there)
    await pilot.pause()


async def test_pictures_and_captions_are_drawn(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.zoom = 8
        await drawn(pilot, grid)
        assert "▀" in "".join(lines(grid))
        record = grid.record(1)
        assert record is not None
        assert record.prediction is not None
        assert captions(grid)[0].startswith(f"▸{record.label}")
        grid.zoom = 16
        await drawn(pilot, grid)
        assert f"{record.prediction.confidence:.0%}" in captions(grid)[0]


async def test_a_label_is_shown_before_it_is_stored(dataset: Dataset, db: Path) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        await drawn(pilot, grid)
        pictures = grid.render_lines(Region(0, 0, 80, 8))
        with WriteLock(db, wait=1.0).held():
            app.edit(label_edit((2,), "zebra"))
            await until(pilot, lambda: "zebra" in captions(grid)[1])
            assert app.dataset.pending_edits == 1
        again = grid.render_lines(Region(0, 0, 80, 8))
        assert all(one is other for one, other in zip(pictures, again, strict=True))
        await app.dataset.settled()
    with open_repository(dataset.url) as repo:
        assert repo.images.get(2).label == "zebra"


async def test_a_refused_label_is_taken_back(dataset: Dataset, db: Path) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        await drawn(pilot, grid)
        before = captions(grid)[1]
        with WriteLock(db, wait=1.0).held():
            app.edit(label_edit((2, 999_999), "zebra"))
            await until(pilot, lambda: "zebra" in captions(grid)[1])
        await until(pilot, lambda: isinstance(app.screen, Message) or app.refused)
        await until(pilot, lambda: captions(grid)[1] == before)


async def test_what_is_undone_is_shown(dataset: Dataset) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        await drawn(pilot, grid)
        before = captions(grid)[1]
        app.edit(label_edit((2,), "zebra"))
        await pilot.press("u")
        await until(pilot, lambda: captions(grid)[1] == before)


async def test_what_another_process_did_is_shown_after_a_refresh(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        with open_repository(dataset.url) as repo:
            repo.images.set_label([2], "okapi", actor="another")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "okapi" in captions(grid)[1])


async def test_the_pictures_of_a_dataset_that_was_replaced_are_read_anew(
    dataset: Dataset, db: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with open_repository(other, create=True) as repo:
        store_digits(repo, 60)
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        _, before = grid.contents.picture(1)
        assert before is not None
        other.replace(db)
        await pilot.press("ctrl+r")
        await drawn(pilot, grid)
        _, now = grid.contents.picture(1)
        assert now is not None
        assert (now != before).any()


async def test_a_tag_and_the_trash_leave_the_picture_there(dataset: Dataset) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        await drawn(pilot, grid)
        app.edit(tag_edit((4,), "rare", on=True))
        await until(pilot, lambda: "•" in captions(grid)[3])
        app.edit(trash_edit((4,), away=True))
        await app.dataset.settled()
        grid.apply(Change("undo"))
        await drawn(pilot, grid)
        record = grid.record(4)
        assert record is not None
        assert record.deleted


async def test_an_image_that_is_gone_is_crossed_out(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.show([1, 999_999, 3])
        await drawn(pilot, grid)
        text = "".join(lines(grid))
        assert text.count("\N{MULTIPLICATION SIGN}") == 1


async def test_an_image_that_cannot_be_decoded_is_crossed_out(dataset: Dataset, db: Path) -> None:
    connection = sqlite3.connect(db)
    connection.execute("UPDATE image_data SET data = x'89504e470d0a1a0a00' WHERE image_id = 2")
    connection.commit()
    connection.close()
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        assert "".join(lines(grid)).count("\N{MULTIPLICATION SIGN}") == 1


async def test_a_label_of_control_and_wide_letters_stays_in_its_place(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.set_label([1], "猫[b]犬 鳥魚馬牛羊豚", actor="test")
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        strips = grid.render_lines(Region(0, 0, *grid.size))
        assert {strip.cell_length for strip in strips} == {grid.places.width}
        assert "猫[b]犬" in strips[grid.places.high].text


async def test_the_cursor_and_the_selection_are_seen_without_colours(dataset: Dataset) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        app._filters.append(NoColor())
        grid.notify_style_update()
        await pilot.press("space", "space")
        await drawn(pilot, grid)
        assert [each[:1] for each in captions(grid)[:3]] == ["✓", "✓", "▸"]
        drawing = "".join(lines(grid)[:8])
        assert "▀" not in drawing
        assert "@" in drawing


async def test_small_thumbnails_have_a_mark_beside_them(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.zoom = 4
        await pilot.press("space")
        await drawn(pilot, grid)
        first, second = lines(grid)[:2]
        record = grid.record(1)
        assert record is not None
        assert record.label is not None
        assert (first[0], second[0]) == ("✓", record.label[0])
        assert first[grid.places.pitch] == "▸"


async def test_the_tiniest_thumbnails_have_one_line(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.zoom = 2
        await drawn(pilot, grid)
        assert lines(grid)[0][0] == "▸"
        assert grid.places.row_height == 1


async def test_behind_a_dialog_the_grid_is_drawn_from_segments(dataset: Dataset) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        grid.zoom = 8
        await drawn(pilot, grid)
        await app.push_screen(Message("title", "text"))
        await pilot.pause()
        picture = app.export_screenshot()
        assert "▀" in picture
        assert "title" in picture


async def test_a_row_that_was_seen_is_not_painted_again(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        first = grid.render_lines(Region(0, 0, 80, 8))
        await pilot.press("end")
        await drawn(pilot, grid)
        await pilot.press("home")
        await drawn(pilot, grid)
        again = grid.render_lines(Region(0, 0, 80, 8))
        assert all(isinstance(strip, CellStrip) for strip in first)
        assert all(one is other for one, other in zip(first, again, strict=True))


async def test_another_theme_paints_on_its_own_background(dataset: Dataset) -> None:
    async with showing(dataset) as (app, pilot, grid, _):
        await drawn(pilot, grid)
        dark = grid.render_lines(Region(0, 0, 80, 1))[0].render(app.console)
        app.theme = "pixshelf-light"
        await pilot.pause()
        light = grid.render_lines(Region(0, 0, 80, 1))[0].render(app.console)
        assert dark != light


async def test_a_dataset_that_disappears_is_told_once(dataset: Dataset, db: Path) -> None:
    async with running(dataset) as (app, pilot):
        from tests.tui.test_grid import Shown

        gone = Dataset(str(db.parent / "no such.db"))
        app.dataset, kept = gone, app.dataset
        screen = Shown()
        await app.push_screen(screen)
        grid = screen.query_one(ImageGrid)
        grid.show(range(1, 50))
        await until(pilot, lambda: isinstance(app.screen, Message))
        depth = len(app.screen_stack)
        grid.apply(Change("undo"))
        await pilot.pause(0.1)
        assert len(app.screen_stack) == depth
        app.dataset = kept
        gone.close()


async def test_long_scrolling_stays_within_the_bounds_of_every_cache(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        grid.contents._pictures.limit = 30_000
        grid._rows.limit = 100_000
        for zoom in (16, 28, 8, 4, 2):
            grid.zoom = zoom
            for position in (*range(0, 120, 7), *range(119, 0, -11)):
                grid.move_to(position)
                await pilot.pause()
                assert grid.contents._pictures.used <= 30_000
                assert grid._rows.used <= 100_000
                assert len(grid._captions) <= 120
        grid.contents._pictures.limit = 1_000_000
        grid.zoom = 16
        grid.apply(Change("undo"))
        await drawn(pilot, grid)


async def test_a_held_key_ends_with_the_frame_of_the_last_place(dataset: Dataset) -> None:
    async with showing(dataset) as (_, pilot, grid, _):
        await drawn(pilot, grid)
        await pilot.press(*["pagedown"] * 15, *["up"] * 20, "home", "right", "right")
        await drawn(pilot, grid)
        await until(pilot, lambda: any("▸" in line for line in lines(grid)))
        record = grid.record(grid.ids[grid.cursor])
        assert record is not None
        marked = next(line for line in lines(grid) if "▸" in line)
        assert f"▸{record.label}" in marked
