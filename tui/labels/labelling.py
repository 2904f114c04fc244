"""Labelling: what every screen does to the images that are meant, by one key each.

`Labelling` is a Section with the actions of tui/actions/labelling.py and the keys of the labels.
A screen says which images are meant and where the cursor goes next; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.reactive import reactive

from storage.choices import SPLITS
from storage.errors import PixshelfError
from storage.ordering import natural_key
from storage.query import Query, Term
from tui.actions import bindings_of
from tui.frame.background import OWED
from tui.frame.changes import Change
from tui.frame.edits import Edit, label_edit, split_edit, tag_edit, trash_edit
from tui.frame.section import Section
from tui.labels.label_bar import LabelBar
from tui.labels.label_keys import keys_of_labels, label_of, rekeyed, taken_keys
from tui.plain.text import plural, printable

if TYPE_CHECKING:
    from storage.records import ImageRecord
    from storage.repository import Repository
    from tui.settings import TuiSettings

STILL_LISTING = "the list is still being read: nothing was done; try again in a moment"
_CHUNK = 500
_AT_HAND = 300
"""Up to so many images are looked at one by one."""
_SPLIT_KEYS = {"t": "train", "v": "val", "s": "test", "n": "none"}


class Labelling(Section):
    """A section in which images get labels, tags and splits.

    A subclass gives `targets`, and as it needs `at_hand`, `moved_on` and `takes_label_keys`. Its
    own BINDINGS are merged with these.
    """

    BINDINGS: ClassVar = bindings_of("labelling")

    label_keys: reactive[Mapping[str, str]] = reactive({}, init=False)
    """Each key with its label, for the key bar and for key presses."""
    labels: reactive[tuple[str, ...]] = reactive((), init=False)
    """Every label of the dataset, in natural order."""
    labels_are_known: reactive[bool] = reactive(False, init=False)
    """Whether the labels were read: that there are none may be told then."""
    tags: reactive[tuple[str, ...]] = reactive((), init=False)
    """Every tag of the dataset, in natural order."""

    # --- what a screen gives

    def targets(self) -> Sequence[int]:
        """The images that the next key is about."""
        raise NotImplementedError

    def knows_targets(self) -> bool:
        """Whether `targets` are all that are meant, and not the first of a list still read."""
        return True

    def at_hand(self, image: int) -> ImageRecord | None:
        """An image's record as it is shown, where it need not be read."""
        return None

    def moved_on(self, images: Sequence[int], edit: Edit) -> None:
        """A label was given, or the images went to the trash: the cursor may go on."""

    def takes_label_keys(self) -> bool:
        """Whether keys are for labels now. A text that is written keeps its keys by itself."""
        return True

    # --- labels and their keys

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._vocabulary_after)
        self.pixshelf.settings_changed.subscribe(self, self._settings_changed)
        self.read_vocabulary()

    def read_vocabulary(self) -> None:
        """Read the labels and tags anew, in the background."""
        self.start(self._read_labels(), group="labels")
        self.start(self._read_tags(), group="tags")

    async def _read_labels(self) -> None:
        self.labels = tuple(await self.pixshelf.dataset.read(lambda repo: repo.labels.names()))
        self.labels_are_known = True

    async def _read_tags(self) -> None:
        self.tags = tuple(await self.pixshelf.dataset.survey(lambda repo: list(repo.tags.counts())))

    def watch_labels(self) -> None:
        self._give_keys()
        self._tell_keys()

    def watch_label_keys(self) -> None:
        self._tell_keys()

    def watch_labels_are_known(self) -> None:
        self._tell_keys()

    def _tell_keys(self) -> None:
        for bar in self.query(LabelBar):
            bar.keys = self.label_keys
            bar.total = len(self.labels) if self.labels_are_known else None

    def _settings_changed(self, settings: TuiSettings) -> None:
        self._give_keys()

    def _give_keys(self) -> None:
        settings = self.pixshelf.settings
        self.label_keys = keys_of_labels(
            self.labels, settings.label_keys, taken_keys(settings.keys)
        )

    def _vocabulary_after(self, change: Change) -> None:
        if change.what in ("refused", "undo", "import", "training", "others", "refresh"):
            self.read_vocabulary()
        elif change.what == "stored" and change.edit is not None:
            self._learn(change.edit)

    def _learn(self, edit: Edit) -> None:
        """Know of a label or tag that another screen was the first to give."""
        if edit.kind == "many":
            self.read_vocabulary()
        elif edit.name is not None and edit.kind == "label":
            self.labels = _with(self.labels, edit.name)
        elif edit.name is not None:
            self.tags = _with(self.tags, edit.name)

    def on_key(self, event: events.Key) -> None:
        if not self.takes_label_keys():
            return
        label = label_of(self.label_keys, event.key, event.character)
        if label is not None:
            event.stop()
            event.prevent_default()
            self.give_label(label)

    # --- edits

    def give_label(self, label: str | None) -> None:
        """Give the images that are meant a label, or take it away, and go on."""
        images = self._meant()
        if images:
            self._label(images, label)

    def _label(self, images: Sequence[int], label: str | None) -> None:
        self.do(label_edit(images, label), move=label is not None)

    def do(self, edit: Edit, *, move: bool = False) -> None:
        """Show and store an edit. What is done to many images is told of; `move` goes on."""
        if not edit.images:
            self.notify("there is no image to do this to", severity="warning")
            return
        self.pixshelf.edit(edit)
        if len(edit.images) > 1:
            self.notify(f"{printable(edit.summary)}: {plural(len(edit.images), 'image')}")
        if move:
            self.moved_on(edit.images, edit)

    def action_label(self) -> None:
        """Ask for a label by typing."""
        images = self._meant()
        if images:
            self._choose("Label", self.labels, "new label", lambda name: self._named(images, name))

    def _named(self, images: Sequence[int], name: str) -> None:
        from storage.labels import clean_label

        try:
            label = name if name in self.labels else clean_label(name)
        except PixshelfError as error:
            self.pixshelf.show_error(error)
            return
        self.labels = _with(self.labels, label)
        self._label(images, label)

    def action_tag(self) -> None:
        """Ask for a tag by typing, and put it on or take it off."""
        images = self._meant()
        if images:
            self._choose("Tag", self.tags, "new tag", lambda name: self._tagged(images, name))

    def _tagged(self, images: Sequence[int], name: str) -> None:
        from storage.labels import clean_tag

        try:
            tag = name if name in self.tags else clean_tag(name)
        except PixshelfError as error:
            self.pixshelf.show_error(error)
            return
        self.tags = _with(self.tags, tag)
        if len(images) > _AT_HAND:
            self.start(self._toggle_tag(images, tag), group=OWED, exclusive=False)
            return
        records = [self.at_hand(image) for image in images]
        if any(record is not None and tag not in record.tags for record in records):
            self.do(tag_edit(images, tag, on=True))
        elif None not in records:
            self.do(tag_edit(images, tag, on=False))
        else:
            self.start(self._toggle_tag(images, tag), group=OWED, exclusive=False)

    async def _toggle_tag(self, images: Sequence[int], tag: str) -> None:
        lacking = await self.pixshelf.dataset.survey(lambda repo: any_lacks(repo, images, tag))
        self.do(tag_edit(images, tag, on=lacking))

    def action_split(self) -> None:
        """Ask for a split by its letter."""
        from tui.keys.key_menu import Entry, KeyMenu

        images = self._meant()

        def chosen(value: str | None) -> None:
            if value is not None:
                self.do(split_edit(images, next((s for s in SPLITS if s == value), None)))

        if images:
            entries = [Entry(key, split, split) for key, split in _SPLIT_KEYS.items()]
            self.app.push_screen(KeyMenu("Split", entries), chosen)

    def action_clear_label(self) -> None:
        """Take the label away."""
        self.give_label(None)

    def action_trash(self) -> None:
        """Put the images into the trash, after a question where the user wants one."""
        from tui.frame.dialogs import Question

        images = self._meant()
        if not images:
            return
        edit = trash_edit(images, away=True)
        if not self.pixshelf.settings.confirm:
            self.do(edit, move=True)
            return

        def answered(answer: str | None) -> None:
            if answer == "Yes":
                self.do(edit, move=True)

        self.app.push_screen(
            Question(
                f"Move {plural(len(images), 'image')} to the trash?",
                ("Yes", "No"),
                hint="Undo (u) brings them back, and so does restore (R) under is:deleted.",
            ),
            answered,
        )

    def action_restore(self) -> None:
        """Take the images out of the trash."""
        images = self._meant()
        if images:
            self.do(trash_edit(images, away=False))

    def action_label_key(self) -> None:
        """Ask for a label, then for its key."""
        from tui.labels.label_key_dialog import LabelKeyDialog

        if not self.labels:
            self.notify("there is no label yet", severity="warning")
            return
        taken = taken_keys(self.pixshelf.settings.keys)

        def ask_key(label: str) -> None:
            old = next((key for key, name in self.label_keys.items() if name == label), None)
            self.app.push_screen(LabelKeyDialog(label, old, taken), lambda key: keyed(label, key))

        def keyed(label: str, key: str | None) -> None:
            if key is not None:
                settings = self.pixshelf.settings
                chosen = rekeyed(settings.label_keys, label, key or None)
                self.pixshelf.save_settings(replace(settings, label_keys=chosen))

        self._choose("Key of which label", self.labels, None, ask_key)

    def _meant(self) -> Sequence[int]:
        """The images that are meant; none, which is told, where there is none or not all are
        known."""
        if not self.knows_targets():
            self.notify(STILL_LISTING, severity="warning")
            return ()
        images = self.targets()
        if not images:
            self.notify("there is no image to do this to", severity="warning")
        return images

    def _choose(
        self, title: str, names: Sequence[str], new: str | None, then: Callable[[str], None]
    ) -> None:
        from tui.frame.dialogs import Choice

        def chosen(name: str | None) -> None:
            if name is not None:
                then(name)

        self.app.push_screen(Choice(title, names, new=new), chosen)


def any_lacks(repo: Repository, images: Sequence[int], tag: str) -> bool:
    """Whether any of the images, those in the trash left aside, is without a tag."""
    untagged = Term("tag", ":", (tag,), negated=True)
    return any(
        repo.images.count(Query((Term("id", ":", tuple(images[at : at + _CHUNK])), untagged)))
        for at in range(0, len(images), _CHUNK)
    )


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else tuple(sorted((*names, name), key=natural_key))
