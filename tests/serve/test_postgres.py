"""The door on a PostgreSQL dataset: the same answers, through the same protocols."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from cli.serve.settings import ServeSettings
from storage.opening import open_repository
from storage.query import parse
from tests.ml_fixtures import digits_model, store_digits
from tests.serve.conftest import asking

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
