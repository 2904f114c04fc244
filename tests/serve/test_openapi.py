"""The description holds: whatever is asked by it or against it is answered as it says.

Schemathesis asks what fits the description and what does not, and judges status, type, headers and
shape of every answer. That something fits does not make it a picture or a query, which no schema
can say; those addresses are held to their examples instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from cli.serve.openapi import description
from cli.serve.settings import ServeSettings
from storage.opening import open_repository
from storage.pictures import encode_png
from tests.ml_fixtures import digits, digits_model, store_digits
from tests.serve.opened import opened

TOKEN = "-".join(["a", "token", "of", "tests"])
MORE_THAN_SHAPE = {"predict", "predictBatch", "listImages"}
BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Too many pictures are a matter of size, as is a parameter that is longer than a request's head.
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 413, 415, 422, 431]}}}
)


@schemathesis.serializer("image/bmp", "image/tiff")
def as_it_is(ctx: schemathesis.SerializationContext, value: object) -> bytes:
    """The bodies of these types that Schemathesis makes up are bytes already, or are as text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


schema = schemathesis.openapi.from_dict(description(ServeSettings("any.db")), config=CONFIG)
guarded = schemathesis.openapi.from_dict(
    description(ServeSettings("any.db", token=TOKEN)), config=CONFIG
)


@contextmanager
def serving(folder: Path, token: str | None = None) -> Iterator[str]:
    """A door on a dataset of digits and a model."""
    db = folder / "served.db"
    with open_repository(db, create=True) as repo:
        store_digits(repo, 20)
        repo.models.add(digits_model())
    with opened(ServeSettings(str(db), token=token)) as door:
        yield door.url.rstrip("/")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A door that wants no token."""
    with serving(tmp_path_factory.mktemp("served")) as at:
        yield at


@pytest.fixture(scope="module")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A door that wants one."""
    with serving(tmp_path_factory.mktemp("guarded"), TOKEN) as at:
        yield at


@schema.parametrize()
@BOUNDED
def test_every_answer_is_as_described(case: schemathesis.Case, url: str) -> None:
    name = case.operation.definition.raw["operationId"]
    excluded = [positive_data_acceptance] if name in MORE_THAN_SHAPE else []
    if name == "predictBatch":
        # What is wrong with one picture of several is told in its place.
        excluded.append(negative_data_rejection)
    case.call_and_validate(base_url=url, excluded_checks=excluded, timeout=20)


@guarded.parametrize()
@settings(BOUNDED, max_examples=5)
def test_nothing_is_answered_without_the_token(case: schemathesis.Case, guarded_url: str) -> None:
    case.call_and_validate(
        base_url=guarded_url,
        headers={"Authorization": f"Bearer {TOKEN}"},
        checks=[ignored_auth],
        timeout=20,
    )


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_examples_are_answered(url: str, path: str) -> None:
    content = schema.raw_schema["paths"][path]["post"]["requestBody"]["content"]
    case = schema[path]["POST"].Case(
        body=content["application/json"]["example"], media_type="application/json"
    )
    assert case.call_and_validate(base_url=url).status_code == 200


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "multipart/form-data"])
def test_a_picture_is_taken_as_every_type_that_is_described(url: str, kind: str) -> None:
    data = encode_png(digits()[0][0])
    form = kind == "multipart/form-data"
    case = schema["/predict"]["POST"].Case(
        body={"image": data} if form else data, media_type=kind, query={"save": "false"}
    )
    assert case.call_and_validate(base_url=url).status_code == 200


def test_the_description_that_is_served_is_the_one_that_is_tested(url: str) -> None:
    served = httpx.get(f"{url}/openapi.json", timeout=20).json()
    assert served == schema.raw_schema
