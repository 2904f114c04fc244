"""What a network that another program trained is taken to answer with."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ml.foreign import ending
from ml.graph import INPUT, Graph, Node
from storage.errors import RefusedInput

FIRST = (
    Node("flatten", "Flatten", {}, (INPUT,)),
    Node("dense", "Dense", {"units": 2, "activation": "softmax"}, ("flatten",)),
)


def graph(*more: Node) -> Graph:
    """Two probabilities, and what is done to them."""
    return Graph((4, 4, 1), (*FIRST, *more))


def test_what_is_passed_on_through_many_layers_ends_as_it_began() -> None:
    names = ["dense", *(f"flatten_{at}" for at in range(1_500))]
    pairs = pairwise(names)
    assert ending(graph(*(Node(name, "Flatten", {}, (last,)) for last, name in pairs))) == (
        "probabilities"
    )


def test_what_is_taken_twice_by_each_of_many_layers_is_looked_at_once() -> None:
    names = ["dense", *(f"average_{at}" for at in range(100))]
    pairs = pairwise(names)
    averages = (Node(name, "Average", {}, (last, last)) for last, name in pairs)
    assert ending(graph(*averages)) == "probabilities"


def test_an_average_of_probabilities_and_logits_is_refused() -> None:
    logits = Node("logits", "Dense", {"units": 2, "activation": "linear"}, ("flatten",))
    mixed = graph(logits, Node("average", "Average", {}, ("dense", "logits")))
    with pytest.raises(RefusedInput, match="a mixture"):
        ending(mixed)
