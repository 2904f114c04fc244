"""Pictures out of a request's body: JSON with Base64, multipart/form-data, or the bytes as such.

The body is read within limits of size and time; what is in it is then taken apart by pure
functions, which raise a Problem for whatever does not follow the form.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from cli.serve.aside import Aside
from cli.serve.problems import Problem
from cli.serve.room import take
from cli.serve.settings import Limits

FIELD = "image"
UNNAMED = "http"
"""What a picture is called that comes without a name."""

_LONGEST_NAME = 200
_MOST_PARTS = 200
_OFF_THE_LOOP = 64 * 1024
"""Bodies above this many bytes are taken apart in a thread."""
_MARKS = (b"{", b"[", b",")
"""There is at most one of each for every value in a JSON document, and none in Base64."""
_HINT = (
    'Send {"image": "BASE64"} as application/json, a form with a file in the field image as '
    "multipart/form-data, or the file itself as image/png or application/octet-stream."
)
_BATCH = 'Send [{"image": "BASE64"}, …].'


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it came: its bytes, and what it is called."""

    data: bytes
    name: str = UNNAMED


@dataclass(frozen=True, slots=True)
class Form:
    """What a form held: its pictures, and its other fields as text."""

    uploads: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises a Problem: 413 for one that is too large, as soon as that is known,
    408 for one that takes too long, 503 where there is no room for it."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limits.body:
        raise _too_large(limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.body:
                    raise _too_large(limits)
                take(len(part))
                parts.append(part)
    except TimeoutError as error:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not arrive within {limits.body_seconds:g} seconds",
            hint="Send a smaller picture, or send it faster.",
            headers={"Connection": "close"},
        ) from error
    return b"".join(parts)


async def one_upload(content_type: str, body: bytes, aside: Aside) -> Upload:
    """The one picture in a body; a large body is taken apart aside. Raises a Problem: 400, 413,
    415 or 422, or 503 where too much waits."""
    if len(body) > _OFF_THE_LOOP:
        return await aside.ask(partial(_upload_of, content_type, body))
    return _upload_of(content_type, body)


async def many_uploads(
    content_type: str, body: bytes, most: int, aside: Aside
) -> list[Upload | Problem]:
    """The pictures in a body, at least one and at most `most`, in order; a Problem in the place of
    one that cannot be read. Raises a Problem as `one_upload` does."""
    if len(body) > _OFF_THE_LOOP:
        return await aside.ask(partial(_batch_of, content_type, body, most))
    return _batch_of(content_type, body, most)


async def one_form(content_type: str, body: bytes, aside: Aside) -> Form:
    """A multipart form with one file at most. Raises a Problem: 400, 413, or 503 where too much
    waits."""
    if len(body) > _OFF_THE_LOOP:
        return await aside.ask(partial(form_of, content_type, body, 1))
    return form_of(content_type, body, 1)


def form_of(content_type: str, body: bytes, most: int) -> Form:
    """A multipart form. Raises a Problem: 400 where it is none, 413 for more than `most` files."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _malformed("the form names no boundary")
    reader = _FormReader(most)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _malformed("the form is damaged or cut short") from error
    return reader.form


def media_type(content_type: str) -> str:
    """The type alone, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _upload_of(content_type: str, body: bytes) -> Upload:
    kind = media_type(content_type)
    if kind == "application/json":
        return Upload(_from_json(_json_of(body, 1)))
    if kind == "multipart/form-data":
        return _of_form(content_type, body, 1)[0]
    if kind.startswith("image/") or kind == "application/octet-stream":
        if not body:
            raise _malformed("the body is empty")
        return Upload(body)
    raise _other_type(kind)


def _batch_of(content_type: str, body: bytes, most: int) -> list[Upload | Problem]:
    kind = media_type(content_type)
    if kind == "multipart/form-data":
        return list(_of_form(content_type, body, most))
    if kind != "application/json":
        raise _other_type(kind)
    given = _json_of(body, most)
    if not isinstance(given, list) or not given:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the body is not a list of images",
            hint=_BATCH,
        )
    if len(given) > most:
        raise _too_many(most)
    items: list[Upload | Problem] = []
    for each in given:
        try:
            items.append(Upload(_from_json(each)))
        except Problem as problem:
            items.append(problem)
    return items


def _of_form(content_type: str, body: bytes, most: int) -> list[Upload]:
    form = form_of(content_type, body, most)
    if form.fields:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"the form has a field {next(iter(form.fields))!r:.80}",
            hint=f"The only field is {FIELD}, with a file.",
        )
    if not form.uploads:
        raise _malformed(f"the form has no file in the field {FIELD}")
    return form.uploads


def _json_of(body: bytes, most: int) -> object:
    """The document. One that has far more to it than `most` images need is not read: its objects
    could take fifty times its size."""
    if any(body.count(mark) > 2 * most + 100 for mark in _MARKS):
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body holds more than {'one image' if most == 1 else f'{most} images'}",
            hint=_HINT if most == 1 else _BATCH,
        )
    try:
        # All that counts in it is ASCII. So every character takes one byte, whatever came.
        return json.loads(body.removeprefix(BOM_UTF8).decode("latin-1"))
    except (ValueError, RecursionError) as error:
        raise _malformed("the body is not JSON") from error


def _from_json(given: object) -> bytes:
    image = given.get(FIELD) if isinstance(given, dict) and len(given) == 1 else None
    if not isinstance(image, str) or not image:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "what was sent is not an object with an image in Base64 and nothing else",
            hint='Send {"image": "BASE64"}.',
        )
    try:
        return base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        hint = "Use the alphabet of RFC 4648, section 4, with padding and without spaces."
        if image.startswith("data:"):
            hint = "Leave out what comes before the comma, data:…;base64, and the comma itself."
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "the image is not in Base64", hint=hint
        ) from error


class _FormReader:
    """Gathers a form's parts. Pictures are the files in the field `image`."""

    def __init__(self, most: int) -> None:
        self.form = Form()
        self._most = most
        self._parts = 0
        self._name = b""
        self._value = b""
        self._disposition = b""
        self._data = bytearray()

    def callbacks(self) -> Any:
        """For the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._more,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _malformed(f"the form has more than {_MOST_PARTS} parts")
        self._disposition = b""
        self._data = bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        name = options.get(b"name", b"").decode("utf-8", "replace")
        file = options.get(b"filename")
        if file is None or name != FIELD:
            self.form.fields[name] = self._data.decode("utf-8", "replace")
            return
        if len(self.form.uploads) == self._most:
            raise _too_many(self._most)
        self.form.uploads.append(Upload(bytes(self._data), _called(file)))


def _called(name: bytes) -> str:
    """A file's name as text: what follows the last slash, if anything can be shown of it."""
    text = name.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in text if character.isprintable())
    return shown.strip()[:_LONGEST_NAME] or UNNAMED


def _malformed(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail, hint=_HINT)


def _other_type(kind: str) -> Problem:
    detail = f"{kind!r:.80} is not taken here" if kind else "no Content-Type is named"
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, hint=_HINT)


def _too_large(limits: Limits) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body has more than {limits.body:,} bytes",
        hint="Send a smaller picture, or fewer at one time.",
    )


def _too_many(most: int) -> Problem:
    more = "POST /predict/batch takes several." if most == 1 else "Send the others by themselves."
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"there are more images than {most}", hint=more
    )
