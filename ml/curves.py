"""Learning curves: what to draw of a run's epochs, whatever draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.records import EpochMetrics, RunRecord

MOST_POINTS = 300


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: what of ('loss' or 'accuracy'), of which part ('train' or 'val'), of which network
    of an ensemble (from 0), and its points (epoch, value)."""

    what: str
    part: str
    member: int
    points: tuple[tuple[int, float], ...]


def learning_curves(run: RunRecord) -> tuple[Curve, ...]:
    """The curves of a run: loss and accuracy, train and val, each network of an ensemble apart.
    Lines without a point are left out, long ones thinned to about MOST_POINTS."""
    each = max(1, run.total_epochs // _members(run.settings))
    by_member: dict[int, list[EpochMetrics]] = {}
    for epoch in run.epochs:
        by_member.setdefault((epoch.epoch - 1) // each, []).append(epoch)
    curves = []
    for what in ("loss", "accuracy"):
        for member, epochs in by_member.items():
            for part in ("train", "val"):
                values = [(epoch.epoch, getattr(epoch, f"{part}_{what}")) for epoch in epochs]
                points = _thinned([(at, value) for at, value in values if value is not None])
                if points:
                    curves.append(Curve(what, part, member, tuple(points)))
    return tuple(curves)


def _members(settings: Mapping[str, Any]) -> int:
    """How many networks the run trains one after the other, by its recipe; 1 where that does not
    say."""
    recipe = settings.get("recipe")
    members = recipe.get("members") if isinstance(recipe, Mapping) else None
    return members if isinstance(members, int) and members > 0 else 1


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Every n-th point and the last."""
    step = -(-len(points) // MOST_POINTS)
    kept = list(points[:: max(1, step)])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]
