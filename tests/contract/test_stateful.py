"""Any sequence of additions and edits leaves a Repository as it leaves a plain dictionary."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
)

from storage.opening import open_repository
from storage.query import parse
from storage.records import SPLITS, Split
from tests.making import add_images, new_image, new_model, new_prediction

LABELS = ("a", "b", "10")
TAGS = ("x", "y")


@dataclass(frozen=True)
class Known:
    """An image as the plain model has it."""

    label: str | None
    split: str | None
    width: int
    tags: frozenset[str] = frozenset()
    predicted: str | None = None
    deleted: bool = False


class DatasetMachine(RuleBasedStateMachine):
    images: Bundle[int] = Bundle("images")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "set.db"
        self.repository = open_repository(self._path, create=True)
        self.model = self.repository.models.add(new_model(*LABELS))
        self.known: dict[int, Known] = {}
        self.done: list[tuple[int, dict[str, object], dict[str, object]]] = []
        self.undone: list[tuple[int, dict[str, object], dict[str, object]]] = []

    def teardown(self) -> None:
        assert list(self.repository.check()) == []
        self.repository.close()
        self._folder.cleanup()

    @rule(
        target=images,
        number=st.integers(0, 30),
        label=st.none() | st.sampled_from(LABELS),
        split=st.none() | st.sampled_from(SPLITS),
        tags=st.sets(st.sampled_from(TAGS)),
    )
    def add(self, number: int, label: str | None, split: str | None, tags: set[str]) -> int:
        width = 10 + number % 4
        image = new_image(number, label=label, split=split, tags=tuple(tags), width=width)
        (image_id,) = add_images(self.repository, image)
        self.known.setdefault(image_id, Known(label, split, width, frozenset(tags)))
        return image_id

    @rule(image=images, label=st.none() | st.sampled_from(LABELS))
    def set_label(self, image: int, label: str | None) -> None:
        action = self.repository.images.set_label([image], label, actor="test")
        self._change(image, action.images, label=label)

    @rule(image=images, split=st.none() | st.sampled_from(SPLITS))
    def set_split(self, image: int, split: Split | None) -> None:
        action = self.repository.images.set_split({image: split}, actor="test", summary="")
        self._change(image, action.images, split=split)

    @rule(image=images, tag=st.sampled_from(TAGS), on=st.booleans())
    def set_tag(self, image: int, tag: str, on: bool) -> None:
        edit = self.repository.images.add_tag if on else self.repository.images.remove_tag
        tags = self.known[image].tags
        changed = edit([image], tag, actor="test").images
        self._change(image, changed, tags=tags | {tag} if on else tags - {tag})

    @rule(image=images, deleted=st.booleans())
    def delete_or_restore(self, image: int, deleted: bool) -> None:
        edit = self.repository.images.delete if deleted else self.repository.images.restore
        self._change(image, edit([image], actor="test").images, deleted=deleted)

    @rule()
    def undo(self) -> None:
        assert len(self.repository.history.undo()) == min(1, len(self.done))
        if self.done:
            image, before, after = self.done.pop()
            self.undone.append((image, before, after))
            self.known[image] = replace(self.known[image], **before)

    @rule()
    def redo(self) -> None:
        assert len(self.repository.history.redo()) == min(1, len(self.undone))
        if self.undone:
            image, before, after = self.undone.pop()
            self.done.append((image, before, after))
            self.known[image] = replace(self.known[image], **after)

    @rule(image=images, label=st.sampled_from(LABELS), confidence=st.floats(0, 1, width=16))
    def predict(self, image: int, label: str, confidence: float) -> None:
        self.repository.predictions.save(self.model, [new_prediction(image, label, confidence)])
        self.known[image] = replace(self.known[image], predicted=label)

    @rule(image=consumes(images))
    def forget(self, image: int) -> None:
        """Keeps the bundle from growing; the image itself stays."""

    @rule()
    def open_again(self) -> None:
        self.repository.close()
        self.repository = open_repository(self._path)

    @invariant()
    def records_are_the_same(self) -> None:
        page = self.repository.images.page(parse("is:deleted,labelled,unlabelled"))
        assert {
            i.id: Known(
                i.label,
                i.split,
                i.width,
                frozenset(i.tags),
                i.prediction.label if i.prediction else None,
                i.deleted,
            )
            for i in page.images
        } == self.known
        for image in page.images:
            known = self.known[image.id]
            if image.prediction is not None:
                right = None if known.label is None else known.label != known.predicted
                assert image.prediction.wrong == right

    @invariant()
    def queries_select_the_same(self) -> None:
        ids = self.repository.images.ids
        known = [item for item in self.known.items() if not item[1].deleted]
        assert ids(parse("label:a,10")) == [i for i, k in known if k.label in {"a", "10"}]
        assert ids(parse("-split:test")) == [i for i, k in known if k.split != "test"]
        assert ids(parse("tag:x -tag:y")) == [i for i, k in known if k.tags == {"x"}]
        assert ids(parse("is:deleted")) == [i for i, k in self.known.items() if k.deleted]
        by_width = sorted(known, key=lambda item: (item[1].width, item[0]), reverse=True)
        assert ids(parse("sort:-width")) == [i for i, _ in by_width]
        if any(k.predicted for k in self.known.values()):
            wrong = [i for i, k in known if k.label and k.predicted and k.label != k.predicted]
            assert ids(parse("is:wrong")) == wrong

    @invariant()
    def counts_are_the_same(self) -> None:
        shown = [k for k in self.known.values() if not k.deleted]
        stats = self.repository.stats()
        assert stats.images == len(shown)
        assert stats.unlabelled == sum(k.label is None for k in shown)
        assert sum(stats.splits.values()) == len(shown)
        assert self.repository.tags.counts().get("x", 0) == sum("x" in k.tags for k in shown)

    @invariant()
    def history_has_an_action_for_every_edit(self) -> None:
        states = [action.state for action in self.repository.history.actions(limit=1000)]
        assert states.count("done") == len(self.done)
        assert states.count("undone") == len(self.undone)

    def _change(self, image: int, changed: int, **after: object) -> None:
        known = self.known[image]
        before = {name: getattr(known, name) for name in after}
        assert bool(changed) == (before != after)
        if changed:
            self.known[image] = replace(known, **after)
            self.done.append((image, before, after))
            self.undone.clear()


DatasetMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestDataset = DatasetMachine.TestCase
