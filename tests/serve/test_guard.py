"""Who may ask, and what every answer bears."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

import httpx
import pytest

from cli.serve.cookie import cookie_fits
from cli.serve.guard import STRICT
from cli.serve.settings import Limits, ServeSettings, checked
from storage.errors import UsageError
from tests.serve.conftest import asking

TOKEN = "correct-horse-battery"  # noqa: S105 - a token that opens nothing
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ADDRESSES = ["/images", "/images/1", "/images/1/file", "/models", "/openapi.json"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_other_machines_need_a_token(db: str, host: str) -> None:
    with pytest.raises(UsageError, match="no token"):
        checked(ServeSettings(db, host=host))
    assert checked(ServeSettings(db, host=host, token=TOKEN)).token == TOKEN


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_needs_none(db: str, host: str) -> None:
    assert checked(ServeSettings(db, host=host)).token is None


@pytest.mark.parametrize("token", ["", "short", "fifteen-letters", "with a space in it", "ü" * 20])
def test_a_weak_token_is_refused(db: str, token: str) -> None:
    with pytest.raises(UsageError, match="token"):
        checked(ServeSettings(db, token=token))


def test_a_token_is_not_shown_where_settings_are(db: str) -> None:
    assert TOKEN not in repr(ServeSettings(db, token=TOKEN))


def test_a_host_that_is_none_is_refused(db: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        checked(ServeSettings(db, host="no such host!"))


@pytest.mark.parametrize("path", ADDRESSES)
async def test_with_a_token_nothing_is_told_without_it(db: str, path: str) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        for headers in (
            {},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Authorization": TOKEN},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": "Bearer "},
            {"Authorization": b"Bearer \xff\xfe"},
        ):
            refused = await client.get(path, headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in refused.text
        allowed = await client.get(path, headers={"Authorization": f"bearer {TOKEN}"})
        assert allowed.status_code == 200


async def test_health_is_told_without_a_token(db: str) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_a_picture_is_not_read_for_whoever_lacks_the_token(db: str, digit: bytes) -> None:
    async with asking(ServeSettings(db, token=TOKEN)) as client:
        response = await client.post("/predict", content=digit)
        assert response.status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "10.0.0.1", "127.0.0.1.evil.example", "", "[::"]
)
async def test_a_name_that_another_site_points_here_is_refused(
    client: httpx.AsyncClient, host: str
) -> None:
    response = await client.get("/models", headers={"Host": host})
    assert response.status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8765", "127.0.0.9"]
)
async def test_names_of_this_machine_are_taken(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/models", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_posts_nothing(
    client: httpx.AsyncClient, digit: bytes, headers: dict[str, str]
) -> None:
    response = await client.post(
        "/predict", content=digit, headers={"Content-Type": "image/png", **headers}
    )
    assert response.status_code == 403


async def test_the_doors_own_page_posts(client: httpx.AsyncClient, digit: bytes) -> None:
    own = {"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}
    response = await client.post(
        "/predict", content=digit, headers={"Content-Type": "image/png", **own}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("path", [*ADDRESSES, "/healthz", "/nothing", "/images/0", "/images?q=x"])
async def test_every_answer_is_strict_with_browsers(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    for name in STRICT:
        assert name.decode() in response.headers
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "server" not in response.headers


async def test_too_many_headers_are_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/models", headers={"X-Long": "x" * 40_000})
    assert response.status_code == 431


async def test_a_defect_is_told_to_the_log_and_not_to_the_asker(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from storage.sqlite.models import SqliteModels

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret of the code")

    monkeypatch.setattr(SqliteModels, "all", fail)
    response = await client.get("/models")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert "a secret of the code" in caplog.text


async def test_the_log_has_the_path_and_nothing_that_follows_it(
    db: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pixshelf.serve.access")
    async with asking(ServeSettings(db, token=TOKEN, access_log=True)) as client:
        await client.get(f"/images?token={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})
        await client.get("/a%0Ab")
    told = [record.getMessage() for record in caplog.records]
    assert '"GET /images" 422' in told[0]
    assert '"GET /a?b" 401' in told[1]
    assert TOKEN not in caplog.text


def test_a_cookie_of_backslashes_is_judged_in_a_few_steps() -> None:
    header = b'pixshelf="' + b"\\" * 31_000 + b'"'
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        fits = cookie_fits(TOKEN, header)
    finally:
        sys.setprofile(None)
    assert not fits
    assert steps < 200


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/", BROWSER, "text/html; charset=utf-8"),
        ("/token", BROWSER, "text/html; charset=utf-8"),
        ("/", "*/*", "application/problem+json"),
        ("/", "application/json, text/html", "application/problem+json"),
        ("/images", BROWSER, "application/problem+json"),
    ],
)
async def test_a_door_that_is_full_says_so_as_a_page_to_a_browser(
    db: str, path: str, accept: str, kind: str
) -> None:
    async with asking(ServeSettings(db, limits=replace(Limits(), requests=0))) as client:
        refused = await client.get(path, headers={"Accept": accept})
    assert (refused.status_code, refused.headers["content-type"]) == (503, kind)
    assert refused.headers["retry-after"] == "1"
    assert "more to do than this door takes on" in refused.text
    assert "default-src 'none'" in refused.headers["content-security-policy"]


async def test_a_post_of_another_site_is_refused_as_a_page_to_a_browser(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Accept": BROWSER, "Origin": "https://evil.example"}
    refused = await client.post("/", headers=headers)
    assert refused.status_code == 403
    assert "<strong>the request comes from another site" in refused.text
    assert 'href="./"' in refused.text
