"""Decoder processes: the same answers as here, and what becomes of one that dies."""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path

import pytest

from storage.importing import decoding
from storage.importing.decoder import (
    Answer,
    measure,
    read_answers,
    read_files,
    write_answers,
    write_files,
)
from storage.importing.decoding import CRASHED, Decoders
from storage.pictures import Facts
from tests.made_pictures import picture

FILES = [picture(0), b"no picture", picture(1, 300, 200), picture(2, kind="JPEG"), b""]


def answers(decoders: Decoders, files: list[bytes]) -> list[Answer]:
    """What a process says; the first piece, which the caller measures, is used up by nothing."""
    decoders.submit([]).result()
    return decoders.submit(files).result()


def test_files_come_over_a_pipe_as_they_were() -> None:
    pipe = BytesIO()
    write_files(pipe, FILES)
    write_files(pipe, [])
    pipe.seek(0)
    assert read_files(pipe) == FILES
    assert read_files(pipe) == []
    assert read_files(pipe) is None


def test_answers_come_over_a_pipe_as_they_were() -> None:
    given = measure(FILES)
    pipe = BytesIO()
    write_answers(pipe, given)
    pipe.seek(0)
    assert read_answers(pipe, len(FILES)) == given


@pytest.mark.parametrize("read", [read_files, lambda pipe: read_answers(pipe, 5)])
def test_a_pipe_that_ends_within_a_piece_is_an_error(read: object) -> None:
    assert callable(read)
    pipe = BytesIO()
    write_answers(pipe, measure(FILES))
    with pytest.raises(EOFError):
        read(BytesIO(pipe.getvalue()[:20]))


def test_a_process_measures_as_the_caller_does() -> None:
    with Decoders(processes=2) as decoders:
        assert answers(decoders, FILES) == measure(FILES)


def test_the_first_piece_begins_no_process() -> None:
    with Decoders(processes=2) as decoders:
        future = decoders.submit(FILES)
        assert future.done()
        assert decoders.children() == []


def test_every_process_has_ended_after_the_block() -> None:
    with Decoders(processes=2) as decoders:
        answers(decoders, FILES)
        (child,) = decoders.children()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_process_that_dies_is_replaced() -> None:
    with Decoders(processes=1) as decoders:
        answers(decoders, FILES)
        (child,) = decoders.children()
        os.kill(child, 9)
        assert decoders.submit(FILES).result() == measure(FILES)


def test_the_file_that_a_decoder_dies_of_is_refused_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dies.py"
    program.write_text(
        "import os\n"
        "from storage import pictures\n"
        "from storage.importing import decoder\n"
        "real = pictures.describe\n"
        "pictures.describe = lambda data: os._exit(9) if data == b'deadly' else real(data)\n"
        "decoder.main([])\n"
    )
    monkeypatch.setattr(decoding, "COMMAND", (sys.executable, str(program)))
    with Decoders(processes=1) as decoders:
        found = answers(decoders, [picture(0), b"deadly", picture(1)])
    assert found == [*measure([picture(0)]), CRASHED, *measure([picture(1)])]


@pytest.mark.parametrize(
    "command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(1)")]
)
def test_where_no_process_can_be_had_the_import_decodes_itself(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "COMMAND", command)
    with Decoders(processes=1) as decoders:
        assert answers(decoders, FILES) == measure(FILES)


def test_one_large_picture_is_measured_at_a_time_among_processes() -> None:
    large = picture(0, 2100, 2000, "BMP")
    with Decoders(processes=2) as decoders:
        decoders.submit([]).result()
        futures = [decoders.submit([large]) for _ in range(3)]
        found = [future.result()[0] for future in futures]
    assert all(isinstance(one, Facts) and one.width == 2100 for one in found)
