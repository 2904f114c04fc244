"""Any sequence of additions, edits, predictions and questions is answered by every backend as the
plain model answers it: the same ids, the same order, the same cursors, the same refusals.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from storage.query import Query, parse
from storage.records import SPLITS, Action, Measures, NewImage, Split
from storage.repository import Repository
from tests.backends import MemoryBackend, PostgresBackend, SqliteBackend
from tests.contract.alike import Alike
from tests.contract.questions import (
    CONFIDENCES,
    FORMATS,
    LABELS,
    MODELS,
    SIDES,
    SOURCES,
    TAGS,
    queries,
)
from tests.making import (
    add_images,
    checkpoint,
    epoch,
    new_image,
    new_model,
    new_prediction,
    new_run,
)
from tests.pg_server import Server

ALL = parse("is:deleted,labelled,unlabelled")
HAD = 8
"""Images at the beginning."""
MOST = 12
"""What no image number reaches."""

IMAGES = st.sampled_from((*range(1, HAD + 1), *range(1, HAD + 1), MOST))
"""Ids, seldom one that no image has."""
SOME = st.lists(IMAGES, min_size=1, max_size=3)
NAMES = st.sampled_from((*LABELS, "new"))
ANY_NAME = NAMES | NAMES | st.sampled_from((" a ", "", "two\nlines", "e\u0301", "x" * 201))
TAG = st.sampled_from((*TAGS, "new"))
ANY_TAG = TAG | TAG | st.sampled_from(("a,b", " x ", ""))
SPLIT = st.none() | st.sampled_from(SPLITS)
MEASURES = st.builds(
    Measures,
    low=st.sampled_from((0, 230, 231)),
    high=st.sampled_from((81, 82, 255)),
    contrast=st.sampled_from((3.9, 4.0, 50.0)),
    spread=st.sampled_from((2, 3)),
    sharpness=st.none() | st.sampled_from((0.009, 0.01)),
    animated=st.booleans(),
)


@st.composite
def new_images(draw: st.DrawFn) -> NewImage:
    number = draw(st.integers(1, MOST - 1))
    return new_image(
        number,
        data=b"image %d" % number + b"." * (number % 3),
        label=draw(st.none() | NAMES),
        split=draw(SPLIT),
        tags=tuple(draw(st.sets(TAG, max_size=2))),
        width=draw(st.sampled_from(SIDES)),
        height=draw(st.sampled_from(SIDES)),
        channels=draw(st.sampled_from((1, 3))),
        format=draw(st.sampled_from(FORMATS)),
        source=draw(st.sampled_from(SOURCES)),
        thumbnail=draw(st.sampled_from((None, b"small"))),
    )


EDIT: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("label"), st.none() | ANY_NAME),
    st.tuples(st.sampled_from(("tag", "untag")), ANY_TAG),
    st.tuples(st.sampled_from(("delete", "restore")), st.none()),
)


def edited(repo: Repository, some: list[int], what: str, value: Any) -> Action:
    """Do one edit."""
    images = repo.images
    match what:
        case "label":
            return images.set_label(some, value, actor="test")
        case "tag":
            return images.add_tag(some, value, actor="test")
        case "untag":
            return images.remove_tag(some, value, actor="test")
        case "delete":
            return images.delete(some, actor="test")
        case _:
            return images.restore(some, actor="test")


def had(number: int) -> NewImage:
    """One of the images that are there at the beginning."""
    return new_image(
        number,
        label=(*LABELS[:3], None)[number % 4],
        split=(*SPLITS, None)[number % 4],
        tags=TAGS[: number % 3],
        width=SIDES[number % 5],
        height=SIDES[number % 3 + 1],
        channels=(1, 3)[number % 2],
        format=FORMATS[number % 2],
        source=SOURCES[number % 6],
    )


class DatasetMachine(RuleBasedStateMachine):
    """The same done to a dataset of every kind."""

    places: Bundle[tuple[Query, str]] = Bundle("places")

    def __init__(self, empty_file: Path, server: Server, database: str) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        server.empty(database)
        self.all = Alike(
            MemoryBackend(),
            SqliteBackend(Path(shutil.copy(empty_file, self._folder.name))),
            PostgresBackend(server.url(database)),
        )

    def teardown(self) -> None:
        try:
            self.count()
            assert self.all.problems() == []
        finally:
            self.all.close()
            self._folder.cleanup()

    # Images come and go

    @initialize()
    def begin(self) -> None:
        """Images that differ in all that a query asks for, and what a model says of most."""
        given = [had(number) for number in range(1, HAD + 1)]
        self.all.ask(lambda repo: add_images(repo, *given))
        self.all.ask(lambda repo: repo.models.add(new_model(*LABELS[:3], name=MODELS[0])))
        said = [
            new_prediction(image, LABELS[image % 3], CONFIDENCES[image % 4], image % 2 / 2)
            for image in range(1, HAD)
        ]
        self.all.ask(lambda repo: repo.predictions.save(1, said))

    @rule(given=st.lists(new_images(), max_size=3))
    def add(self, given: list[NewImage]) -> None:
        self.all.ask(lambda repo: add_images(repo, *given))

    @rule(given=new_images(), label=ANY_NAME, tag=ANY_TAG)
    def add_with_any_name(self, given: NewImage, label: str, tag: str) -> None:
        other = new_image(MOST, label=label, tags=(tag,), source=given.source)
        self.all.ask(lambda repo: add_images(repo, given, other))

    @rule()
    def vacuum(self) -> None:
        self.all.ask(lambda repo: repo.vacuum())

    @rule(given=st.dictionaries(IMAGES, st.sampled_from((None, b"one", b"two")), max_size=3))
    def set_thumbnails(self, given: dict[int, bytes | None]) -> None:
        self.all.ask(lambda repo: repo.images.set_thumbnails(given))

    # Edits

    @rule(
        edits=st.lists(st.tuples(SOME, EDIT), min_size=1, max_size=3),
        back=st.integers(0, 2),
        forth=st.integers(0, 2),
    )
    def edit(self, edits: list[tuple[list[int], tuple[str, Any]]], back: int, forth: int) -> None:
        for some, (what, value) in edits:
            self.all.ask(partial(edited, some=some, what=what, value=value))
        self.go_back_and_forth(back, forth)

    @rule(given=st.dictionaries(IMAGES, st.none() | NAMES, min_size=1, max_size=4))
    def set_labels(self, given: dict[int, str | None]) -> None:
        self.all.ask(lambda repo: repo.images.set_labels(given, actor="test", summary="some"))

    @rule(given=st.dictionaries(IMAGES, SPLIT, min_size=1, max_size=4))
    def set_split(self, given: dict[int, Split | None]) -> None:
        self.all.ask(lambda repo: repo.images.set_split(given, actor="test", summary="some"))

    @rule(old=NAMES, new=ANY_NAME, what=st.sampled_from(("rename", "merge", "remove")))
    def change_label(self, old: str, new: str, what: str) -> None:
        match what:
            case "rename":
                self.all.ask(lambda repo: repo.labels.rename(old, new, actor="test"))
            case "merge":
                self.all.ask(lambda repo: repo.labels.merge(old, new, actor="test"))
            case _:
                self.all.ask(lambda repo: repo.labels.remove(old, actor="test"))

    @rule(old=TAG, new=ANY_TAG, gone=st.booleans())
    def change_tag(self, old: str, new: str, gone: bool) -> None:
        if gone:
            self.all.ask(lambda repo: repo.tags.remove(old, actor="test"))
        else:
            self.all.ask(lambda repo: repo.tags.rename(old, new, actor="test"))

    @rule(back=st.integers(1, 3), forth=st.integers(0, 3))
    def go_back_and_forth(self, back: int, forth: int) -> None:
        self.all.ask(lambda repo: repo.history.undo(back))
        self.all.ask(lambda repo: repo.images.page(ALL))
        self.all.ask(lambda repo: repo.history.redo(forth))

    # What models say, and what was measured

    @rule(
        labels=st.lists(NAMES, min_size=1, max_size=3, unique=True),
        model=st.integers(1, 2),
        name=st.sampled_from((*MODELS, "7", "")),
        what=st.sampled_from(("add", "add", "rename", "remove")),
    )
    def change_models(self, labels: list[str], model: int, name: str, what: str) -> None:
        match what:
            case "add":
                self.all.ask(lambda repo: repo.models.add(new_model(*labels, name=name)))
            case "rename":
                self.all.ask(lambda repo: repo.models.rename(model, name))
            case _:
                self.all.ask(lambda repo: repo.models.remove(model))

    @rule(
        model=st.integers(1, 2),
        said=st.dictionaries(
            st.integers(1, HAD),
            st.tuples(NAMES, st.sampled_from(CONFIDENCES), st.sampled_from((0.0, 0.5))),
            min_size=1,
            max_size=4,
        ),
    )
    def predict(self, model: int, said: dict[int, tuple[str, float, float]]) -> None:
        answers = [new_prediction(image, *answer) for image, answer in said.items()]
        self.all.ask(lambda repo: repo.predictions.save(model, answers))

    @rule(
        given=st.dictionaries(IMAGES, MEASURES, min_size=1, max_size=4), version=st.integers(1, 2)
    )
    def measure(self, given: dict[int, Measures], version: int) -> None:
        self.all.ask(lambda repo: repo.measurements.save(given, version=version))

    # Trainings

    @rule(run=st.integers(1, 3), act=st.sampled_from(("epoch", "keep", "done", "again", "gone")))
    def train(self, run: int, act: str) -> None:
        self.all.ask(lambda repo: repo.runs.create(new_run()) if run == 1 else 0)
        match act:
            case "epoch":
                self.all.ask(lambda repo: repo.runs.record_epoch(run, epoch(1), last=checkpoint(1)))
            case "keep":
                self.all.ask(
                    lambda repo: repo.runs.save_checkpoint(run, checkpoint(2), best=checkpoint(3))
                )
            case "done":
                self.all.ask(lambda repo: repo.runs.finish(run, "done"))
            case "again":
                self.all.ask(lambda repo: repo.runs.reopen(run, 7))
            case "gone":
                self.all.ask(lambda repo: repo.runs.remove(run))
        self.all.ask(lambda repo: repo.runs.all())
        self.all.ask(lambda repo: repo.runs.checkpoint(run, "last"))

    # Questions

    @rule(text=queries(), model=st.integers(1, 2))
    def select(self, text: str, model: int) -> None:
        query = parse(text)
        self.all.ask(lambda repo: repo.images.ids(query))
        self.all.ask(lambda repo: repo.images.count(query))
        self.all.ask(lambda repo: repo.images.examples(query))
        self.all.ask(lambda repo: repo.measurements.fingerprints(query))
        self.all.ask(lambda repo: repo.measurements.missing(query, version=1))
        self.all.ask(lambda repo: repo.measurements.count_missing(query, version=1))
        self.all.ask(lambda repo: repo.predictions.of_model(model, query))

    @rule(target=places, text=queries(), limit=st.integers(1, 4))
    def page_through(self, text: str, limit: int) -> tuple[Query, str]:
        """All pages; gives the last place, to continue there when everything has changed."""
        query, after = parse(text), None
        seen: list[int] = []
        place = None
        while (page := self._page(query, limit, after)) is not None:
            seen += [image.id for image in page.images]
            place = after or place
            after = page.next
            if after is None:
                assert seen == self.all.ask(lambda repo: repo.images.ids(query))
                break
        return query, place or "none"

    @rule(place=places, limit=st.integers(1, 4))
    def continue_there(self, place: tuple[Query, str], limit: int) -> None:
        query, after = place
        self._page(query, limit, after)

    @rule(image=IMAGES, model=st.none() | st.integers(1, 3))
    def look_at(self, image: int, model: int | None) -> None:
        self.all.ask(lambda repo: repo.images.get(image, model=model))
        self.all.ask(lambda repo: repo.images.data(image))
        self.all.ask(lambda repo: repo.images.stored([image]))
        self.all.ask(lambda repo: repo.measurements.get(image))
        self.all.ask(lambda repo: repo.predictions.of_image(image))
        self.all.ask(lambda repo: repo.history.of_image(image))

    @rule(action=st.integers(1, 9), limit=st.integers(1, 3), after=st.integers(0, 4))
    def look_back(self, action: int, limit: int, after: int) -> None:
        self.all.ask(lambda repo: repo.history.get(action))
        self.all.ask(lambda repo: repo.history.events(action, limit=limit, after=after))
        self.all.ask(lambda repo: repo.history.actions(limit=limit, before=action))

    @rule()
    def open_again(self) -> None:
        self.all.open_again()

    @rule()
    def count(self) -> None:
        self.all.ask(lambda repo: repo.stats())
        self.all.ask(lambda repo: (repo.labels.names(), repo.labels.counts(), repo.tags.counts()))
        self.all.ask(lambda repo: repo.models.all())
        self.all.ask(lambda repo: repo.images.thumbnails())

    @invariant()
    def images_and_history_are_alike(self) -> None:
        self.all.ask(lambda repo: repo.images.page(ALL))
        self.all.ask(lambda repo: repo.history.actions())

    def _page(self, query: Query, limit: int, after: str | None) -> Any:
        return self.all.ask(lambda repo: repo.images.page(query, limit=limit, after=after))


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset file with nothing in it, to be copied."""
    backend = SqliteBackend(tmp_path_factory.mktemp("empty") / "set.db")
    backend.open().close()
    return backend.path


@pytest.mark.slow
def test_every_backend_answers_as_the_plain_model_does(
    empty_file: Path, postgres_server: Server, postgres_dataset: str
) -> None:
    class Machine(DatasetMachine):
        def __init__(self) -> None:
            super().__init__(empty_file, postgres_server, postgres_dataset)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
