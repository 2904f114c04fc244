"""Limits over real sockets: sizes, times, how much at once, and how the door closes."""

from __future__ import annotations

import json
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from cli.serve.settings import Limits, ServeSettings
from storage.pictures import encode_png
from storage.query import parse
from storage.repository import Repository
from tests.ml_fixtures import digits
from tests.serve.conftest import Held, Serve
from tests.serve.opened import opened, tries

PNG = {"Content-Type": "image/png"}


class Answer(NamedTuple):
    status: int
    head: str
    body: bytes


def connect(url: str) -> socket.socket:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    return socket.create_connection((place.hostname, place.port), timeout=20)


def head_of(length: str, path: str = "/predict") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n{length}\r\n\r\n"
    ).encode()


def answer_from(connection: socket.socket) -> Answer:
    """One answer with a length, read to its end."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        head = b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            head += line
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        return Answer(status, head.decode().lower(), stream.read(length))


def rest_of(connection: socket.socket) -> bytes:
    """All that still comes, until the other side closes."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        return received
    return received


def test_a_body_that_says_it_is_too_large_is_refused_unread(serve: Serve) -> None:
    with serve(body=1000) as url, closing(connect(url)) as connection:
        connection.sendall(head_of("Content-Length: 99999999999"))
        answer = answer_from(connection)
        assert answer.status == 413
        assert json.loads(answer.body)["detail"] == "the body has more than 1,000 bytes"


def test_a_body_that_grows_too_large_is_refused_while_it_comes(serve: Serve) -> None:
    with serve(body=100_000) as url, closing(connect(url)) as connection:
        connection.sendall(head_of("Transfer-Encoding: chunked"))
        for _ in range(11):
            connection.sendall(b"2710\r\n" + bytes(10_000) + b"\r\n")
        assert answer_from(connection).status == 413


def test_a_body_that_was_refused_is_not_read_for_ever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.serve.connection._LINGER_SECONDS", 0.2)
    with serve(body=1000) as url, closing(connect(url)) as connection:
        connection.sendall(head_of("Content-Length: 99999999999"))
        assert answer_from(connection).status == 413
        assert rest_of(connection) == b""


def test_a_connection_is_used_again_after_a_refused_body(serve: Serve, digit: bytes) -> None:
    with serve(body=1000) as url, closing(connect(url)) as connection:
        connection.sendall(head_of("Content-Length: 5000") + bytes(5000))
        assert answer_from(connection).status == 413
        connection.sendall(head_of(f"Content-Length: {len(digit)}") + digit)
        assert answer_from(connection).status == 200


def test_all_bodies_together_have_a_bound(serve: Serve, digit: bytes) -> None:
    with serve(held=5000, body=4000) as url, closing(connect(url)) as slow:
        slow.sendall(head_of("Content-Length: 4000") + bytes(3999))
        # As soon as those bytes are there, no other body of 2,000 has room.
        for _ in tries():
            if (reply := post(url, bytes(2000))).status_code == 503:
                break
            assert reply.status_code == 422
        assert reply.headers["retry-after"] == "1"
        slow.sendall(b"\0")
        assert answer_from(slow).status == 422
        assert post(url, bytes(2000)).status_code == 422
        assert post(url, digit).status_code == 200


def test_a_body_that_trickles_is_given_up(serve: Serve) -> None:
    with serve(body_seconds=0.2) as url, closing(connect(url)) as connection:
        connection.sendall(head_of("Content-Length: 100") + b"x")
        answer = answer_from(connection)
        assert answer.status == 408
        assert "connection: close" in answer.head
        assert rest_of(connection) == b""


def test_a_head_that_trickles_is_given_up(serve: Serve) -> None:
    with serve(head_seconds=0.2) as url:
        for started in (b"", b"GET /models HTTP/1.1\r\nHost: loc"):
            with closing(connect(url)) as connection:
                connection.sendall(started)
                assert rest_of(connection) == b""


