"""A network as data: plain values from which `ml.network` builds it again, in any later version.

An ArchitectureSpec is small, printable and safe to read from a stranger's file: every number in
it is bounded, and nothing in it is code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ml.pixels import InputSpec
from storage.errors import DatasetError

FAMILY = "pixshelf-conv"
VERSION = 1

MAX_STAGES = 12
MAX_CONVS = 16
MAX_FILTERS = 4_096
MAX_CLASSES = 100_000


@dataclass(frozen=True, slots=True)
class Stage:
    """Some 3x3 convolutions of `filters` each at one resolution, then, if `pool`, half of it."""

    filters: int
    convs: int
    pool: bool


@dataclass(frozen=True, slots=True)
class ArchitectureSpec:
    """The network: a stem, stages, global pooling and one dense layer of `classes` logits.

    The stem is one convolution of `stem_filters`, `stem_kernel` pixels wide, moved by
    `stem_stride`. `dropout` is the share of features dropped before the dense layer.
    """

    input: InputSpec
    stem_filters: int
    stem_kernel: int
    stem_stride: int
    stages: tuple[Stage, ...]
    dropout: float
    classes: int

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
            "dropout": self.dropout,
            "classes": self.classes,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The spec from plain JSON values. Raises DatasetError, naming the part that will not do,
        for a spec that is malformed, out of bounds, or of a newer version."""
        raise NotImplementedError


def design(spec: InputSpec, *, classes: int, width: int) -> ArchitectureSpec:
    """The family's member for this input: halved until about 7 x 7 is left, `width` filters in
    the first stage."""
    raise NotImplementedError


def _bad(part: str, value: object) -> DatasetError:
    return DatasetError(
        f"model spec: {part} is {value!r:.80}",
        hint="the model was made by another program or is damaged",
    )
