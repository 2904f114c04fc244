"""The door on a PostgreSQL dataset: the same answers, through the same protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from cli.serve.settings import ServeSettings
from storage.opening import open_repository
from storage.query import parse
from tests.ml_fixtures import digits_model, store_digits
from tests.pg_server import Server, running_server
from tests.serve.conftest import asking
from tests.serve.opened import tries

PNG = {"Content-Type": "image/png"}


@pytest.fixture
def url(postgres_dataset_url: str) -> str:
    """A dataset of ten digits and a model on a server."""
    with open_repository(postgres_dataset_url) as repo:
        store_digits(repo, 10)
        repo.models.add(digits_model())
    return postgres_dataset_url


async def test_a_picture_is_predicted_and_stored_once(url: str, digit: bytes) -> None:
    async with asking(ServeSettings(url)) as client:

        async def post() -> httpx.Response:
            return await client.post("/predict", content=digit, headers=PNG)

        answers = await asyncio.gather(*(post() for _ in range(8)))
        assert [answer.status_code for answer in answers] == [200] * 8
        ids = {answer.json()["image"]["id"] for answer in answers}
        assert {answer.json()["label"] for answer in answers} == {"3"}
        (image,) = ids
        told = (await client.get(f"/images/{image}")).json()
        assert (told["tags"], len(told["predictions"])) == (["http"], 1)
        assert (await client.get(f"/images/{image}/file")).content == digit
    with open_repository(url) as repo:
        assert repo.images.count(parse("tag:http")) == 1


async def test_images_models_and_health_are_told(url: str) -> None:
    async with asking(ServeSettings(url)) as client:
        first = (await client.get("/images?limit=6")).json()
        rest = (await client.get("/images", params={"after": first["next"]})).json()
        assert len(first["images"]) + len(rest["images"]) == 10
        assert rest["next"] is None
        assert len((await client.get("/models")).json()["models"]) == 1
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/images/9223372036854775807",
        "/images?q=id:9223372036854775807",
        "/images?q=label:%ED%A0%80",
        "/images?q=label:a%27%3B--",
        "/images?q=source:%5C*%25_",
        "/images?after=bm9uc2Vuc2U",
        "/images?q=model:99%20is:wrong",
    ],
)
async def test_odd_questions_are_answered_or_refused(url: str, path: str) -> None:
    async with asking(ServeSettings(url)) as client:
        assert (await client.get(path)).status_code in {200, 404, 409, 422}
        assert (await client.get("/healthz")).status_code == 200


async def test_a_door_that_may_only_read_says_so_and_predicts_without_storing(
    postgres_server: Server, url: str, digit: bytes
) -> None:
    name = urlsplit(url).path[1:]
    with postgres_server.connect(name) as connection:
        connection.execute(f"CREATE ROLE door_reader LOGIN PASSWORD '{name}'".encode())
        connection.execute("GRANT USAGE ON SCHEMA pixshelf TO door_reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA pixshelf TO door_reader")
    by_reader = postgres_server.url(name, user="door_reader", password=name)
    async with asking(ServeSettings(by_reader)) as client:
        refused = await client.post("/predict", content=digit, headers=PNG)
        assert (refused.status_code, refused.headers.get("retry-after")) == (403, None)
        assert "save=false" in refused.json()["hint"]
        assert "door_reader" not in refused.text
        unkept = await client.post("/predict?save=false", content=digit, headers=PNG)
        assert unkept.json()["label"] == "3"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may stop."""
    with running_server() as server:
        yield server


async def test_the_door_outlives_its_server_and_loses_nothing(
    own_server: Server, digit: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    url = own_server.url(own_server.create_database())
    with open_repository(url, create=True) as repo:
        repo.models.add(digits_model())
    async with asking(ServeSettings(url, wait=0.2)) as client:
        first = await client.post("/predict", content=digit, headers=PNG)
        image = first.json()["image"]["id"]
        own_server.kill()
        assert (await client.get("/healthz")).status_code == 503
        refused = await client.post("/predict", content=digit + b"x", headers=PNG)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        place = urlsplit(url)
        for name in (url, place.netloc, place.path[1:], str(own_server.folder)):
            assert name not in refused.text
        assert "lost" in caplog.text
        own_server.start()
        for _ in tries():
            if (await client.get("/healthz")).status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert (await client.get(f"/images/{image}/file")).content == digit
        again = await client.post("/predict", content=digit, headers=PNG)
        assert again.json()["image"] == {**first.json()["image"], "new": False}
