"""Networks as data: the family's members, their JSON, and weights as bytes."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from ml.pixels import InputSpec
from ml.spec import ArchitectureSpec, Stage, design, parameters
from ml.weights import from_bytes, to_bytes
from storage.errors import DatasetError

SPEC = design(InputSpec(28, 28, 1), classes=10, width=16)


def test_a_spec_survives_its_own_json() -> None:
    assert ArchitectureSpec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


def test_the_input_in_the_json_is_an_input_spec() -> None:
    assert InputSpec.from_json(SPEC.to_json()["input"]) == InputSpec(28, 28, 1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["family"], "other"),
        (["version"], 3),
        (["members"], 0),
        (["members"], 17),
        (["input", "height"], 0),
        (["input"], None),
        (["stem"], 5),
        (["stem", "filters"], 0),
        (["stem", "kernel"], 10**9),
        (["stem", "stride"], True),
        (["stages"], {}),
        (["stages"], [{"filters": 1, "convs": 1, "pool": False}] * 13),
        (["stages", 0, "convs"], 17),
        (["stages", 0, "pool"], 1),
        (["stages", 0], None),
        (["classes"], 1e3),
    ],
)
def test_a_spec_out_of_bounds_is_refused(path: list[Any], value: Any) -> None:
    body = copy.deepcopy(SPEC.to_json())
    part: Any = body
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(DatasetError, match="the model"):
        ArchitectureSpec.from_json(body)


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_something_else_than_a_spec_is_refused(value: Any) -> None:
    with pytest.raises(DatasetError):
        ArchitectureSpec.from_json(value)


@pytest.mark.parametrize("side", [1, 4, 8, 16, 18, 19, 28, 32, 64, 96, 128, 1024])
def test_every_size_is_halved_until_about_seven_pixels_are_left(side: int) -> None:
    spec = design(InputSpec(side, side, 3), classes=5, width=16)
    left = -(-side // spec.stem_stride)
    for stage in spec.stages:
        left = left // 2 if stage.pool else left
    assert min(side, 4) <= left <= 9


def test_a_long_picture_keeps_its_shorter_side() -> None:
    assert design(InputSpec(8, 128, 1), classes=2, width=16).stages[0] == Stage(32, 1, pool=True)
    assert len(design(InputSpec(4, 128, 1), classes=2, width=16).stages) == 1


def test_equal_arrays_give_equal_bytes_whatever_their_order() -> None:
    one, two = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float32)
    assert to_bytes({"a": one, "b": two}) == to_bytes({"b": two.copy(), "a": one.copy()})


def test_arrays_come_back_as_they_were() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert np.array_equal(from_bytes(to_bytes({"a/b": array}))["a/b"], array)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 40, -1])
def test_damaged_weights_are_refused(cut: int) -> None:
    data = to_bytes({"a": np.zeros(5, np.float32)})
    with pytest.raises(DatasetError, match="weights"):
        from_bytes(data[:cut])


def test_the_parameters_are_counted_layer_by_layer() -> None:
    spec = ArchitectureSpec(InputSpec(8, 8, 3), 2, 3, 1, (Stage(4, 1, pool=False),), 5)
    assert parameters(spec) == (3 * 9 * 2 + 4) + (9 * 2 * 4 + 8) + (4 * 5 + 5)
