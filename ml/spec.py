"""A network as data: plain values from which `ml.network` builds it again, in any later version.

An ArchitectureSpec is small, printable and safe to read from a stranger's file: every number in
it is bounded, and nothing in it is code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from ml.pixels import InputSpec
from storage.errors import DatasetError

FAMILY = "pixshelf-conv"
VERSION = 2
"""Version 1 knew neither ensembles nor the choice of the last pooling, which was the average."""

MAX_MEMBERS = 16

Pooling = Literal["average", "max"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

MAX_STAGES = 12
MAX_CONVS = 16
MAX_FILTERS = 4_096
MAX_KERNEL = 15
MAX_STRIDE = 8
MAX_CLASSES = 100_000

SMALL_SIDE = 9
"""At this resolution and below nothing is halved any more."""

LEAST_POOLED = 8
"""Pictures of at least this side are halved once: a third of the work, and on 8 x 8 digits no
worse."""

WIDEST = 256
"""The most filters that `design` gives a stage, whatever the size of the pictures."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Some 3x3 convolutions of `filters` each. If `pool`, the last of them is pooled to half the
    resolution."""

    filters: int
    convs: int
    pool: bool


@dataclass(frozen=True, slots=True)
class ArchitectureSpec:
    """The network: a stem, stages, global `pooling` and one dense layer of `classes` logits.

    The stem is one convolution of `stem_filters`, `stem_kernel` pixels wide, moved by
    `stem_stride`. Every convolution is followed by batch normalisation and a ReLU. With more than
    one of `members`, so many networks stand side by side, and their logits are averaged.
    """

    input: InputSpec
    stem_filters: int
    stem_kernel: int
    stem_stride: int
    stages: tuple[Stage, ...]
    classes: int
    pooling: Pooling = "average"
    members: int = 1

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values; `from_json` gives an equal spec back. Its 'input' is
        InputSpec's own JSON."""
        return {
            "family": FAMILY,
            "version": VERSION,
            "input": self.input.to_json(),
            "stem": {
                "filters": self.stem_filters,
                "kernel": self.stem_kernel,
                "stride": self.stem_stride,
            },
            "stages": [
                {"filters": stage.filters, "convs": stage.convs, "pool": stage.pool}
                for stage in self.stages
            ],
            "classes": self.classes,
            "pooling": self.pooling,
            "members": self.members,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The spec from plain JSON values. Raises DatasetError, naming the part that will not do,
        for a spec that is malformed, out of bounds, or of another family or version."""
        body = _object("spec", value)
        if body.get("family") != FAMILY or body.get("version") not in (1, VERSION):
            raise DatasetError(
                f"the model cannot be read: it is of family {body.get('family')!r:.40}, "
                f"version {body.get('version')!r:.40}; this program knows {FAMILY}, "
                f"1 to {VERSION}",
                hint="the model was made by a newer version of pixshelf, or by another program",
            )
        stem = _object("stem", body.get("stem"))
        pooling = body.get("pooling", "average")
        if pooling not in POOLINGS:
            raise _bad("pooling", pooling)
        stages = body.get("stages")
        if not isinstance(stages, list) or len(stages) > MAX_STAGES:
            raise _bad("stages", stages)
        return cls(
            input=InputSpec.from_json(body.get("input")),
            stem_filters=_whole("stem filters", stem.get("filters"), MAX_FILTERS),
            stem_kernel=_whole("stem kernel", stem.get("kernel"), MAX_KERNEL),
            stem_stride=_whole("stem stride", stem.get("stride"), MAX_STRIDE),
            stages=tuple(_stage(stage) for stage in stages),
            classes=_whole("classes", body.get("classes"), MAX_CLASSES),
            pooling=pooling,
            members=_whole("members", body.get("members", 1), MAX_MEMBERS),
        )


def design(spec: InputSpec, *, classes: int, width: int) -> ArchitectureSpec:
    """The family's member for this input: halved until about 7 x 7 is left, `width` filters in
    the stem and twice as many in each stage as before it, up to WIDEST."""
    shorter = min(spec.height, spec.width)
    # A wide, strided stem costs a quarter of a full-resolution one, and on 28 x 28 digits it
    # also ended higher. Below that, the few pixels there are must not be thrown away.
    kernel, stride = (5, 2) if shorter > 2 * SMALL_SIDE else (3, 1)
    side = -(-shorter // stride)
    filters = width
    stages: list[Stage] = []
    while side > SMALL_SIDE or (not stages and side >= LEAST_POOLED):
        filters = min(WIDEST, 2 * filters)
        stages.append(Stage(filters, 1, pool=True))
        side //= 2
    stages.append(Stage(min(WIDEST, 2 * filters), 2, pool=False))
    return ArchitectureSpec(spec, width, kernel, stride, tuple(stages), classes, pooling="max")


def parameters(spec: ArchitectureSpec) -> int:
    """How many numbers are trained: kernels, the two of each normalised channel, the last layer;
    of all members."""
    before = spec.stem_filters
    count = spec.input.channels * spec.stem_kernel**2 * before + 2 * before
    for stage in spec.stages:
        for _ in range(stage.convs):
            count += 9 * before * stage.filters + 2 * stage.filters
            before = stage.filters
    return spec.members * (count + before * spec.classes + spec.classes)


def _stage(value: object) -> Stage:
    body = _object("stage", value)
    pool = body.get("pool")
    if not isinstance(pool, bool):
        raise _bad("a stage's pool", pool)
    return Stage(
        filters=_whole("a stage's filters", body.get("filters"), MAX_FILTERS),
        convs=_whole("a stage's convs", body.get("convs"), MAX_CONVS),
        pool=pool,
    )


def _object(part: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(part, value)
    return value


def _whole(part: str, value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _bad(part, value)
    return value


def _bad(part: str, value: object) -> DatasetError:
    return DatasetError(
        f"the model cannot be read: its {part} is {value!r:.80}",
        hint="the model was made by another program, or is damaged",
    )
