"""Queries select what they say, on every backend alike."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, NotReady
from storage.query import parse, quote
from storage.repository import Repository
from tests.making import add_images, new_image, new_model, new_prediction

ODD = 'it\'s "quoted", 50%_* [x] \\ 🐱'


@pytest.fixture
def shelf(repository: Repository) -> Repository:
    """Six images; image n has id n."""
    add_images(
        repository,
        new_image(1, label="7", split="train", width=100, tags=("x",), source="a/1.png"),
        new_image(2, label="9", split="test", height=50, tags=("x", "y"), source="a/2.jpg"),
        new_image(3, label="7", split="test", format="jpeg", source="b/3.png"),
        new_image(4, split="val", channels=3, source="b/*.png"),
        new_image(5, label=ODD, source="c 5.png"),
        new_image(6, label="9", split="train", data=b"long" * 100, source="c/6.png"),
    )
    model = repository.models.add(new_model("7", "9"))
    repository.predictions.save(
        model,
        [
            new_prediction(1, "7", 0.9, 0.8),
            new_prediction(2, "7", 0.6, 0.2),
            new_prediction(3, "7", 0.7, 0.4),
            new_prediction(4, "9", 0.5, 0.1),
        ],
    )
    return repository


CASES = [
    ("", [1, 2, 3, 4, 5, 6]),
    ("label:7", [1, 3]),
    ("label:7,9", [1, 2, 3, 6]),
    ("-label:7", [2, 4, 5, 6]),
    ("label:nothing", []),
    ("-label:nothing", [1, 2, 3, 4, 5, 6]),
    (f"label:{quote(ODD)}", [5]),
    ("split:test", [2, 3]),
    ("split:none", [5]),
    ("split:none,val", [4, 5]),
    ("-split:none", [1, 2, 3, 4, 6]),
    ("tag:x", [1, 2]),
    ("tag:x tag:y", [2]),
    ("-tag:x", [3, 4, 5, 6]),
    ("is:unlabelled", [4]),
    ("is:labelled", [1, 2, 3, 5, 6]),
    ("is:tagged", [1, 2]),
    ("is:predicted", [1, 2, 3, 4]),
    ("-is:predicted", [5, 6]),
    ("is:wrong", [2]),
    ("-is:wrong", [1, 3, 4, 5, 6]),
    ("is:right", [1, 3]),
    ("is:uncertain", [2, 3, 4]),
    ("is:wrong,unlabelled", [2, 4]),
    ("conf<0.65", [2, 4]),
    ("conf>=0.7", [1, 3]),
    ("-conf<0.65", [1, 3, 5, 6]),
    ("margin<0.3", [2, 4]),
    ("predicted:7", [1, 2, 3]),
    ("-predicted:7", [4, 5, 6]),
    ("model:1 predicted:9", [4]),
    ("model:model predicted:9", [4]),
    ("format:png -label:7", [2, 4, 5, 6]),
    ("format:JPG", [3]),
    ("width>50", [1]),
    ("width>=28 width<=28", [2, 3, 4, 5, 6]),
    ("height:50", [2]),
    ("channels:3", [4]),
    ("bytes>100", [6]),
    ("id:2,5", [2, 5]),
    ("id>4", [5, 6]),
    ("source:*.jpg", [2]),
    ("source:b/", [3, 4]),
    ('source:"c 5"', [5]),
    ("source:[ab]/?.png", [1, 3, 4]),
    ("sort:-id", [6, 5, 4, 3, 2, 1]),
    ("sort:confidence", [4, 2, 3, 1]),
    ("sort:-confidence", [1, 3, 2, 4]),
    ("label:7,9 sort:-confidence", [1, 3, 2]),
    ("sort:margin", [4, 2, 3, 1]),
    ("is:wrong sort:conf", [2]),
    ("sort:-width", [1, 6, 5, 4, 3, 2]),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_query_selects_what_it_says(shelf: Repository, text: str, expected: list[int]) -> None:
    query = parse(text)
    assert shelf.images.ids(query) == expected
    assert [image.id for image in shelf.images.page(query).images] == expected
    assert shelf.images.count(query) == len(expected)
    assert [example.id for example in shelf.images.examples(query)] == sorted(expected)


def test_an_unknown_model_is_not_found(shelf: Repository) -> None:
    with pytest.raises(NotFound, match="no model 'nobody'"):
        shelf.images.ids(parse("is:wrong model:nobody"))


def test_a_query_for_predictions_where_there_are_none_says_so(repository: Repository) -> None:
    add_images(repository, new_image(1))
    with pytest.raises(NotReady, match="no model has made any"):
        repository.images.ids(parse("is:wrong"))