def test_a_second_head_that_trickles_is_given_up_too(serve: Serve) -> None:
    with serve(head_seconds=0.2) as url, closing(connect(url)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer_from(connection).status == 200
        connection.sendall(b"GET /models HTTP/1.1\r\n")
        assert rest_of(connection) == b""


@pytest.mark.parametrize("behind", [b"", b"GET /models HTTP/1.1\r\nHost: loc"])
def test_an_answer_that_takes_longer_than_a_head_may_is_given(
    serve: Serve, digit: bytes, held: Held, behind: bytes
) -> None:
    with serve(head_seconds=0.2) as url, closing(connect(url)) as connection:
        connection.sendall(head_of(f"Content-Length: {len(digit)}") + digit + behind)
        assert held.began.wait(20)
        for _ in range(2):  # each is hung up on when the time of a head is over
            with closing(connect(url)) as idle:
                assert rest_of(idle) == b""
        held.free.set()
        assert answer_from(connection).status == 200
        if behind:
            assert rest_of(connection) == b""


def test_a_head_without_an_end_is_refused(serve: Serve) -> None:
    with serve(head=4000) as url, closing(connect(url)) as connection:
        connection.sendall(b"GET /models HTTP/1.1\r\nX-Long: " + b"x" * 5000)
        answer = answer_from(connection)
        assert answer.status == 431
        assert "application/problem+json" in answer.head


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_refused_in_problem_details(serve: Serve, sent: bytes) -> None:
    with serve() as url:
        with closing(connect(url)) as connection:
            connection.sendall(sent)
            answer = answer_from(connection)
            assert answer.status == 400
            assert json.loads(answer.body)["status"] == 400
            assert "nosniff" in answer.head
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_second_request_that_comes_before_the_first_is_answered_has_its_time(
    serve: Serve, digit: bytes, held: Held
) -> None:
    with serve() as url, closing(connect(url)) as connection:
        whole = head_of(f"Content-Length: {len(digit)}")
        connection.sendall(whole + digit + whole + digit[:50])
        assert held.began.wait(20)
        held.free.set()
        assert answer_from(connection).status == 200
        connection.sendall(digit[50:])
        assert answer_from(connection).status == 200


def test_a_long_body_before_the_next_head_does_not_count_as_head(serve: Serve) -> None:
    with serve(head=2000) as url, closing(connect(url)) as connection:
        health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(head_of("Content-Length: 9000") + bytes(9000) + health[:20])
        assert answer_from(connection).status == 422
        connection.sendall(health[20:])
        assert answer_from(connection).status == 200


def test_another_protocol_is_not_changed_to(serve: Serve) -> None:
    with serve() as url, closing(connect(url)) as connection:
        wanted = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA=="
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{wanted}\r\n\r\n".encode())
        assert answer_from(connection).status == 200


def test_a_length_and_chunks_at_once_are_no_way_to_smuggle(serve: Serve) -> None:
    with serve() as url, closing(connect(url)) as connection:
        both = "Content-Length: 4\r\nTransfer-Encoding: chunked"
        connection.sendall(head_of(both) + b"0\r\n\r\nGET /models HTTP/1.1\r\n\r\n")
        assert answer_from(connection).status == 400


def test_more_connections_than_there_may_be_are_turned_away(serve: Serve) -> None:
    with serve(connections=2) as url, closing(connect(url)) as one, closing(connect(url)) as two:
        for each in (one, two):
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer_from(each).status == 200
        with closing(connect(url)) as third:
            assert answer_from(third).status == 503


def test_requests_above_the_limit_are_shed_at_once_and_the_others_answered(
    serve: Serve, digit: bytes, held: Held
) -> None:
    with serve(requests=3) as url, ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(post, url, digit) for _ in range(4)]
        done, taken = wait(futures, timeout=20, return_when=FIRST_COMPLETED)
        (shed,) = (future.result() for future in done)
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")
        # Whether the door is well can be asked all the same.
        assert httpx.get(f"{url}/healthz").status_code == 200
        held.free.set()
        assert [future.result().status_code for future in taken] == [200] * 3
        assert post(url, digit).status_code == 200


def test_images_above_what_may_wait_are_shed(serve: Serve, held: Held) -> None:
    pictures = [("image", (f"{at}.png", encode_png(digits()[0][at]))) for at in range(20)]
    with serve(waiting=10) as url, httpx.Client(timeout=30) as client:
        held.free.set()
        response = client.post(f"{url}/predict/batch?save=false", files=pictures)
        results = response.json()["results"]
        assert [("label" in each) for each in results] == [True] * 10 + [False] * 10
        assert {each["error"]["status"] for each in results[10:]} == {503}


def test_a_request_that_takes_too_long_is_given_up_and_the_door_goes_on(
    serve: Serve, digit: bytes, held: Held, repo: Repository
) -> None:
    with serve(seconds=0.3) as url:
        late = post(url, digit)
        assert late.status_code == 504
        assert late.json()["status"] == 504
        held.free.set()
        assert post(url, digit).status_code == 200
    assert repo.images.count(parse("tag:http")) == 1


def test_whoever_hangs_up_is_forgotten(serve: Serve, digit: bytes, held: Held) -> None:
    with serve(requests=1, seconds=5.0) as url:
        with closing(connect(url)) as connection:
            connection.sendall(head_of("Content-Length: 100") + b"x")
        held.free.set()
        for _ in tries():
            if post(url, digit).status_code == 200:
                break
            assert httpx.get(f"{url}/healthz").status_code == 200


@pytest.fixture
def settings(db: str) -> ServeSettings:
    """For a server that the test closes itself."""
    return ServeSettings(db, port=0, limits=Limits())


def test_what_was_taken_on_is_finished_when_the_door_closes(
    settings: ServeSettings, digit: bytes, held: Held, repo: Repository
) -> None:
    with opened(settings) as door, ThreadPoolExecutor(1) as pool:
        url = door.url.rstrip("/")
        taken = pool.submit(post, url, digit)
        assert held.began.wait(20)
        door.server.should_exit = True
        for _ in tries():
            if not _is_open(url):
                break
            assert door.thread.is_alive()
        held.free.set()
        response = taken.result()
    assert response.status_code == 200
    assert repo.images.data(response.json()["image"]["id"]) == digit


def _is_open(url: str) -> bool:
    try:
        connect(url).close()
    except OSError:
        return False
    return True


def post(url: str, data: bytes) -> httpx.Response:
    """One picture, stored."""
    return httpx.post(f"{url}/predict", content=data, headers=PNG, timeout=30)
