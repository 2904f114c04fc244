"""What is known of one image: read in one go, and told as lines of a given width.

`read_facts` is for a thread with a Repository; the rest is pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import TYPE_CHECKING

from textual.content import Content

from tui.plain.text import in_bytes, minute, printable, shorten
from tui.plain.text import width as width_of
from tui.widgets.bars import bars, figure

if TYPE_CHECKING:
    from storage.records import Action, Event, ImageRecord, Measures, ModelRecord, Prediction
    from storage.repository import Repository

MOST_MODELS = 50
MOST_HISTORY = 100
_FEW, _MANY = 3, 10
_NAMES = 8
"""Columns of the facts' names, with the space after them."""
_KINDS = {1: "grey", 2: "grey and alpha", 3: "colour", 4: "colour and alpha, or CMYK"}


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What one model said of the image. `top` holds its most probable labels with their
    probabilities, highest first; `labels` counts those that it knows."""

    model: int
    name: str
    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]
    labels: int


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as the single view shows it. The answers are the newest model's first, the history
    the newest action first."""

    record: ImageRecord
    measures: Measures | None
    answers: tuple[ModelAnswer, ...]
    history: tuple[tuple[Action, Event], ...]


def read_facts(repo: Repository, image: int) -> ImageFacts:
    """Everything that the dataset holds of an image but its bytes. Raises NotFound."""
    record = repo.images.get(image)
    answers = [
        answer_of(repo.models.get(prediction.model), prediction)
        for prediction in repo.predictions.of_image(image)[:MOST_MODELS]
    ]
    return ImageFacts(
        record,
        repo.measurements.get(image),
        tuple(answers),
        tuple(repo.history.of_image(image)[:MOST_HISTORY]),
    )


def answer_of(model: ModelRecord, prediction: Prediction) -> ModelAnswer:
    """A stored prediction with its best labels by name. One whose probabilities are not as many
    as the model's labels has its first label alone."""
    labels = model.labels
    top: Sequence[tuple[str, float]] = [(prediction.label, prediction.confidence)]
    if len(prediction.probabilities) == 4 * len(labels):
        shares = struct.unpack(f"<{len(labels)}f", prediction.probabilities)
        top = nlargest(_MANY, zip(labels, shares, strict=True), key=lambda pair: pair[1])
    return ModelAnswer(
        model.id, model.name, prediction.label, prediction.confidence, tuple(top), len(labels)
    )


def told(facts: ImageFacts, width: int, *, roomy: bool = False) -> Content:
    """The facts in lines of at most `width` columns; `roomy` tells more of what models said."""
    blocks = [
        _given(facts.record, width),
        *(_answered(answer, facts.record, width, roomy=roomy) for answer in facts.answers),
        _stored(facts.record, width),
        _measured(facts.measures, width),
        _changed(facts.history, width),
        _named([("sha256", Content(facts.record.sha256.hex()))], width),
    ]
    return Content("\n\n").join(block for block in blocks if block)


def _given(record: ImageRecord, width: int) -> Content:
    label = "none" if record.label is None else record.label
    rows = [
        ("label", Content.styled(printable(label), "bold" if record.label is not None else "dim")),
        ("split", Content(record.split or "none")),
        ("tags", Content(printable(", ".join(record.tags)) or "none")),
    ]
    if record.deleted:
        rows.insert(0, ("trash", Content.styled("in the trash", "bold $warning")))
    return _named(rows, width)


def _answered(answer: ModelAnswer, record: ImageRecord, width: int, *, roomy: bool) -> Content:
    verdict = "" if record.label is None else "right" if answer.label == record.label else "wrong"
    said = f"{printable(answer.label)} {figure(answer.confidence)}"
    end = f" {verdict}" if verdict else ""
    name = shorten(printable(answer.name), max(4, width - width_of(said) - width_of(end) - 2))
    heading = Content.assemble(
        (name, "bold $accent"), f": {said}", (end, "bold" if verdict == "wrong" else "")
    )
    shown = answer.top[: _MANY if roomy else _FEW]
    lines = [heading.truncate(width, ellipsis=True), bars(shown, width, truth=record.label)]
    return Content("\n").join(lines)


def _stored(record: ImageRecord, width: int) -> Content:
    kind = _KINDS.get(record.channels, f"{record.channels} channels")
    return _named(
        [
            ("id", Content(str(record.id))),
            ("size", Content(f"{record.width} x {record.height}, {kind}")),
            ("file", Content(f"{printable(record.format)}, {in_bytes(record.bytes)}")),
            ("source", Content(printable(record.source) or "none")),
            ("added", Content(minute(record.added_at))),
        ],
        width,
    )


def _measured(measures: Measures | None, width: int) -> Content:
    if measures is None:
        return Content("")
    rows = [
        ("luma", f"{measures.low} to {measures.high}"),
        ("contrast", f"{measures.contrast:.1f}"),
        ("spread", str(measures.spread)),
        ("sharp", "none" if measures.sharpness is None else f"{measures.sharpness:.3f}"),
        *([("frames", "more than one")] if measures.animated else []),
    ]
    return _named([(name, Content(value)) for name, value in rows], width)


def _changed(history: Sequence[tuple[Action, Event]], width: int) -> Content:
    return Content("\n").join(_changes(history, width))


def _changes(history: Sequence[tuple[Action, Event]], width: int) -> Iterator[Content]:
    for action, event in history:
        state = "" if action.state == "done" else f" ({action.state})"
        before = "none" if event.before is None else printable(event.before)
        after = "none" if event.after is None else printable(event.after)
        what = f"{printable(action.kind)}: {before} → {after}{state}"
        yield Content.assemble(
            (f"{minute(action.at)} {printable(action.actor)}", "$text-muted")
        ).truncate(width, ellipsis=True)
        yield Content(f"  {what}").truncate(width, ellipsis=True)


def _named(rows: Sequence[tuple[str, Content]], width: int) -> Content:
    """A name and a value in each row; a long value goes on below itself."""
    room = max(4, width - _NAMES)
    lines: list[Content] = []
    for name, value in rows:
        for at, part in enumerate(value.fold(room)):
            lead = Content.styled((name if not at else "").ljust(_NAMES), "$text-muted")
            lines.append(lead + part)
    return Content("\n").join(lines)


def with_record(facts: ImageFacts, record: ImageRecord) -> ImageFacts:
    """The same with the image as it is now."""
    return replace(facts, record=record)
