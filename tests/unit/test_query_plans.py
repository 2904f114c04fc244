"""How SQLite reads a page: from an index in its order, and never the whole of a table to sort it.

The datasets are small; what counts as large, and as few, is set for the test.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.cursors import write_cursor
from storage.opening import open_repository
from storage.query import SORT_KEYS, parse
from storage.records import SPLITS, Measures
from storage.sqlite import images, measurements, planning, predictions
from storage.sqlite.compiling import Selection
from storage.sqlite.database import Database
from storage.sqlite.selecting import select
from tests.making import add_images, new_image, new_model, new_prediction

FILTERS = (
    *("", "label:a", "label:a,b", "-label:a", "split:test", "split:none", "tag:t", "-tag:t"),
    *("is:labelled", "is:unlabelled", "is:tagged", "is:predicted", "is:wrong", "is:right"),
    *("is:uncertain", "-is:wrong", "predicted:a", "conf<0.8", "margin<0.5", "model:1 conf>0.1"),
    *("format:png", "width>20", "height<=64", "bytes>1", "channels:1", "source:*.png", "id>3"),
    *("label:a is:wrong", "split:test conf<0.9", "is:wrong,unlabelled", "is:deleted"),
    *("is:dark", "-is:dark", "is:dark,blank", "is:dark is:wrong", "is:blurry -label:b"),
    *("id<50", "id>3 id>=9 id<50 id<=44", "is:right id>3 id<50", "-id>50 split:test id>=9"),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Sixty images with everything that a query can ask for, in a file that counts as large."""
    path = tmp_path_factory.mktemp("plans") / "set.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "LARGE", 10)
        with open_repository(path, create=True) as repository:
            made = (
                new_image(n, label="ab"[n % 2], split=SPLITS[n % 3], width=10 + n, tags=("t",))
                for n in range(60)
            )
            ids = add_images(repository, *made)
            model = repository.models.add(new_model("a", "b"))
            answers = [new_prediction(i, "a", i / 61, i / 122) for i in ids]
            repository.predictions.save(model, answers)
            looks = {
                i: Measures(0, 70 + i % 25, i % 7, 9, i % 5 / 200, animated=False) for i in ids
            }
            repository.measurements.save(looks, version=1)
    opened = Database(path, create=False, wait=1.0)
    yield opened
    opened.close()


def plan(database: Database, text: str) -> list[str]:
    """What SQLite says it does for a page of this query."""
    selection = select(database, parse(text))
    rows = database.all(
        f"EXPLAIN QUERY PLAN SELECT {selection.id}, {selection.key} FROM {selection.source} "
        f"WHERE {selection.where} ORDER BY {selection.order} LIMIT 5",
        selection.parameters,
    )
    return [row[3] for row in rows]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("key", SORT_KEYS)
@pytest.mark.parametrize("text", FILTERS)
def test_where_much_matches_the_order_comes_from_an_index_and_nothing_is_sorted(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, key: str, sign: str
) -> None:
    monkeypatch.setattr(planning, "DRIVING", -1)
    monkeypatch.setattr(planning, "LISTED", -1)
    steps = plan(database, f"{text} sort:{sign}{key}")
    assert [step for step in steps if "TEMP B-TREE" in step] == []
    first = next(step for step in steps if " i" in step or " p" in step)
    assert "INDEX" in first or "PRIMARY KEY" in first or (key == "id" and first == "SCAN i")


@pytest.mark.parametrize(
    "text",
    ["label:a is:wrong", "tag:t", "conf<0.8", "is:uncertain", "width>20", "id:3,4", "is:deleted"],
)
def test_few_images_are_read_by_their_ids_and_not_looked_for(database: Database, text: str) -> None:
    steps = plan(database, text)
    assert any("USING INTEGER PRIMARY KEY (rowid=?)" in step for step in steps)
    assert [step for step in steps if step.startswith("SCAN") and "SCAN trash" not in step] in (
        [],
        ["SCAN image_tag"],
    )
    assert [step for step in steps if "TEMP B-TREE" in step] == []


def test_few_images_of_a_label_are_its_index_from_end_to_end(database: Database) -> None:
    assert "SEARCH i USING COVERING INDEX image_label (label_id=?)" in plan(database, "label:a")


@pytest.mark.parametrize("text", ["is:wrong", "conf<0.8", "predicted:a", "margin<0.1"])
def test_a_count_of_predictions_reads_one_index(database: Database, text: str) -> None:
    selection = select(database, parse(text), whole=True)
    assert selection.source.startswith(("prediction AS p", "image AS i CROSS JOIN prediction"))
    assert "JOIN image" not in selection.source


