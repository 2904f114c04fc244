"""An image's own bytes, sent so that a browser can do nothing with them but show them.

The ETag is their sha256. An address that names the sha256 as well always gives the same bytes and
may be kept for ever; one that does not is asked for again, since ids can be used again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cli.serve.door import Door
from cli.serve.room import take
from storage.errors import NotFound
from storage.records import ImageRecord
from storage.repository import Repository

_PIECE = 64 * 1024
_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "ppm": "image/x-portable-anymap",
}
_ENDINGS = {"jpeg": "jpg", "tiff": "tif"}


async def file_answer(request: Request, door: Door, image: int, sha256: str | None) -> Response:
    """The bytes of an image, or 304 where the asker has them. Raises NotFound, also for another
    sha256 than the image's, and a Problem where there is no room for them."""
    record = await door.read(lambda repo: repo.images.get(image))
    digest = record.sha256.hex()
    if sha256 not in (None, digest):
        raise NotFound(f"image {image} has another sha256", hint=f"GET /images/{image} tells it.")
    headers = _headers(record, forever=sha256 is not None)
    if _has(request.headers.get("if-none-match", ""), digest):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Length"] = str(record.bytes)
    kind = _TYPES.get(record.format, "application/octet-stream")
    if request.method == "HEAD":
        return Response(headers=headers, media_type=kind)
    take(record.bytes)

    def read(repo: Repository) -> bytes:
        return repo.images.data(image)

    return StreamingResponse(_pieces(await door.read(read)), headers=headers, media_type=kind)


def _headers(record: ImageRecord, *, forever: bool) -> dict[str, str]:
    ending = _ENDINGS.get(record.format, record.format)
    return {
        "ETag": f'"{record.sha256.hex()}"',
        "Content-Disposition": f'inline; filename="{record.id}.{ending}"',
        "Cache-Control": f"private, {'max-age=31536000, immutable' if forever else 'no-cache'}",
    }


def _has(if_none_match: str, digest: str) -> bool:
    """Whether the header names these bytes."""
    given = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in given or f'"{digest}"' in given


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    """Small enough that a slow reader keeps little of it in the connection."""
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
