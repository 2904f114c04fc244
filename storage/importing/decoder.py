"""A process that measures pictures: `python -m storage.importing.decoder`.

It reads pieces of many files from standard input and answers each with facts and refusals on
standard output, until its input ends. What goes over the pipes is plain numbers and bytes, written
and read here on both sides. A decoder that a hostile file brings down is only a process.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import IO

from storage import pictures
from storage.errors import RefusedInput
from storage.pictures import Facts

_COUNT = struct.Struct("<I")
_FACTS = struct.Struct("<BIIB4s16sqI")
_REFUSED, _MEASURED = 0, 1

READY = b"!"
"""What a decoder says before anything else."""

Answer = Facts | str
"""What was measured, or the reason of a refusal."""


def measure(files: Sequence[bytes]) -> list[Answer]:
    """What each file is, or why it is refused."""
    return [_measure(data) for data in files]


def _measure(data: bytes) -> Answer:
    try:
        return pictures.describe(data)
    except RefusedInput as error:
        return error.message


def write_files(stream: IO[bytes], files: Sequence[bytes]) -> None:
    """Send a piece: a count, the lengths, the bytes."""
    stream.write(struct.pack(f"<I{len(files)}I", len(files), *map(len, files)))
    for data in files:
        # The stream gathers small ones, and sends a large one without another copy of it.
        stream.write(data)
    stream.flush()


def read_files(stream: IO[bytes]) -> list[bytes] | None:
    """The next piece; None at the end. Raises EOFError within one."""
    start = stream.read(_COUNT.size)
    if not start:
        return None
    (count,) = _COUNT.unpack(start)
    lengths = struct.unpack(f"<{count}I", _exactly(stream, 4 * count))
    return [_exactly(stream, length) for length in lengths]


def write_answers(stream: IO[bytes], answers: Sequence[Answer]) -> None:
    """Send the answers to a piece: their length in all, then one after the other."""
    parts = []
    for answer in answers:
        if isinstance(answer, str):
            tail = answer.encode()
            parts.append(_FACTS.pack(_REFUSED, 0, 0, 0, b"", b"", 0, len(tail)))
        else:
            tail = answer.thumbnail or b""
            parts.append(
                _FACTS.pack(
                    _MEASURED,
                    answer.width,
                    answer.height,
                    answer.channels,
                    answer.format.encode(),
                    answer.pixel_hash,
                    answer.dhash,
                    len(tail),
                )
            )
        parts.append(tail)
    body = b"".join(parts)
    stream.write(_COUNT.pack(len(body)) + body)
    stream.flush()


def read_answers(stream: IO[bytes], count: int) -> list[Answer]:
    """The answers to a piece of `count` files. Raises EOFError if they do not come whole."""
    (length,) = _COUNT.unpack(_exactly(stream, _COUNT.size))
    body = _exactly(stream, length)
    answers: list[Answer] = []
    at = 0
    for _ in range(count):
        kind, width, height, channels, name, pixel_hash, dhash, size = _FACTS.unpack_from(body, at)
        at += _FACTS.size + size
        tail = body[at - size : at]
        if kind == _REFUSED:
            answers.append(tail.decode())
        else:
            kept = name.rstrip(b"\0").decode()
            answers.append(Facts(width, height, channels, kept, pixel_hash, dhash, tail or None))
    return answers


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the other side of the pipe is gone")
    return data


class FileGate:
    """Lets one process at a time through, by a lock on a file that all of them have open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        import fcntl

        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        import fcntl

        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


def main(arguments: Sequence[str]) -> None:
    """Answer until the input ends. The argument is the descriptor of the gate's file."""
    gate: AbstractContextManager[None] = nullcontext()
    if arguments:
        gate = FileGate(int(arguments[0]))
    pictures.one_large = gate
    source, target = sys.stdin.buffer, sys.stdout.buffer
    target.write(READY)
    target.flush()
    while (files := read_files(source)) is not None:
        write_answers(target, measure(files))


if __name__ == "__main__":
    main(sys.argv[1:])
