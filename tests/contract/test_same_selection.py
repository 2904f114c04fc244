"""Any query selects the same images from every backend, in the same order, also page by page, out
of a few hundred that differ in all that a query can ask for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.query import Query, parse, quote
from storage.records import SPLITS, Measures, NewImage, NewPrediction, Page
from storage.repository import Repository
from tests.backends import MemoryBackend, PostgresBackend, SqliteBackend
from tests.contract.alike import Alike
from tests.contract.questions import (
    CONFIDENCES,
    FORMATS,
    LABELS,
    MODELS,
    SIDES,
    SOURCES,
    TAGS,
    queries,
)
from tests.making import add_images, new_image, new_model, new_prediction
from tests.pg_server import Server

IMAGES = 300
LIMIT = 97
_LETTERS = "abAB.-^]?*%_\\ é漢😀[/"
_PIECES = ("*", "?", "[a-b]", "[^a-b]", "[]a]", "[^]a]", "[-a]", "[a-]", "[b-a]", "[é-漢]", "[*?]")

PATTERNS = st.lists(
    st.sampled_from(_PIECES) | st.sampled_from(_LETTERS), min_size=1, max_size=6
).map("".join)
GLOBS = st.builds("{}source:{}".format, st.sampled_from(("", "-")), PATTERNS.map(quote))
TEXTS = st.builds("{} {}".format, queries(), GLOBS) | queries() | GLOBS


@pytest.fixture(scope="module")
def datasets(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alike]:
    """The same images in a dataset of every kind."""
    name = postgres_server.create_database()
    alike = Alike(
        MemoryBackend(),
        SqliteBackend(tmp_path_factory.mktemp("many") / "set.db"),
        PostgresBackend(postgres_server.url(name)),
    )
    alike.ask(_fill)
    yield alike
    alike.close()
    postgres_server.drop_database(name)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
@example("is:wrong,unlabelled")
@example("-is:wrong,dark sort:-width")
@example("is:odd-size,odd-aspect -is:deleted sort:-height")
@example("-tag:x,y split:none,val sort:-margin model:one")
@example("model:nobody")
def test_a_query_selects_the_same_from_every_backend(datasets: Alike, text: str) -> None:
    query = parse(text)
    ids = datasets.ask(lambda repo: repo.images.ids(query))
    datasets.ask(lambda repo: repo.images.count(query))
    datasets.ask(lambda repo: repo.images.examples(query))
    datasets.ask(lambda repo: repo.measurements.fingerprints(query))
    datasets.ask(lambda repo: repo.measurements.missing(query, version=1))
    datasets.ask(lambda repo: repo.measurements.count_missing(query, version=2))
    datasets.ask(lambda repo: repo.predictions.of_model(1, query))
    datasets.ask(lambda repo: repo.predictions.of_model(2, query))
    paged = _paged(datasets, query)
    # A page shows what a model said: one that is not there is refused, where ids need none.
    if ids is not None and paged is not None:
        assert paged == ids


def test_what_is_counted_is_the_same_in_every_backend(datasets: Alike) -> None:
    datasets.ask(lambda repo: repo.stats())
    datasets.ask(lambda repo: repo.labels.counts())


def _paged(datasets: Alike, query: Query) -> list[int] | None:
    """The ids of all pages, one after the other; None where the first is refused."""
    ids: list[int] = []
    page = datasets.ask(lambda repo: repo.images.page(query, limit=LIMIT))
    if page is None:
        return None
    while True:
        ids += [image.id for image in page.images]
        if page.next is None:
            return ids
        page = datasets.ask(partial(_page, query=query, after=page.next))


def _page(repository: Repository, *, query: Query, after: str) -> Page:
    return repository.images.page(query, limit=LIMIT, after=after)


def _fill(repository: Repository) -> None:
    """Always the same images, with two models' answers, measures, and some in the trash."""
    chance = random.Random(7)
    ids = add_images(repository, *(_image(number, chance) for number in range(IMAGES)))
    for name in MODELS:
        model = repository.models.add(new_model(*LABELS[:3], name=name))
        answered = [image for image in ids if chance.random() < 0.7]
        repository.predictions.save(model, [_answer(image, chance) for image in answered])
    measured = {image: _measures(chance) for image in ids if chance.random() < 0.7}
    repository.measurements.save(measured, version=1)
    repository.images.delete([image for image in ids if chance.random() < 0.1], actor="test")
    repository.images.set_label(ids[10:30], LABELS[1], actor="test")


def _image(number: int, chance: random.Random) -> NewImage:
    source = "".join(chance.choices(_LETTERS, k=chance.randint(1, 5)))
    return new_image(
        number,
        data=b"image %d" % number + b"." * chance.randint(0, 30),
        label=chance.choice((None, *LABELS)),
        split=chance.choice((None, *SPLITS)),
        tags=tuple(tag for tag in TAGS if chance.random() < 0.2),
        width=chance.choice(SIDES),
        height=chance.choice(SIDES),
        channels=chance.choice((1, 3)),
        format=chance.choice(FORMATS),
        source=chance.choice((*SOURCES, source, source, source)),
    )


def _answer(image: int, chance: random.Random) -> NewPrediction:
    confidence = chance.choice((*CONFIDENCES, chance.random()))
    return new_prediction(image, chance.choice(LABELS[:3]), confidence, chance.random())


def _measures(chance: random.Random) -> Measures:
    return Measures(
        low=chance.choice((0, 230, 231)),
        high=chance.choice((81, 82, 255)),
        contrast=chance.choice((3.9, 4.0, 50.0)),
        spread=chance.choice((2, 3)),
        sharpness=chance.choice((None, 0.009, 0.01)),
        animated=chance.random() < 0.1,
    )
