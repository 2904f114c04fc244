"""The page's answers, without a browser: who may see it, what it sends, what it keeps out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from cli.serve.cookie import cookie_fits
from cli.serve.page import STATIC
from cli.serve.page_parts import Shown, problem_part, result_part
from cli.serve.settings import ServeSettings
from storage.errors import ConnectionLost
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits_model, store_digits
from tests.serve.conftest import asking

TOKEN = "-".join(["a", "token", "of", "tests"])
HOSTILE = "\"><script>alert('1')</script>&"
KEEP = {"save": "true"}


def photo(data: bytes, name: str = "digit.png") -> dict[str, tuple[str, bytes, str]]:
    return {"image": (name, data, "image/png")}


async def entered(client: httpx.AsyncClient) -> None:
    """Type the token in, as the page's form does."""
    answer = await client.post("/token", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")


async def test_the_page_may_run_and_fetch_nothing_but_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "sandbox" not in policy
    assert "style=" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text


def test_the_pages_files_are_small() -> None:
    sizes = [len(each.read_bytes()) for each in (files("cli.serve") / "static").iterdir()]
    assert sum(sizes) < 25_000


@pytest.mark.parametrize("name", STATIC)
async def test_a_file_of_the_page_is_sent_once(client: httpx.AsyncClient, name: str) -> None:
    first = await client.get(f"/static/{name}")
    assert first.headers["content-type"] == STATIC[name]
    again = await client.get(f"/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["page.html", "../page.py", "%2e%2e/page.py", ""])
async def test_no_other_file_is_sent(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status_code == 404


async def test_a_kept_image_is_answered_by_the_address_that_shows_it(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    answer = await client.post("/", files=photo(digit), data=KEEP)
    (image,) = repo.images.page(parse("tag:http")).images
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"./?image={image.id}#result",
    )
    shown = await client.get(f"/?image={image.id}")
    assert f"digit.png · image {image.id}" in shown.text


async def test_without_the_tick_nothing_is_kept(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    answer = await client.post("/", files=photo(digit))
    assert (answer.status_code, answer.text.count("<rect")) == (200, 5)
    assert repo.images.count(parse("tag:http")) == 0


@pytest.mark.parametrize(("fields", "ticked"), [(KEEP, True), ({}, False)])
@pytest.mark.parametrize("name", ["letter.png", "digit.png"])
async def test_the_tick_stays_as_it_was_sent(
    client: httpx.AsyncClient, digit: bytes, fields: dict[str, str], ticked: bool, name: str
) -> None:
    data = digit if name == "digit.png" else b"Dear all"
    answer = await client.post("/", files=photo(data, name), data=fields, follow_redirects=True)
    assert ('value="true" checked>' in answer.text) is ticked


async def test_an_image_that_was_there_before_is_said_not_to_be_a_recent_one(
    client: httpx.AsyncClient, digit: bytes, repo: Repository
) -> None:
    (first, *_) = repo.images.ids(parse(""))
    told = "has had this image before"
    for data, known in ((repo.images.data(first), True), (digit, False)):
        answer = await client.post("/", files=photo(data), data=KEEP, follow_redirects=True)
        assert (told in answer.text) is known
    assert answer.text.count("<li><a") == 1


async def test_a_dataset_that_is_away_is_not_called_one_without_a_model(
    client: httpx.AsyncClient, digit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def lost(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionLost("the server is gone")

    monkeypatch.setattr("storage.sqlite.models.SqliteModels.find", lost)
    for answer in (await client.get("/"), await client.post("/", files=photo(digit))):
        assert answer.status_code == 503
        assert '<p id="headline">the dataset is out of reach</p>' in answer.text
        assert "model" not in answer.text
    # Each waited for it once.
    assert asked == 2


async def test_a_model_that_the_door_wants_and_there_is_not_is_named(db: str) -> None:
    async with asking(ServeSettings(db, model="nope")) as client:
        answer = await client.get("/")
        assert "there is no model &#x27;nope&#x27;" in answer.text
        assert "no model yet" not in answer.text


async def test_what_is_no_picture_is_told_on_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", files=photo(b"Dear all"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "not a picture" in answer.text


async def test_a_form_without_a_file_is_told_on_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", files={"save": (None, "true")})
    assert (answer.status_code, "no image came" in answer.text) == (422, True)


async def test_another_kind_of_body_is_told_on_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/", content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, "/predict" in answer.text) == (415, True)


@pytest.mark.parametrize(
    "given", ["0", "-1", "1e3", "x" * 5000, "<b>", "9" * 18, str(2**63 - 1), str(2**63), "%00"]
)
async def test_an_image_that_there_is_not_is_told_on_the_page(
    client: httpx.AsyncClient, given: str
) -> None:
    answer = await client.get(f"/?image={given}")
    assert (answer.status_code, "there is no image" in answer.text) == (404, True)
    assert "<b>" not in answer.text


async def test_an_image_without_a_prediction_is_shown_all_the_same(
    client: httpx.AsyncClient, repo: Repository
) -> None:
    (image, *_) = repo.images.ids(parse(""))
    answer = await client.get(f"/?image={image}")
    assert (answer.status_code, "No model has said" in answer.text) == (200, True)


def test_a_result_escapes_every_text() -> None:
    text = result_part(Shown(HOSTILE, HOSTILE, ((HOSTILE, 0.5),)))
    assert "<script" not in text
    assert HOSTILE not in text


def test_a_problem_escapes_every_text() -> None:
    text = problem_part(422, HOSTILE, HOSTILE, HOSTILE)
    assert "<script" not in text


async def test_under_a_token_the_page_shows_nothing_but_its_form(db: str, digit: bytes) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        for answer in (
            await client.get("/"),
            await client.get("/?image=1"),
            await client.post("/", files=photo(digit), data=KEEP),
        ):
            assert 'name="token"' in answer.text
            assert "digits" not in answer.text
            assert "set-cookie" not in answer.headers


async def test_the_cookie_opens_the_page_and_its_images(db: str, digit: bytes) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        assert (await client.get("/images/1/file")).status_code == 401
        await entered(client)
        assert 'id="ask"' in (await client.get("/")).text
        assert (await client.post("/", files=photo(digit), data=KEEP)).status_code == 303
        assert (await client.get("/images/1/file")).status_code == 200


async def test_a_wrong_token_gets_no_cookie(db: str) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        for given in ("", TOKEN[:-1], f"{TOKEN}x", "\xff\0", TOKEN.upper()):
            answer = await client.post("/token", data={"token": given})
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


async def test_a_wrong_token_beside_the_cookie_is_wrong(db: str) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        await entered(client)
        answer = await client.get("/models", headers={"Authorization": "Bearer something-else"})
        assert answer.status_code == 401


async def test_the_cookie_of_another_token_is_none(db: str, tmp_path: Path) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        await entered(client)
        cookie = client.cookies["pixshelf"]
    async with asking(ServeSettings(db, token=f"{TOKEN}-2")) as client:
        client.cookies.set("pixshelf", cookie)
        assert (await client.get("/models")).status_code == 401


@pytest.mark.parametrize(
    "header", [b"", b"pixshelf", b"pixshelf=", b"a=\xff; =;;", b"pixshelf=\xe9"]
)
def test_a_damaged_cookie_is_none(header: bytes) -> None:
    assert not cookie_fits(TOKEN, header)


async def test_another_sites_page_cannot_use_the_cookie(db: str, digit: bytes) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        await entered(client)
        for path in ("/", "/predict"):
            for header in ({"Origin": "http://other.example"}, {"Sec-Fetch-Site": "cross-site"}):
                answer = await client.post(path, files=photo(digit), headers=header)
                assert answer.status_code == 403


async def test_a_token_that_never_ends_is_refused(db: str) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        answer = await client.post("/token", data={"token": "x" * 100_000})
    assert (answer.status_code, "set-cookie" in answer.headers) == (413, False)


async def test_without_a_token_its_form_leads_to_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/token", data={"token": "anything"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (303, False)


async def test_the_page_of_a_postgresql_dataset_is_the_same(
    postgres_dataset_url: str, digit: bytes
) -> None:
    with open_repository(postgres_dataset_url) as repo:
        store_digits(repo, 10, split="train")
        repo.models.add(digits_model())
    async with asking(ServeSettings(postgres_dataset_url)) as client:
        kept = await client.post("/", files=photo(digit), data=KEEP)
        shown = await client.get(kept.headers["location"].removeprefix("."))
        assert '<p class="said"><b>3</b>' in shown.text
        assert 'id="pad"' in shown.text
        assert shown.text.count("<li><a") == 1
