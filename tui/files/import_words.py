"""What the import screen says: of a look at a source, of an import under way, and of its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tui.plain.text import in_time, plural, printable, shorten

if TYPE_CHECKING:
    from ml.intake import Choices, Standing, Totals
    from storage.importing.preview import Preview

_NAMED = 8
"""So many labels are named."""

FORMAT_WORDS = {
    "folder": "a folder of pictures",
    "image": "a picture",
    "zip": "a zip archive",
    "tar": "a tar archive",
    "idx": "IDX files, as MNIST has",
    "npz": "numpy arrays",
    "csv": "a CSV manifest",
    "jsonl": "a JSON Lines manifest",
    "imagefolder": "a folder with metadata",
}


def preview_words(found: Preview, source: str) -> str:
    """A look at a source in a few lines."""
    more = "more than " if found.has_more else ""
    count = "" if found.count is None else f", {more}{plural(found.count, 'entry', 'entries')}"
    lines = [f"{printable(source)}: {FORMAT_WORDS[found.format]}{count}"]
    seen = "" if found.is_all else f"the first {found.looked_at:,}: "
    labels = _counted(found.labels)
    splits = _counted(found.splits)
    lines.append(f"{seen}labels {labels}" if labels else f"{seen}no labels")
    lines[-1] += f"; splits {splits}" if splits else "; no splits"
    lines += (printable(note) for note in found.notes)
    if found.refusals:
        first = found.refusals[0]
        lines.append(
            f"will be refused: {len(found.refusals):,} of those looked at, the first "
            f"{printable(first.source)}: {printable(first.reason)}"
        )
    return "\n".join(lines)


def known_words(name: str, megabytes: int | None) -> str:
    """What a dataset with a name is, where it does not lie on this disk as a file."""
    if megabytes is None:
        return f"{name}: 1,797 handwritten digits of 8x8 pixels, which come with the installation"
    return f"{name}: loaded by Keras, which downloads some {megabytes} MB the first time"


def standing_words(now: Standing) -> str:
    """An import under way, in one line."""
    where = f"{now.place} of {now.sources} · " if now.sources > 1 else ""
    if now.fetching:
        return f"{where}loading {printable(now.source)}"
    total = "" if now.total is None else f" of {now.total:,}"
    parts = [f"{where}{now.done:,}{total}"]
    rate = now.done / now.seconds if now.seconds > 0.2 else 0.0
    if rate:
        parts.append(f"{rate:,.0f} images/s")
    parts.append(_sums(now.added, now.duplicates, now.refused))
    if rate and now.total is not None and now.total > now.done:
        parts.append(f"{in_time((now.total - now.done) / rate)} left")
    return " · ".join(parts)


def running_words(now: Standing) -> str:
    """The same for every status line, in a few words."""
    if now.total:
        return f"importing {100 * min(now.done, now.total) // now.total} %"
    return f"importing {now.done:,}"


def end_words(totals: Totals, choices: Choices, seconds: float) -> str:
    """What became of an import, and what to do next."""
    begun = "stopped" if totals.stopped else "done"
    lines = [
        f"{begun}: {_sums(totals.added, totals.duplicates, totals.refused)} in {in_time(seconds)}"
    ]
    if totals.stopped:
        lines.append("Start it again to go on: what is there already is passed over.")
    if totals.duplicates and (choices.split or choices.label or choices.tags):
        lines.append("Images that were there already keep their label, split and tags.")
    lines += (printable(note) for note in totals.notes)
    if totals.added or totals.duplicates:
        lines.append("Next: F2 looks at the images and labels them, F4 trains a model.")
    return "\n".join(lines)


def command_words(sources: Sequence[str], choices: Choices) -> tuple[str, ...]:
    """The import as words of the command line."""
    words = ["import", *sources]
    if choices.split is not None:
        words += ["--split", choices.split]
    if choices.label is not None:
        words += ["--label", choices.label]
    for tag in choices.tags:
        words += ["--tag", tag]
    if choices.format is not None:
        words += ["--format", choices.format]
    return tuple(words)


def _sums(added: int, duplicates: int, refused: int) -> str:
    return f"{added:,} added, {duplicates:,} there already, {refused:,} refused"


def _counted(counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    named = [
        f"{shorten(printable(name), 24)} {count:,}"
        for name, count in sorted(counts.items(), key=lambda item: -item[1])[:_NAMED]
    ]
    more = f" and {len(counts) - _NAMED:,} more" if len(counts) > _NAMED else ""
    return ", ".join(named) + more
