"""Bodies that are not what they should be: each is refused with a reason, and nothing is stored."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc
import zlib

import httpx
import pytest

from storage.query import parse
from storage.repository import Repository
from tests.made_pictures import picture

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def part(disposition: str, content: bytes = b"x") -> bytes:
    return b"--b\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


IMAGE = 'form-data; name="image"; filename="a.png"'
PICTURES = [
    (b"", 400),
    (b"hello", 422),
    (picture()[:-20], 422),
    (picture()[:40], 422),
    (bomb(60_000, 60_000), 422),
    (bomb(7_000, 7_000), 422),
    (b"RIFF\0\0\0\0WEBPVP8X" + b"\xff" * 20, 422),
    (b"P6 99999999 99999999 255\n", 422),
    (b"GIF89a" + b"\xff" * 30, 422),
    (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', 422),
]
BODIES = [
    ("", b"x", 415),
    ("text/plain", b"x", 415),
    ("application/x-www-form-urlencoded", b"image=x", 415),
    ("application/xml", b"<a/>", 415),
    ("nonsense", b"x", 415),
    (JSON, b"", 400),
    (JSON, b"{", 400),
    (JSON, b"\xff\xfe", 400),
    (JSON, b'{"image": "\xff"}', 422),
    (JSON, b"[" * 100, 400),
    (JSON, b"[" * 100 + b"]" * 100, 422),
    (JSON, b"[" * 100_000, 413),
    (JSON, b'{"image":' * 50, 400),
    (JSON, b'{"image":' * 20_000, 413),
    (JSON, b'{"image": "YWJj"' + b"," * 1000 + b"}", 413),
    (JSON, b'\xef\xbb\xbf{"image": "YWJj"}', 422),
    (JSON, b"9" * 10_000, 400),
    (JSON, b"null", 422),
    (JSON, b"[]", 422),
    (JSON, b"{}", 422),
    (JSON, b'{"image": 3}', 422),
    (JSON, b'{"image": ""}', 422),
    (JSON, b'{"image": "####"}', 422),
    (JSON, b'{"image": "abc"}', 422),
    (JSON, b'{"image": "YWJj YWJj"}', 422),
    (JSON, '{"image": "ü"}'.encode(), 422),
    (JSON, b'{"image": "\\ud800"}', 422),
    (JSON, b'{"image": "\\u0000"}', 422),
    (JSON, b'{"image": "YWJj", "path": "/etc/passwd"}', 422),
    ("multipart/form-data", b"x", 400),
    (FORM, b"", 400),
    (FORM, b"--b--\r\n", 400),
    (FORM, b"no boundary at all", 400),
    (FORM, part(IMAGE, picture()), 400),
    (FORM, part("form-data") + b"--b--\r\n", 422),
    (FORM, part('form-data; name="image"') + b"--b--\r\n", 422),
    (FORM, part('form-data; name="other"; filename="a"') + b"--b--\r\n", 422),
    (FORM, part(IMAGE) + part(IMAGE) + b"--b--\r\n", 413),
    (FORM, b"".join(part('form-data; name="x"') for _ in range(300)) + b"--b--\r\n", 400),
    ("multipart/form-data; boundary=" + "b" * 5000, b"x", 400),
]


@pytest.mark.parametrize(("data", "status"), PICTURES)
async def test_bytes_that_are_no_picture_are_refused(
    client: httpx.AsyncClient, repo: Repository, data: bytes, status: int
) -> None:
    raw = await client.post("/predict", content=data, headers={"Content-Type": "image/png"})
    assert raw.status_code == status
    assert raw.json()["detail"]
    wrapped = await client.post("/predict", json={"image": base64.b64encode(data).decode()})
    assert wrapped.status_code == 422
    assert repo.images.count(parse("")) == 20


@pytest.mark.parametrize(("kind", "body", "status"), BODIES)
async def test_a_body_that_does_not_follow_its_form_is_refused(
    client: httpx.AsyncClient, repo: Repository, kind: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = await client.post("/predict", content=body, headers=headers)
    assert response.status_code == status, response.text
    problem = response.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert "Traceback" not in response.text
    assert repo.images.count(parse("")) == 20


@pytest.mark.parametrize(
    ("body", "times", "status"),
    [
        (b"[" + b"{}," * 500_000 + b"{}]", 2, 413),
        (b"[" + b"[]," * 500_000 + b"[]]", 2, 413),
        (b"[" + b"1," * 500_000 + b"1]", 2, 413),
        (b'[{"image": "' + "😀".encode() + b"x" * 1_000_000 + b'"}]', 4, 200),
    ],
)
async def test_a_body_takes_a_small_multiple_of_its_size_while_it_is_taken_apart(
    client: httpx.AsyncClient, body: bytes, times: int, status: int
) -> None:
    await client.get("/healthz")
    tracemalloc.start()
    try:
        response = await client.post("/predict/batch", content=body, headers={"Content-Type": JSON})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert response.status_code == status
    assert most < times * len(body) + 300_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"image": "YWJj"}, 422),
        ([{"image": "YWJj"}] * 65, 413),
        ([{"image": "YWJj"}] * 6500, 413),
    ],
)
async def test_a_batch_that_is_none_is_refused(
    client: httpx.AsyncClient, body: object, status: int
) -> None:
    assert (await client.post("/predict/batch", json=body)).status_code == status


async def test_a_batch_of_nonsense_answers_each_with_a_problem(client: httpx.AsyncClient) -> None:
    items = [None, 3, [], {}, {"image": None}, {"image": "YWJj"}]
    response = await client.post("/predict/batch", json=items)
    assert response.status_code == 200
    assert [each["error"]["status"] for each in response.json()["results"]] == [422] * 6


@pytest.mark.parametrize(
    "query",
    [
        "top_k=0",
        "top_k=1001",
        "top_k=x",
        "top_k=",
        "save=maybe",
        "sve=false",
        "model=",
        "model=a%00b",
        "save=false&save=true",
    ],
)
async def test_a_parameter_that_makes_no_sense_is_refused_before_anything_is_stored(
    client: httpx.AsyncClient, digit: bytes, repo: Repository, query: str
) -> None:
    response = await client.post(
        f"/predict?{query}", content=digit, headers={"Content-Type": "image/png"}
    )
    assert response.status_code == 422
    assert repo.images.count(parse("")) == 20


@pytest.mark.parametrize("model", ["nobody", "99", "-1", "%FF", "a'%20OR%201=1", "9" * 30])
async def test_a_model_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, digit: bytes, model: str
) -> None:
    response = await client.post(
        f"/predict?model={model}", content=digit, headers={"Content-Type": "image/png"}
    )
    assert response.status_code == 404
    assert json.loads(response.text)["status"] == 404


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\pictures\\\\a.png", "a.png"),
        ("<img onerror=x>.png", "<img onerror=x>.png"),
        ("a\u202eb\u0007.png", "ab.png"),
        ("x" * 500, "x" * 200),
        ("", "http"),
    ],
)
async def test_a_files_name_is_only_text(
    client: httpx.AsyncClient, repo: Repository, digit: bytes, name: str, stored: str
) -> None:
    body = part(f'form-data; name="image"; filename="{name}"', digit) + b"--b--\r\n"
    response = await client.post("/predict", content=body, headers={"Content-Type": FORM})
    assert response.status_code == 200, response.text
    assert repo.images.get(response.json()["image"]["id"]).source == stored
