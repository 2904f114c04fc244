"""JSON Lines manifests: paths and base64, and lines that will not do."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from storage.errors import RefusedInput
from storage.importing import jsonlines
from storage.importing.jsonlines import open_json_lines
from storage.importing.recognise import recognise
from storage.importing.sources import Entry
from tests.made_pictures import lay, picture, places, refusals


def written(folder: Path, *lines: object, name: str = "list.jsonl") -> Path:
    lay(folder, {"a.png": 1, "sub/b.png": 2})
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def test_a_line_gives_path_label_split_and_tags(tmp_path: Path) -> None:
    line = {"path": "a.png", "label": " cat ", "split": "Validation", "tags": ["night", "a;b"]}
    (entry,) = open_json_lines(written(tmp_path, line)).entries()
    assert isinstance(entry, Entry)
    assert entry == ("a.png", str(tmp_path / "a.png"), "cat", "val", ("night", "a;b"))


def test_bytes_come_in_base64(tmp_path: Path) -> None:
    data = base64.b64encode(picture(3)).decode()
    path = written(tmp_path, {"data": data, "label": 7, "source": "7/x.png"}, {"data": data})
    named, unnamed = open_json_lines(path).entries()
    assert isinstance(named, Entry)
    assert (named.source, named.content, named.label) == ("7/x.png", picture(3), "7")
    assert unnamed.source == "list.jsonl: line 2"


def test_the_names_of_others_are_understood_and_blank_lines_are_not_lines(tmp_path: Path) -> None:
    source = open_json_lines(
        written(tmp_path, '\ufeff{"file_name": "a.png", "class": "x", "tags": "n,m"}', "", "  ")
    )
    assert places(source) == {"a.png": ("x", None)}
    assert source.count() == 1


def test_no_split_can_be_said(tmp_path: Path) -> None:
    source = open_json_lines(written(tmp_path, {"path": "a.png", "split": "none"}))
    assert places(source) == {"a.png": (None, "none")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ({}, "the row has no path"),
        ({"path": "../out.png"}, "leads outside"),
        ({"path": "/etc/passwd"}, "leads outside"),
        ({"path": ["a.png"]}, "not text"),
        ({"path": "a.png", "label": True}, "not text"),
        ({"path": "a.png", "label": "x" * 201}, "201 characters"),
        ({"path": "a.png", "split": "sometimes"}, "there is no split"),
        ({"path": "a.png", "tags": [1]}, "tags are neither"),
        ({"data": "%%%"}, "no base64"),
        ({"data": 5}, "not base64 text"),
    ],
)
def test_a_line_that_will_not_do_is_refused_and_the_next_is_read(
    tmp_path: Path, line: object, reason: str
) -> None:
    source = open_json_lines(written(tmp_path, line, {"path": "a.png"}))
    assert list(places(source)) == ["a.png"]
    ((where, why),) = refusals(source).items()
    assert where == "list.jsonl: line 1"
    assert reason in why


def test_a_line_too_long_for_any_picture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonlines, "LONGEST_LINE", 100)
    with pytest.raises(RefusedInput, match=r"line 2 has over 100 bytes"):
        open_json_lines(written(tmp_path, {"path": "a.png"}, {"path": "x" * 200}))


@pytest.mark.parametrize("name", ["list.jsonl", "list.ndjson", "list"])
def test_json_lines_are_known_by_their_name_or_their_beginning(tmp_path: Path, name: str) -> None:
    assert recognise(written(tmp_path, {"path": "a.png"}, name=name)) == "jsonl"
