"""The plan of a training as the form shows it: a few facts, in words, and lines of text.

`facts_of` keeps no image of the plan, so that one of a million images costs nothing afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from tui.plan_lines import input_line, length_line, network_line, time_line, weights_words
from tui.text import plural, printable, shorten, width

if TYPE_CHECKING:
    from ml.events import Note
    from ml.plan import TrainPlan
    from ml.remarks import LabelCount

MOST_LABELS = 500
"""The labels that are listed with their counts; of more, the first."""

_INDENT = 10


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the form shows of a plan. `facts` are (word, text); `counts` those of the first labels
    of `labels`; `unset` is what an empty field of the form comes to, by its name."""

    name: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    labels: int
    counts: tuple[LabelCount, ...]
    unset: Mapping[str, str]


def facts_of(plan: TrainPlan) -> PlanFacts:
    """What is shown of a plan."""
    held = " (held out)" if plan.held_out else ""
    test = f", {plan.test:,} test left for later" if plan.test else ""
    weights = weights_words(plan).removesuffix(", ")
    facts = [
        ("name", printable(plan.name)),
        ("time", time_line(plan)),
        ("images", f"{len(plan.train):,} train, {len(plan.val):,} val{held}{test}"),
        ("labels", _labels(plan)),
        ("input", input_line(plan)),
        ("network", network_line(plan)),
        ("length", f"{length_line(plan)}, batch {plan.recipe.batch}"),
        ("augment", plan.recipe.augment + (", mirrored too" if plan.recipe.flips else "")),
        *([("weights", weights)] if weights else []),
    ]
    return PlanFacts(
        plan.name,
        tuple(facts),
        plan.notes,
        len(plan.labels),
        plan.counts[:MOST_LABELS],
        _unset(plan),
    )


def _labels(plan: TrainPlan) -> str:
    least = min(plan.counts, key=lambda count: count.train)
    most = max(plan.counts, key=lambda count: count.train)
    return (
        f"{len(plan.labels):,}, of {least.train:,} ({shorten(printable(least.label), 16)}) to "
        f"{most.train:,} ({shorten(printable(most.label), 16)}) to train on"
    )


def _unset(plan: TrainPlan) -> dict[str, str]:
    recipe, spec = plan.recipe, plan.input
    size = str(spec.width) if spec.width == spec.height else f"{spec.width}x{spec.height}"
    found = {
        "size": size,
        "batch": str(recipe.batch),
        "ensemble": str(recipe.members),
        "threads": f"all {os.cpu_count() or 1}",
        "name": printable(plan.name),
    }
    if plan.settings.minutes is None:
        found |= {"epochs": str(recipe.epochs), "steps": f"{recipe.steps:,}"}
    return found


def plan_content(facts: PlanFacts, cells: int, *, stale: bool = False) -> Content:
    """The plan in lines of at most `cells` cells; `stale` while a newer one is being made."""
    word, plain = ("dim", "dim" if stale else "")
    lines = []
    for name, text in facts.facts:
        for at, part in enumerate(wrapped(text, cells - _INDENT)):
            head = f"{'' if at else name:<{_INDENT}}"
            lines.append(Content.assemble((head, word), (part, plain)))
    for note in facts.notes:
        warns = note.level == "warning"
        mark = "! " if warns else "  "
        style = "$text-warning" if warns and not stale else word
        for at, part in enumerate(wrapped(printable(note.text), cells - 2)):
            lines.append(Content.styled(f"{'  ' if at else mark}{part}", style))
    lines += [Content(""), *_table(facts, cells, plain)]
    return Content("\n").join(lines)


def _table(facts: PlanFacts, cells: int, style: str) -> list[Content]:
    """A line for each label, with a bar for its training images."""
    names = [printable(count.label) for count in facts.counts]
    room = min(max(map(width, [*names, "label"])), max(5, cells - 24))
    most = max(count.train for count in facts.counts)
    long = max(1, cells - room - 17)
    lines = [Content.styled(f"{'label':<{room}}  {'train':>6} {'val':>6}", "dim")]
    for name, count in zip(names, facts.counts, strict=True):
        shown = shorten(name, room)
        head = f"{shown}{' ' * (room - width(shown))}  {count.train:>6,} {count.val:>6,}  "
        bar = "━" * max(1, round(long * count.train / most)) if count.train else ""
        lines.append(Content.assemble((head, style), (bar, style or "$primary")))
    if facts.labels > len(facts.counts):
        lines.append(Content(f"and {plural(facts.labels - len(facts.counts), 'label')} more"))
    return lines


def wrapped(text: str, cells: int) -> list[str]:
    """The text in lines of at most so many cells, broken between words where that is possible."""
    lines, line = [], ""
    for word in text.split(" "):
        rest = word
        if line and width(line) + 1 + width(rest) <= cells:
            line = f"{line} {rest}"
            continue
        if line:
            lines.append(line)
        while width(rest) > max(1, cells):
            part = _head(rest, max(1, cells))
            lines.append(part)
            rest = rest[len(part) :]
        line = rest
    return [*lines, line]


def _head(text: str, cells: int) -> str:
    """The longest beginning of at most so many cells, and at least one letter."""
    at = 1
    while at < len(text) and width(text[: at + 1]) <= cells:
        at += 1
    return text[:at]
