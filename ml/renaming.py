"""What the labels of a training are called at its end: one may have been renamed meanwhile.

A label is known by its name, so a renamed one is found by the images that were trained with it.
"""

from __future__ import annotations

from collections import Counter

from ml.plan import TrainPlan
from storage.errors import NotFound
from storage.repository import Repository

_SAMPLE = 25
"""Images of each label that are looked at."""


def current_labels(repo: Repository, plan: TrainPlan) -> tuple[str, ...]:
    """The plan's labels by the names they have now. Where the images do not say it clearly, as
    after a label was merged into another, they are the plan's."""
    if set(plan.labels) <= set(repo.labels.names()):
        return plan.labels
    sample: dict[int, list[int]] = {at: [] for at in range(len(plan.labels))}
    for image, target in zip(plan.train.ids, plan.train.targets, strict=True):
        if len(sample[target]) < _SAMPLE:
            sample[target].append(image)
    names = [_majority(repo, sample[at]) for at in range(len(plan.labels))]
    found = tuple(name for name in names if name is not None)
    return found if len(set(found)) == len(plan.labels) else plan.labels


def _majority(repo: Repository, images: list[int]) -> str | None:
    """The label that more than half of the images have."""
    counts: Counter[str | None] = Counter()
    for image in images:
        try:
            counts[repo.images.get(image).label] += 1
        except NotFound:  # it was deleted for good
            counts[None] += 1
    label, count = counts.most_common(1)[0]
    return label if 2 * count > len(images) else None
