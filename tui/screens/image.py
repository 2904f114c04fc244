"""One image by itself: the picture as large as it goes, what is known of it, and its labelling.

Opened over another screen with a list of images and a place in it; `n` and `p` go through the
list. Reading and decoding go on beside the keys, and what has gone by is dropped.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from storage.errors import NotFound, PixshelfError, RefusedInput
from tui.actions import bindings_of
from tui.evaluation.evaluations import model_words
from tui.frame.changes import Change
from tui.frame.edits import Edit, label_edit, tag_edit, trash_edit
from tui.grid.widget import ImageGrid
from tui.labels.label_bar import LabelBar
from tui.labels.labelling import Labelling
from tui.models.actions import ask_model
from tui.picture.explaining import Explainer, Explanation
from tui.picture.facts import FactsPanel
from tui.picture.image_facts import ImageFacts, read_facts, with_record
from tui.picture.source import FINE_SIDE, USUAL_SIDE, Loaded, Pictures
from tui.picture.terminal_pictures import canvas_of
from tui.picture.widget import Picture
from tui.plain.text import printable
from tui.widgets.bars import figure

if TYPE_CHECKING:
    from storage.records import ImageRecord
    from tui.settings import TuiSettings

_AHEAD = (1, 2, -1)
"""Which neighbours are decoded ahead, as seen in the direction one goes in."""
_REST = 0.05
"""Seconds that the keys rest before anything is done ahead."""


class ImageScreen(Labelling):
    """The image at one place of a list."""

    NAME = "image"
    BINDINGS: ClassVar = bindings_of("image")
    DEFAULT_CSS = "ImageScreen #looked-at { height: 1fr; }"

    def __init__(self, images: Sequence[int], at: int) -> None:
        """`images` are ids, at least one; `at` is the place of the first that is shown."""
        super().__init__()
        self._images = array("q", images)
        self._at = max(0, min(len(self._images) - 1, at))
        self._direction = 1
        self._facts: ImageFacts | None = None
        self._pictures = Pictures()
        self._explainer = Explainer()
        self._explains = False
        self._explanation: Explanation | None = None
        self._model: str | None = None
        self._is_stale = False

    def body(self) -> ComposeResult:
        with Horizontal(id="looked-at"):
            yield Picture()
            yield FactsPanel()
        yield LabelBar()

    # --- what is shown

    @property
    def image(self) -> int:
        """The id of the image that is shown."""
        return self._images[self._at]

    @property
    def place(self) -> int:
        """Its place in the list, from 0."""
        return self._at

    @property
    def facts(self) -> ImageFacts | None:
        """What is known of it, once that is read."""
        facts = self._facts
        return facts if facts is not None and facts.record.id == self.image else None

    @property
    def explanation(self) -> Explanation | None:
        """The explanation that is shown in the picture's place."""
        found = self._explanation
        return found if self._explains and found is not None and found.image == self.image else None

    @property
    def _picture(self) -> Picture:
        return self.query_one(Picture)

    @property
    def _panel(self) -> FactsPanel:
        return self.query_one(FactsPanel)

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self._on_change)
        self.pixshelf.settings_changed.subscribe(self, self._choose_canvas)
        self._choose_canvas(self.pixshelf.settings)
        self._bring()

    def _choose_canvas(self, settings: TuiSettings) -> None:
        if not self.app.is_headless:
            no_colour = self.app.no_color
            self._picture.use(canvas_of(settings.pictures, no_colour=no_colour))

    @property
    def _side(self) -> int:
        """How detailed pictures are decoded."""
        return USUAL_SIDE if self._picture.canvas is None else FINE_SIDE

    def on_unmount(self) -> None:
        self._pictures.close()

    def on_screen_resume(self) -> None:
        self._picture.refresh()
        if self._is_stale:
            self.refresh_data()

    def refresh_data(self) -> None:
        self._is_stale = False
        self._bring()

    def _go(self, at: int) -> None:
        at = max(0, min(len(self._images) - 1, at))
        if at == self._at:
            return
        self._direction = 1 if at > self._at else -1
        self._at = at
        self._bring()

    def _bring(self) -> None:
        """Show the image of the present place, as soon as it is there."""
        self._tell()
        self.start(self._brought(self.image), group="image")

    async def _brought(self, image: int) -> None:
        kept = self._pictures.kept(image, self._side)
        if kept is not None:
            self._show(image, kept)
        try:
            facts = await self.pixshelf.dataset.read(lambda repo: read_facts(repo, image))
            self._know(facts)
            if kept is None:
                await self._decoded(facts.record)
        except NotFound:
            self._know(None)
            self._picture.say(f"Image {image} is not there any more.")
        except RefusedInput as error:
            self._picture.say(f"The picture cannot be shown: {printable(error.message)}.")
        except (PixshelfError, OSError):
            if self.facts is None:
                self._know(None)
            if kept is None:
                key = self.pixshelf.key_of("app.refresh")
                self._picture.say(f"Image {image} could not be read. {key} tries again.")
            raise
        if self._explains:
            self._explain()
        await self._look_ahead()

    async def _decoded(self, record: ImageRecord) -> None:
        image, keep = record.id, False
        small = await self.pixshelf.dataset.read(lambda repo: repo.images.thumbnail(image))
        if small is not None:
            thumbnail = await self._pictures.decoded(image, small, self._side)
            keep = True
            self._show(image, Loaded(thumbnail.picture, (record.width, record.height), True))
        loaded = await self._loaded(image, self._side)
        self._show(image, loaded, keep=keep)

    async def _loaded(self, image: int, side: int | None) -> Loaded:
        data = await self.pixshelf.dataset.read(lambda repo: repo.images.data(image))
        return await self._pictures.decoded(image, data, side)

    async def _look_ahead(self) -> None:
        await asyncio.sleep(_REST)
        for step in _AHEAD:
            at = self._at + step * self._direction
            if 0 <= at < len(self._images) and self._pictures.kept(self._images[at]) is None:
                # What is wrong with it is told when it is shown.
                with suppress(RefusedInput):
                    await self._loaded(self._images[at], self._side)

    def _know(self, facts: ImageFacts | None) -> None:
        self._facts = facts
        self._panel.show(facts)
        self.query_one(LabelBar).current = None if facts is None else facts.record.label
        self._tell()

    def _show(self, image: int, loaded: Loaded, *, keep: bool = False) -> None:
        if image != self.image or self.explanation is not None:
            return
        self._picture.show(loaded.picture, loaded.size, whole=loaded.whole, keep=keep)
        self._tell()

    def _tell(self) -> None:
        words = [f"{self._at + 1:,} of {len(self._images):,}"]
        explanation = self.explanation
        if explanation is not None:
            words.append(
                f"why {printable(explanation.model)} says {printable(explanation.label)}: "
                f"hiding the brightest part costs {figure(explanation.fall)}"
            )
        else:
            words.append(f"image {self.image}")
            if self._explains:
                words.append("explaining ...")
            elif self._picture.picture is not None:
                words.append(_scale_words(self._picture.scale))
        self.say("   ".join(words))

    def on_picture_moved(self) -> None:
        self._tell()

    def on_picture_detail(self) -> None:
        if self.explanation is None:
            self.start(self._detailed(self.image), group="detail")

    async def _detailed(self, image: int) -> None:
        with suppress(RefusedInput):  # as told already
            self._show(image, await self._loaded(image, None), keep=True)

    # --- what changes

    def _on_change(self, change: Change) -> None:
        if change.images is not None and self.image not in change.images:
            return
        if change.what == "edit" and change.edit is not None:
            facts = self.facts
            if facts is not None:
                self._know(with_record(facts, change.edit.apply(facts.record)))
        elif change.what == "training":
            return
        elif self.is_current and change.what == "refresh":
            self._bring()  # the picture too: it may not have been had before
        elif self.is_current:
            self.start(self._known_anew(self.image), group="facts")
        else:
            self._is_stale = True

    async def _known_anew(self, image: int) -> None:
        try:
            facts = await self.pixshelf.dataset.read(lambda repo: read_facts(repo, image))
        except NotFound:
            self._bring()
            return
        if image == self.image:
            self._know(facts)

    # --- labelling

    def targets(self) -> tuple[int, ...]:
        return (self.image,)

    def at_hand(self, image: int) -> ImageRecord | None:
        facts = self.facts
        return facts.record if facts is not None and image == facts.record.id else None

    def moved_on(self, images: Sequence[int], edit: Edit) -> None:
        if self._at + 1 < len(self._images):
            self._go(self._at + 1)
        else:
            self.notify("that was the last image")

    def on_label_bar_pressed(self, event: LabelBar.Pressed) -> None:
        self.give_label(event.label)

    # --- models

    def action_explain(self) -> None:
        """Show the explanation, or the picture again."""
        self._explains = not self._explains
        if self._explains:
            self._explain()
        else:
            self._explanation = None
            self._bring()

    def _explain(self) -> None:
        self._tell()
        self.start(self._explained(self.image), group="explain")

    async def _explained(self, image: int) -> None:
        from PIL import Image

        model = self._model

        def wanted() -> bool:
            return self._explains and image == self.image

        await asyncio.sleep(_REST)
        try:
            made = await self.pixshelf.dataset.work(
                lambda repo: self._explainer.explain(repo, image, model, wanted=wanted)
            )
        except PixshelfError:
            self._explains = False
            self._tell()
            raise
        if made is not None and wanted():
            self._explanation = made
            height, width = made.pixels.shape[:2]
            self._picture.show(Image.fromarray(made.pixels), (width, height))
            self._tell()

    def action_classify(self) -> None:
        """Ask the model, and store what it says."""
        self.start(self._classified(self.image), group="classify", exclusive=False)

    async def _classified(self, image: int) -> None:
        model = self._model
        name, label, confidence = await self.pixshelf.dataset.work(
            lambda repo: self._explainer.classify(repo, image, model)
        )
        self.notify(f"{printable(name)}: {printable(label)}, {figure(confidence)}")
        self.pixshelf.changes.publish(Change("predictions", (image,)))

    def action_model(self) -> None:
        """Choose a model."""
        self.start(self._chosen_model(), group="model")

    async def _chosen_model(self) -> None:
        models = await self.pixshelf.dataset.read(lambda repo: repo.models.all())
        model = await ask_model(self.pixshelf, models)
        if model is not None:
            self._model = model_words(models)[model.id]
            self.notify(f"model {self._model} answers from now on")
            if self._explains:
                self._explanation = None
                self._explain()

    # --- going about

    def action_next(self) -> None:
        self._go(self._at + 1)

    def action_previous(self) -> None:
        self._go(self._at - 1)

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._images) - 1)

    def action_back(self) -> None:
        """Leave; a grid below that shows the same images goes to the one seen last."""
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        if below is None:
            return
        for grid in below.query(ImageGrid):
            if self._at < len(grid.ids) and grid.ids[self._at] == self.image:
                grid.move_to(self._at)
        self.dismiss()

    # --- looking

    def action_zoom_in(self) -> None:
        self._picture.zoom(1)

    def action_zoom_out(self) -> None:
        self._picture.zoom(-1)

    def action_fit(self) -> None:
        self._picture.fit()

    def action_actual(self) -> None:
        self._picture.actual()

    def action_pan_right(self) -> None:
        self._picture.pan(1, 0)

    def action_pan_left(self) -> None:
        self._picture.pan(-1, 0)

    def action_pan_down(self) -> None:
        self._picture.pan(0, 1)

    def action_pan_up(self) -> None:
        self._picture.pan(0, -1)

    def action_right(self) -> None:
        if self._picture.zoomed_in:
            self._picture.pan(1, 0)
        else:
            self.action_next()

    def action_left(self) -> None:
        if self._picture.zoomed_in:
            self._picture.pan(-1, 0)
        else:
            self.action_previous()

    def action_down(self) -> None:
        if self._picture.zoomed_in:
            self._picture.pan(0, 1)
        else:
            self._panel.scroll_down(animate=False)

    def action_up(self) -> None:
        if self._picture.zoomed_in:
            self._picture.pan(0, -1)
        else:
            self._panel.scroll_up(animate=False)

    def action_facts(self) -> None:
        self._panel.display = not self._panel.display

    def action_facts_down(self) -> None:
        self._panel.scroll_page_down(animate=False)

    def action_facts_up(self) -> None:
        self._panel.scroll_page_up(animate=False)

    # --- the command line

    def commands(self) -> list[tuple[str, str]]:
        line, image = self.pixshelf.command_line, self.image
        model = () if self._model is None else ("--model", self._model)
        query = f"id:{image}"
        said = [
            ("show the image", ("show", str(image))),
            ("write its bytes to a file", ("show", str(image), "-o", f"image-{image}")),
            ("classify it", ("predict", "--query", query, "--save", *model)),
            ("explain the answer", ("predict", "--query", query, "--explain", *model)),
        ]
        record = self.at_hand(image)
        if record is not None:
            label = record.label or next(iter(self.labels), "LABEL")
            tag = next(iter(record.tags), next(iter(self.tags), "TAG"))
            said += [
                ("label it", label_edit((image,), label).words()),
                ("tag it", tag_edit((image,), tag, on=True).words()),
                ("put it into a split", ("split", "--to", record.split or "train", query)),
                (
                    "restore it" if record.deleted else "put it into the trash",
                    trash_edit((image,), away=not record.deleted).words(),
                ),
            ]
        return [(what, line(*words)) for what, words in said]


def _scale_words(scale: float) -> str:
    return f"{scale:g}x" if scale >= 1 else f"1/{1 / scale:.3g}"
