"""Paths as they are typed, pasted and dropped, and their completion."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.files.paths import as_text, complete, paths_in


def read(text: str, *there: str) -> list[str]:
    return paths_in(text, is_there=lambda path: path in there)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("a.png b.png", ["a.png", "b.png"]),
        ("'my cat.png' \"your dog.png\"", ["my cat.png", "your dog.png"]),
        (r"my\ cat.png", ["my cat.png"]),
        ("file:///photos/my%20cat.png", ["/photos/my cat.png"]),
        ("file://localhost/a%C3%A9.png", ["/aé.png"]),
        ("/a.png\n/b.png\r\n", ["/a.png", "/b.png"]),
        ("'never closed.png", ["never closed.png"]),
        ("a.png a.png", ["a.png"]),
        ("  ", []),
        ("end\\", ["end\\"]),
        ("~/x", [os.path.expanduser("~/x")]),
    ],
)
def test_paths_are_read_from_what_terminals_paste(text: str, paths: list[str]) -> None:
    assert read(text) == paths


def test_a_line_that_is_a_path_as_it_stands_is_one_path() -> None:
    assert read("my cat.png\nother dog.png", "my cat.png") == ["my cat.png", "other", "dog.png"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5))
def test_any_names_are_read_back_from_their_text(names: list[str]) -> None:
    # A line break ends a path, and "~" is the home folder: neither is in what is dropped.
    paths = [
        "/" + "".join(c for c in name if len(c.splitlines() or [""]) == 1 and c.isprintable())
        for name in names
    ]
    assert read(as_text(paths)) == list(dict.fromkeys(paths))


@given(st.text())
def test_no_text_is_too_odd_to_read(text: str) -> None:
    assert all(isinstance(path, str) and path for path in paths_in(text))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("cat1.png", "cat2.png", "dog.png", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "my photos").mkdir()
    (tmp_path / "my photos" / "sea.png").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_single_name_is_completed_and_ended(folder: Path) -> None:
    assert complete(f"{folder}/do").text == f"{folder}/dog.png "


def test_several_names_are_completed_as_far_as_they_agree(folder: Path) -> None:
    found = complete("c")
    assert found.text == "cat"
    assert found.names == ("cat1.png", "cat2.png")


def test_a_folder_is_completed_with_its_slash_and_its_space_escaped(folder: Path) -> None:
    assert complete("dog.png m").text == "dog.png my\\ photos/"
    assert complete("my\\ photos/s").text == "my\\ photos/sea.png "
    assert complete("my photos/s").text == "my\\ photos/sea.png "


def test_case_is_overlooked_where_it_leaves_one_name(folder: Path) -> None:
    assert complete("DOG").text == "dog.png "


def test_hidden_names_come_only_when_asked_for(folder: Path) -> None:
    assert ".hidden.png" not in complete("./").names
    assert complete(".h").text == ".hidden.png "


def test_what_is_not_there_is_left_as_it_is(folder: Path) -> None:
    assert complete("nowhere/x") == complete("nowhere/x")
    assert complete("nowhere/x").text == "nowhere/x"
    assert complete("a\0b").names == ()