def test_looking_ahead_stops_at_its_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LISTED", 7)
    seen: list[tuple[str, object]] = []
    value = Database.value

    def noted(self: Database, sql: str, parameters: tuple[object, ...] = ()) -> object:
        answer = value(self, sql, parameters)
        seen.append((sql, answer))
        return answer

    monkeypatch.setattr(Database, "value", noted)
    select(database, parse("conf<0.9 label:a"))
    assert [answer for sql, answer in seen if "LIMIT ?" in sql] == [8, 8]


@pytest.mark.parametrize("sort", SORT_KEYS)
def test_every_way_in_gives_the_same_pages(
    database: Database, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    with open_repository(database.path) as repository:
        for text in FILTERS:
            query = parse(f"{text} sort:-{sort}")
            found = []
            for driving, listed in ((-1, -1), (-1, 1000), (1000, 1000)):
                monkeypatch.setattr(planning, "DRIVING", driving)
                monkeypatch.setattr(planning, "LISTED", listed)
                ids: list[int] = []
                page = repository.images.page(query, limit=7)
                ids += [image.id for image in page.images]
                while page.next:
                    page = repository.images.page(query, limit=7, after=page.next)
                    ids += [image.id for image in page.images]
                found.append(ids)
                assert repository.images.ids(query) == ids
                assert repository.images.count(query) == len(ids)
            assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("text", [text for text in FILTERS if "dark" in text or "blur" in text])
@pytest.mark.parametrize("key", SORT_KEYS)
def test_where_many_look_so_a_page_does_not_list_them_all(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, key: str
) -> None:
    monkeypatch.setattr(planning, "DRIVING", -1)
    monkeypatch.setattr(planning, "LISTED", -1)
    taken = [step for step in plan(database, f"{text} sort:{key}") if "measure" in step]
    assert set(taken) == {"SEARCH measure USING INTEGER PRIMARY KEY (rowid=?)"}


def steps(
    database: Database, selection: Selection, condition: str, *values: object, most: int = 2
) -> int:
    """How many steps SQLite takes for two images of a selection, of which at most so many are
    asked for."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with closing(database.another_reader()) as reader:
        reader.set_progress_handler(count, 1)
        rows = reader.execute(
            f"SELECT {selection.id} FROM {selection.source} "
            f"WHERE {condition} ORDER BY {selection.order} LIMIT ?",
            (*selection.parameters, *values, most),
        ).fetchall()
    assert len(rows) == 2
    return taken


@pytest.mark.parametrize("text", ["", "split:test", "is:right", "-tag:other", "label:a is:right"])
@pytest.mark.parametrize(
    ("bounds", "places"),
    [
        ("id>3", (6, 42)),
        ("id>=2 id>3", (6, 42)),
        ("id>3 id<60", (6, 42)),
        ("id<59 sort:-id", (54, 18)),
        ("id>2 id<58 sort:-id", (54, 18)),
    ],
)
def test_a_page_further_on_in_a_range_of_ids_costs_what_the_second_does(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    bounds: str,
    places: tuple[int, int],
) -> None:
    monkeypatch.setattr(planning, "DRIVING", -1)
    monkeypatch.setattr(planning, "LISTED", -1)
    query = parse(f"{text} {bounds}")
    selection = select(database, query, continued=True)
    found = []
    for place in places:  # what the images are like comes again after six of them
        condition, values = selection.after(write_cursor(query.sort, place, place))
        found.append(steps(database, selection, condition, *values[len(selection.parameters) :]))
    assert found[0] == found[1]


@pytest.mark.parametrize("text", ["", "split:test", "is:right", "-tag:other"])
@pytest.mark.parametrize("model", [None, 1])
def test_the_first_part_of_a_range_of_ids_costs_the_same_wherever_it_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, model: int | None
) -> None:
    monkeypatch.setattr(planning, "LISTED", -1)
    for bounds in (("id>6", "id>42"), ("id>=6", "id>=42"), ("id>0 id>6", "id>0 id>42")):
        found = []
        for bound in bounds:
            selection = select(
                database, parse(f"{text} {bound}"), with_image=True, continued=True, answers=model
            )
            found.append(steps(database, selection, selection.after_id(), selection.before))
        assert found[0] == found[1]


@pytest.mark.parametrize("model", [None, 1])
def test_a_part_ends_where_the_range_of_ids_does(
    database: Database, monkeypatch: pytest.MonkeyPatch, model: int | None
) -> None:
    monkeypatch.setattr(planning, "LISTED", -1)
    found = []
    for text, last in (("id<=59 id<12", 9), ("id<=59 id<54", 51)):
        selection = select(database, parse(text), with_image=True, continued=True, answers=model)
        found.append(steps(database, selection, selection.after_id(), last, most=3))
    assert found[0] == found[1]


@pytest.mark.parametrize("text", FILTERS)
def test_examples_and_fingerprints_are_all_images_of_the_query_by_their_ids(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(images, "_CHUNK", 7)
    monkeypatch.setattr(measurements, "_CHUNK", 7)
    with open_repository(database.path) as repository:
        query = parse(f"{text} sort:-width")
        for listed in (-1, 10, 1000):
            monkeypatch.setattr(planning, "LISTED", listed)
            expected = repository.images.ids(query.by_id())
            assert [row.id for row in repository.images.examples(query)] == expected
            assert [row.id for row in repository.measurements.fingerprints(query)] == expected


def answers_plan(database: Database, text: str, model: int = 1) -> list[str]:
    """What SQLite says it does for a part of a model's answers."""
    selection = select(database, parse(text).by_id(), answers=model)
    statement = f"EXPLAIN QUERY PLAN {predictions.statement_of(selection)}"
    return [row[3] for row in database.all(statement, (*selection.parameters, 3, 5))]


@pytest.mark.parametrize("listed", [-1, 1000])
@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("model", [1, 2])
def test_answers_go_on_from_a_place_in_an_index_and_are_never_sorted(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, model: int, listed: int
) -> None:
    monkeypatch.setattr(planning, "LISTED", listed)
    steps = answers_plan(database, text, model)
    assert [step for step in steps if "TEMP B-TREE" in step or step in ("SCAN a", "SCAN i")] == []
    (of_answers,) = (step for step in steps if step.startswith("SEARCH a "))
    if steps[0] == of_answers:
        assert "prediction_image (model_id=? AND image_id>?" in of_answers
    else:
        assert "prediction_image (model_id=? AND image_id=?)" in of_answers
        assert "rowid" in steps[0]


def test_answers_for_fewer_images_than_there_are_answers_are_read_by_the_images(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LISTED", 10)
    for text in ("split:test", "split:test label:a,b is:wrong"):
        assert "INDEX image_split (split=? AND rowid>?)" in answers_plan(database, text)[0]
    assert "INDEX image_label (label_id=? AND rowid>?)" in answers_plan(database, "label:a")[0]


@pytest.mark.parametrize("text", ["split:test", "label:a", "format:png", "", "-tag:t", "width>20"])
def test_a_model_with_fewer_answers_is_read_by_them(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(planning, "LISTED", -1)
    assert answers_plan(database, text, model=2)[0].startswith("SEARCH a ")


def test_every_way_gives_the_same_answers_in_the_order_of_the_ids(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "_CHUNK", 7)
    with open_repository(database.path) as repository:
        for text in FILTERS:
            query = parse(f"{text} sort:-confidence")
            expected = repository.images.ids(query.by_id())
            for listed in (-1, 10, 1000):
                monkeypatch.setattr(planning, "LISTED", listed)
                rows = list(repository.predictions.of_model(1, query))
                assert [row.image for row in rows] == expected
                assert all(row.confidence == row.image / 61 for row in rows)


def test_answers_of_one_model_are_chosen_by_those_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "LARGE", 10)
    monkeypatch.setattr(predictions, "_CHUNK", 3)
    with open_repository(tmp_path / "two.db", create=True) as repository:
        made = (new_image(n, label="ab"[n % 2], split=SPLITS[n % 3]) for n in range(30))
        ids = add_images(repository, *made)
        few, many = (repository.models.add(new_model("a", "b")) for _ in range(2))
        repository.predictions.save(few, [new_prediction(i, "b", 0.5, 0.1) for i in ids[::3]])
        repository.predictions.save(many, [new_prediction(i, "a", i / 31, 0.1) for i in ids[5:]])
        for text in ("is:wrong", "-is:wrong", "-is:predicted", "conf<0.6 split:test", "label:b"):
            query = parse(text)
            for listed in (-1, 4, 1000):
                monkeypatch.setattr(planning, "LISTED", listed)
                rows = list(repository.predictions.of_model(few, query))
                assert [row.image for row in rows] == [
                    i for i in repository.images.ids(query) if i in ids[::3]
                ]


def test_the_statements_name_no_index_that_a_dataset_file_may_lack(tmp_path: Path) -> None:
    with open_repository(tmp_path / "new.db", create=True):
        pass
    connection = sqlite3.connect(tmp_path / "new.db")
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    connection.close()
    assert "prediction_image" in names
