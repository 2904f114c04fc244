"""The review in words: an item's facts, a queue's name and state. Pure functions to Content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from tui.plain.text import in_bytes, plural, printable
from tui.widgets.bars import bars, figure

if TYPE_CHECKING:
    from ml.review_items import Item
    from ml.review_queue import Kind, Queue
    from storage.records import ImageRecord
    from tui.review.edits import Outcome
    from tui.review.state import Review

TITLES: dict[Kind, str] = {
    "wrong": "Wrong answers",
    "labels": "Label errors",
    "confidence": "Least sure",
    "margin": "Close calls",
    "disagreement": "Disagreement",
    "unlabelled": "Unlabelled",
    "duplicates": "Duplicates",
    "problems": "Problems",
}
ABOUT: dict[Kind, str] = {
    "wrong": "answers that are not the label, the surest first",
    "labels": "labels that are likely wrong, by confident learning",
    "confidence": "answers of which the model is least sure",
    "margin": "answers with another one close behind",
    "disagreement": "images that two models tell apart",
    "unlabelled": "images without a label, the most doubtful first",
    "duplicates": "pictures that are there more than once, then such as look alike",
    "problems": "blank, dark, blurry and odd pictures",
}
_DONE: dict[Outcome, str] = {"accepted": "accepted", "kept": "kept as it is", "changed": "changed"}


def queue_line(kind: Kind, count: int | None, width: int) -> Content:
    """A queue with its count in `width` columns; '…' where that is not known yet."""
    told = "" if count is None else f"{count:,}"
    return Content(f"{TITLES[kind]:<{max(0, width - len(told))}}{told}")


def heading(queue: Queue, models: Sequence[str], words: str) -> Content:
    """What is reviewed, in a line. `models` are names; `words` narrow the images."""
    parts = [Content.styled(TITLES[queue.kind], "bold"), Content(ABOUT[queue.kind])]
    if models:
        parts.append(Content(" and ".join(printable(name) for name in models)))
    if queue.kind == "unlabelled":
        parts.append(Content(f"by {queue.by}"))
    if words:
        parts.append(Content.styled(printable(words), "$accent"))
    return Content(" · ").join(parts)


def progress_line(review: Review) -> str:
    """The place, and the share accepted so far."""
    total = (
        review.total
        if review.is_whole or review.total is None
        else max(review.total, len(review.listing))
    )
    of = f"{total:,}" if total is not None else "…"
    tally = review.tally
    parts = [f"{min(review.place + 1, len(review.listing)):,} of {of}"]
    if tally.share is not None:
        parts.append(f"decided {tally.decided:,}")
        parts.append(f"accepted {tally.accepted:,} ({100 * tally.share:.0f} %)")
        parts.append(f"kept {tally.kept:,}")
        parts.append(f"changed {tally.changed:,}")
    return " · ".join(parts)


def told(
    item: Item,
    outcome: Outcome | None,
    width: int,
    *,
    shown: int | None = None,
    answers: int = 10,
) -> Content:
    """An item's facts in lines of `width` columns. `shown` is the image under the cursor, where
    there are several. Of each model's labels the first `answers` are told, and the one given."""
    lines: list[Content] = []
    suggestion = item.suggestion
    if len(item.records) > 1:
        lines += _group(item, shown)
    else:
        lines += _given_and_suggested(item)
    if outcome is not None:
        lines.append(Content.styled(f"✓ {_DONE[outcome]}", "bold $accent"))
    lines += [Content(""), Content(printable(item.reason)), Content("")]
    if suggestion is None:
        lines.append(Content.styled("no suggestion", "$text-muted"))
    for answer in item.answers:
        lines.append(Content.styled(printable(answer.model), "$text-muted"))
        given = item.records[0].label
        top = [row for at, row in enumerate(answer.top) if at < answers or row[0] == given]
        lines.append(bars(top, width, truth=given))
        lines.append(Content(""))
    for record in item.records if len(item.records) == 1 else ():
        lines += _facts(record)
    return Content("\n").join(lines)


def _given_and_suggested(item: Item) -> list[Content]:
    record, suggestion = item.records[0], item.suggestion
    given = "none" if record.label is None else printable(record.label)
    lines = [Content.assemble(("label      ", "$text-muted"), (given, "bold"))]
    if suggestion is None:
        return lines
    match suggestion.what:
        case "label":
            what = printable(suggestion.name or "")
        case "tag":
            what = f"tag {printable(suggestion.name or '')}"
        case _:
            what = "to the trash"
    sure = "" if suggestion.confidence is None else f"  {figure(suggestion.confidence)}"
    lines.append(
        Content.assemble(
            ("suggested  ", "$text-muted"), (what, "bold $accent"), (sure, "$text-muted")
        )
    )
    return lines


def _group(item: Item, shown: int | None) -> list[Content]:
    kept = shown if shown in item.images else item.image
    lines = [Content.styled("suggested: keep the one, trash the rest", "$text-muted")]
    for record in item.records:
        mark = "keep " if record.id == kept else "trash"
        style = "bold $accent" if record.id == kept else ""
        label = "no label" if record.label is None else f"label {printable(record.label)}"
        lines.append(Content.assemble((f"{mark} ", style), (f"#{record.id} {label}", style)))
        size = f"{record.width}x{record.height} {record.format} {in_bytes(record.bytes)}"
        lines.append(Content.styled(f"      {size} {record.split or ''}", "$text-muted"))
        lines.append(Content.styled(f"      {printable(record.source)}", "$text-muted"))
    return lines


def _facts(record: ImageRecord) -> list[Content]:
    parts = [f"#{record.id}", f"{record.width}x{record.height}", record.format]
    lines = [Content(" ".join([*parts, record.split or "no split"]))]
    if record.tags:
        lines.append(Content(f"tags: {', '.join(map(printable, record.tags))}"))
    if record.deleted:
        lines.append(Content("in the trash"))
    lines.append(Content(printable(record.source)))
    return [Content.styled(line.plain, "$text-muted") for line in lines]


def lacking_line(queue: Queue, count: int, models: Sequence[str]) -> str:
    """What a queue lacks, and the key that fills it in."""
    if not count:
        return ""
    if queue.kind == "problems":
        return f"{plural(count, 'image')} not measured yet: c measures"
    names = " and ".join(printable(name) for name in models)
    return f"{plural(count, 'answer')} of {names} missing: c predicts"
