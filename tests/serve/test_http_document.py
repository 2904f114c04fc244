"""docs/http.md says what the door does: its addresses, its statuses, its limits, its options."""

from __future__ import annotations

import re
import subprocess
import sys
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
    asked = (["serve", "--help"], ["--help"])
    shown = "".join(CliRunner().invoke(app, words, prog_name="pixshelf").stdout for words in asked)
    for option in set(re.findall(r"`(--[a-z-]+)`", PAGE)):
        assert option in shown


DECODED = """
import io, resource
from PIL import Image
from cli.serve.predicting import Question, _decode
from ml.pixels import InputSpec

def picture(side):
    file = io.BytesIO()
    Image.new("RGBA", (side, side)).save(file, "PNG", compress_level=1)
    return file.getvalue()

def decode(data):
    _decode(Question(data, None, "a"), InputSpec(28, 28, 3))
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = decode(picture(16))
print((decode(picture(3000)) - before) / 3000**2)
"""


def test_a_large_picture_takes_what_is_written() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DECODED],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (written,) = re.findall(r"up to (\d+) bytes for each", PAGE)
    assert round(float(done.stdout)) <= int(written)
