"""The plan of a training as the form shows it, in lines of text."""

from __future__ import annotations

from textual.content import Content

from tui.plain.text import plural, printable, shorten, width
from tui.training.plan_facts import PlanFacts

_INDENT = 10

_MOST_BAR = 40


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
    long = min(_MOST_BAR, max(1, cells - room - 17))
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
