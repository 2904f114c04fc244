"""docs/http.md says what the door does: its addresses, its statuses, its limits, its options."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from cli.app import app
from cli.serve.openapi import description
from cli.serve.settings import Limits, ServeSettings
from storage.pictures import MAX_BYTES, MAX_PIXELS

PAGE = (Path(__file__).parents[2] / "docs/http.md").read_text("utf-8")
DESCRIBED = description(ServeSettings("any.db"))


def test_every_address_of_the_description_is_explained() -> None:
    named = {
        address.partition("?")[0].replace("ID", "{image}")
        for address in re.findall(r"^\| `(?:GET|POST) (/[^`]*)`", PAGE, re.MULTILINE)
    }
    assert named == set(DESCRIBED["paths"])


def test_every_status_of_the_description_is_explained() -> None:
    explained = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    described = {
        status
        for methods in DESCRIBED["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
    }
    assert explained == {status for status in described if status >= "400"} | {"405"}


def test_the_limits_are_those_of_the_program() -> None:
    limits = Limits()
    rows = dict(re.findall(r"^\| ([a-z'][^|]*?) \| ([^|]*?) \|", PAGE, re.MULTILINE))
    mib = 1024 * 1024
    assert rows["one body"] == f"{limits.body // mib} MiB"
    held = rows["all bodies and files in memory at one time"]
    assert held.startswith(f"{limits.held // mib} MiB")
    assert rows["one picture"] == (
        f"{MAX_PIXELS // 1_000_000} million pixels, {MAX_BYTES // mib} MiB"
    )
    assert rows["pictures in a batch"] == str(limits.images)
    assert rows["requests worked on at one time"] == str(limits.requests)
    assert rows["pictures that wait for the model"] == str(limits.waiting)
    assert rows["connections"] == str(limits.connections)
    head = rows["a request's first line and headers"]
    assert head == f"{limits.head // 1024} KiB, {limits.head_seconds:g} s"
    assert rows["a body's arrival"] == f"{limits.body_seconds:g} s"
    assert rows["a request in all"] == f"{limits.seconds:g} s"


def test_every_option_that_is_named_is_there() -> None:
    shown = CliRunner().invoke(app, ["serve", "--help"], prog_name="pixshelf").stdout
    for option in set(re.findall(r"`(--[a-z-]+)`", PAGE)):
        assert option in shown
