"""The forms of output: JSON, JSON lines, CSV, TSV and tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from cli.output import Column, Format, dumps, one_format, write_rows
from storage.errors import UsageError

ROWS: list[dict[str, Any]] = [
    {"id": 1, "label": "a,b", "tags": ["x", "y"], "prediction": None},
    {"id": 2, "label": None, "tags": [], "prediction": {"label": "c", "wrong": True}},
]
FIELDS = ("id", "label", "tags", "prediction.label", "prediction.wrong")
COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("label", lambda row: row["label"] or "-"),
)


def written(form: Format, capsys: pytest.CaptureFixture[str]) -> str:
    write_rows(iter(ROWS), form, fields=FIELDS, columns=COLUMNS)
    return capsys.readouterr().out


def test_json_is_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(written(Format.JSON, capsys)) == ROWS


def test_no_rows_are_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([], Format.JSON, fields=FIELDS, columns=COLUMNS)
    assert json.loads(capsys.readouterr().out) == []


def test_json_lines_are_one_object_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(Format.JSONL, capsys).splitlines()
    assert [json.loads(line) for line in lines] == ROWS


@pytest.mark.parametrize(("form", "delimiter"), [(Format.CSV, ","), (Format.TSV, "\t")])
def test_separated_values_have_a_heading_and_flat_cells(
    form: Format, delimiter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(csv.reader(io.StringIO(written(form, capsys)), delimiter=delimiter))
    assert rows == [
        list(FIELDS),
        ["1", "a,b", "x,y", "", ""],
        ["2", "", "", "c", "true"],
    ]


def test_a_table_off_a_terminal_is_plain_aligned_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(Format.TABLE, capsys) == "id  label\n 1  a,b\n 2  -\n"


def test_a_table_cannot_carry_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": 1, "label": "\x1b[2Jgone\x07"}]
    write_rows(rows, Format.TABLE, fields=FIELDS, columns=COLUMNS)
    assert capsys.readouterr().out == "id  label\n 1  gone\ufffd\n"


def test_json_escapes_what_a_terminal_would_obey() -> None:
    text = dumps({"label": "\x1b\x9b\x7f\udcff猫"})
    assert text == '{"label": "\\u001b\\u009b\\u007f\\udcff猫"}'
    assert json.loads(text) == {"label": "\x1b\x9b\x7f\udcff猫"}


def test_two_formats_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="--json and --csv"):
        one_format(json=True, csv=True)
    assert one_format() is Format.TABLE
