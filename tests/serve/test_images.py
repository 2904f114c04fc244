"""GET: images by query and by id, their bytes, models, health, and addresses that are none."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cli.serve.settings import ServeSettings
from storage.opening import open_repository
from storage.repository import Repository
from tests.serve.conftest import asking

PNG = {"Content-Type": "image/png"}


async def test_images_come_page_by_page(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    after: str | None = None
    while True:
        given = {"limit": "7", **({} if after is None else {"after": after})}
        page = (await client.get("/images", params=given)).json()
        seen += [image["id"] for image in page["images"]]
        after = page["next"]
        if after is None:
            break
    assert seen == list(range(1, 21))


async def test_images_are_found_by_a_query(client: httpx.AsyncClient, repo: Repository) -> None:
    found = (await client.get("/images", params={"q": "id<4 sort:-id"})).json()["images"]
    assert [image["id"] for image in found] == [3, 2, 1]
    assert found[0]["sha256"] == repo.images.get(3).sha256.hex()


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"q": "labl:7"}, "label"),
        ({"q": "id:1; DROP TABLE image"}, "whole number"),
        ({"q": "id:1' OR 1=1 --"}, "number"),
        ({"q": "label:a\0b"}, "NUL"),
        ({"q": "x" * 20_000}, "characters"),
        ({"limit": "0"}, "1000"),
        ({"limit": "1001"}, "1000"),
        ({"limit": "9" * 5000}, "1000"),
        ({"limit": "٣"}, "1000"),
        ({"after": "nonsense"}, ""),
        ({"offset": "3"}, "Known: after, limit, q"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_a_reason(
    client: httpx.AsyncClient, params: dict[str, str], word: str
) -> None:
    response = await client.get("/images", params=params)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert word in response.text


async def test_a_parameter_comes_once(client: httpx.AsyncClient) -> None:
    assert (await client.get("/images?limit=1&limit=2")).status_code == 422


async def test_sql_in_a_query_is_text_like_any_other(client: httpx.AsyncClient) -> None:
    query = 'label:"7\'; DROP TABLE image; --"'
    assert (await client.get("/images", params={"q": query})).json()["images"] == []
    assert len((await client.get("/images")).json()["images"]) == 20


async def test_an_image_is_told_with_its_predictions(
    client: httpx.AsyncClient, digit: bytes
) -> None:
    said = (await client.post("/predict", content=digit, headers=PNG)).json()
    image = (await client.get(f"/images/{said['image']['id']}")).json()
    assert image["tags"] == ["http"]
    assert image["prediction"]["label"] == "3"
    (prediction,) = image["predictions"]
    assert (prediction["name"], prediction["label"]) == ("digits", "3")
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


async def test_the_bytes_are_those_that_were_given(
    client: httpx.AsyncClient, repo: Repository
) -> None:
    response = await client.get("/images/3/file")
    digest = repo.images.get(3).sha256.hex()
    assert response.content == repo.images.data(3)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["etag"] == f'"{digest}"'
    assert response.headers["content-disposition"] == 'inline; filename="3.png"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_bytes_that_are_there_already_are_not_sent_again(
    client: httpx.AsyncClient, repo: Repository
) -> None:
    digest = repo.images.get(3).sha256.hex()
    for named in (f'"{digest}"', f'W/"{digest}"', f'"other", "{digest}"', "*"):
        response = await client.get("/images/3/file", headers={"If-None-Match": named})
        assert (response.status_code, response.content) == (304, b"")
    changed = await client.get("/images/3/file", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200


async def test_an_address_that_names_the_bytes_may_be_kept_for_ever(
    client: httpx.AsyncClient, repo: Repository
) -> None:
    digest = repo.images.get(3).sha256.hex()
    response = await client.get(f"/images/3/file?sha256={digest}")
    assert "immutable" in response.headers["cache-control"]
    assert (await client.get(f"/images/4/file?sha256={digest}")).status_code == 404


async def test_head_tells_what_get_would(client: httpx.AsyncClient, repo: Repository) -> None:
    response = await client.head("/images/3/file")
    assert response.content == b""
    assert int(response.headers["content-length"]) == len(repo.images.data(3))


@pytest.mark.parametrize(
    "path",
    [
        "/images/0",
        "/images/21",
        "/images/01",
        "/images/-1",
        "/images/1.5",
        "/images/9223372036854775808",
        f"/images/{'9' * 5000}",
        "/images/%D9%A3",
        "/images/1%00",
        "/images/1%0A",
        "/images/..%2f..%2fetc%2fpasswd",
        "/images/../../etc/passwd",
        "/images/%2e%2e/file",
        "/images/1'--/file",
        "/images/1/file/",
        "/images/",
        "/nothing",
        "/%ff%fe",
    ],
)
async def test_an_address_that_is_none_is_a_problem_and_leads_nowhere(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    problem = response.json()
    assert problem["status"] == 404
    assert {"type", "title", "detail", "hint"} <= set(problem)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", {"POST"}),
        ("DELETE", "/images/1", {"GET", "HEAD"}),
        ("PUT", "/models", {"GET", "HEAD"}),
        ("OPTIONS", "/predict", {"POST"}),
    ],
)
async def test_another_method_is_told_which_there_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert {each.strip() for each in response.headers["allow"].split(",")} == allowed


async def test_models_are_listed_newest_first(client: httpx.AsyncClient) -> None:
    (model,) = (await client.get("/models")).json()["models"]
    assert (model["id"], model["name"]) == (1, "digits")


async def test_the_description_names_every_address(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        "/predict",
        "/predict/batch",
        "/images",
        "/images/{image}",
        "/images/{image}/file",
        "/models",
        "/healthz",
        "/openapi.json",
    }


async def test_health_fails_while_the_dataset_does_not_answer_and_is_well_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "moved.db"
    open_repository(path, create=True).close()
    async with asking(ServeSettings(str(path))) as client:
        assert (await client.get("/healthz")).status_code == 200
        from storage.errors import DatasetError
        from storage.sqlite.images import SqliteImages

        def fail(*_: object, **__: object) -> None:
            raise DatasetError("the server is gone")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SqliteImages, "page", fail)
            response = await client.get("/healthz")
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
        assert (await client.get("/healthz")).status_code == 200
