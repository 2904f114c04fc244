"""The plan of a training in words, and text in lines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.plan import plan_training
from ml.settings import TrainSettings
from storage.errors import DatasetError, NotFound
from storage.opening import open_repository
from storage.query import parse
from tui.plain.text import width
from tui.training.plan import plan_content, wrapped
from tui.training.plan_facts import PlanFacts, facts_of, plan_in_child


def facts(db: Path, **settings: Any) -> PlanFacts:
    with open_repository(db) as repo:
        return facts_of(plan_training(repo, TrainSettings(**settings)))


def test_the_facts_are_those_of_the_plan(db: Path) -> None:
    found = dict(facts(db, epochs=2).facts)
    assert "60 test left for later" in found["images"]
    assert found["labels"].startswith("10, of ")
    assert found["input"] == "8x8 grey, as the pictures are"
    assert found["length"].startswith("2 epochs of")


def test_open_fields_are_told_what_they_come_to(db: Path) -> None:
    unset = facts(db).unset
    assert unset["size"] == "8"
    assert unset["ensemble"] == "1"
    assert unset["name"] == "standard-0"
    assert int(unset["epochs"]) > 1


def test_with_a_budget_of_time_there_is_no_number_of_epochs(db: Path) -> None:
    found = facts(db, minutes=3.0)
    assert "epochs" not in found.unset
    assert dict(found.facts)["time"] == "a budget of 3 min"


async def test_a_plan_of_a_child_is_the_same(db: Path) -> None:
    assert await plan_in_child(str(db), TrainSettings(epochs=2)) == facts(db, epochs=2)


async def test_a_plan_that_is_cancelled_leaves_no_process_behind(db: Path) -> None:
    task = asyncio.create_task(plan_in_child(str(db), TrainSettings()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone("tui.training.plan_facts")


async def until_gone(module: str) -> None:
    """Wait until this process has no child that runs the module."""
    end = time.monotonic() + 10
    while any(module in words for words in commands_of_children()):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def commands_of_children() -> list[str]:
    """The command lines of this process's children."""
    listed = subprocess.run(
        ["ps", "-o", "command=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.splitlines()


async def test_what_a_plan_is_refused_for_comes_back_from_the_child(db: Path) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await plan_in_child(str(db), TrainSettings(start_from="nobody"))
    with pytest.raises(DatasetError):
        await plan_in_child(str(db) + ".not", TrainSettings())


def test_labels_with_controls_are_shown_without(db: Path) -> None:
    with open_repository(db) as repo:
        images = repo.images.ids(parse("label:0,1,2"))[:12]
        repo.images.set_split(dict.fromkeys(images, "train"), actor="t", summary="t")
        repo.images.set_label(images, "a [b]宽", actor="t")
    assert "a [b]宽" in plan_content(facts(db), 40).plain


@pytest.mark.parametrize("cells", [30, 34, 80, 150])
def test_no_line_is_wider_than_the_room(db: Path, cells: int) -> None:
    lines = plan_content(facts(db), cells).plain.split("\n")
    assert max(map(width, lines)) <= cells


@given(st.text(max_size=200), st.integers(2, 50))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, cells: int) -> None:
    lines = wrapped(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
