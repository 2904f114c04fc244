"""What the compare screen shows, in words; nothing here knows a widget."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from textual.content import Content

from storage.records import SPLITS
from tui.plain.text import percent, plural, printable, shorten, width

if TYPE_CHECKING:
    from ml.comparing import Comparison, Flip, Side
    from ml.differences import Difference

FLIPS = 5_000
"""So many of the images that only one model gets right are listed."""

_LEAST_SHOWN = 0.0001
_LONGEST_VALUE = 60


def titles(comparison: Comparison) -> tuple[str, str]:
    """What to call the two: by name, or by number where they share one."""
    a, b = comparison.a, comparison.b
    if a.name == b.name:
        return f"model {a.model}", f"model {b.model}"
    return printable(a.name), printable(b.name)


def figures_text(comparison: Comparison) -> Content:
    """Both accuracies, who gets how many right, and what the test says of it: five lines."""
    names = titles(comparison)
    room = min(30, max(map(width, names)))
    lines = [
        _side_line(letter, shorten(name, room), room, side, comparison.n)
        for letter, name, side in zip("AB", names, (comparison.a, comparison.b), strict=True)
    ]
    p_value = comparison.test.p_value
    p_text = f"p = {p_value:.4f}" if p_value >= _LEAST_SHOWN else f"p < {_LEAST_SHOWN}"
    lines.append(
        Content(
            f"right: both {comparison.both:,}, only A {comparison.only_a:,}, "
            f"only B {comparison.only_b:,}, neither {comparison.neither:,}; "
            f"McNemar's test {p_text}"
        )
    )
    lines.append(Content.styled(printable(comparison.verdict), "bold"))
    lines += [Content.styled(f"! {printable(note)}", "$text-warning") for note in comparison.notes]
    return Content("\n").join(lines)


def _side_line(letter: str, name: str, room: int, side: Side, n: int) -> Content:
    low, high = side.accuracy_interval
    padded = name + " " * (room - width(name))
    return Content.assemble(
        (f"{letter}  {padded}  ", "bold"),
        (percent(side.accuracy), "bold"),
        f"  ({percent(low, 1)} to {percent(high, 1)}), {side.correct:,} of {n:,} right",
        "" if side.run is None else (f", run {side.run}", "$text-muted"),
    )


def flips_of(comparison: Comparison, right: Literal["a", "b"]) -> list[Flip]:
    """The images that only this one gets right, of those that are listed."""
    return [flip for flip in comparison.flips if flip.right == right]


FLIP_HEADS = ("image", "label", "A says", "B says")


def flip_line(cells: Sequence[str], across: int) -> str:
    """A line of the list of images: its id, its label, both answers, within `across` cells."""
    first = 10
    room = max(4, (across - first - 3) // 3)
    texts = [shorten(printable(cell), room) for cell in cells[1:]]
    padded = [text + " " * (room - width(text)) for text in texts]
    return f"{cells[0]:>{first - 2}}  " + " ".join(padded).rstrip()


def cut_text(comparison: Comparison, right: Literal["a", "b"]) -> str:
    """What to say of a list that is not whole; '' of one that is."""
    listed = len(flips_of(comparison, right))
    count = comparison.only_a if right == "a" else comparison.only_b
    return "" if listed == count else f"the first {listed:,} of {plural(count, 'image')}"


def difference_lines(differences: Sequence[Difference], across: int) -> list[Content]:
    """A line for each difference under heads: what, and its value in A and in B."""
    name_room = min(36, max([7, *(width(printable(each.name)) for each in differences)])) + 2
    room = max(8, min(_LONGEST_VALUE, (across - name_room) // 2 - 1))

    def line(name: str, a: str, b: str) -> str:
        cells = [(shorten(name, name_room - 2), name_room), (shorten(a, room - 1), room)]
        return "".join(text + " " * (wide - width(text)) for text, wide in cells) + shorten(b, room)

    heads = Content.styled(line("differs", "A", "B"), "$text-muted")
    return [
        heads,
        *(
            Content(line(printable(each.name), value_text(each.a), value_text(each.b)))
            for each in differences
        ),
    ]


def value_text(value: Any) -> str:
    """A setting's value as a person reads it; '-' for none."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return printable(text[:1_000])


def compare_words(a: str, b: str, on: str) -> tuple[str, ...]:
    """The words of the command that compares."""
    return ("models", "compare", a, b, "--split" if on in SPLITS else "--on", on)
