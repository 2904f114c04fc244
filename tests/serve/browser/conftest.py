"""A headless Chromium, and the door on a dataset of digits, each test with its own copy.

Needs an installed Chromium; `.ci/run` sees to that. Where there is none, nothing here is collected.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cli.serve.settings import ServeSettings
from storage.opening import open_repository
from tests.ml_fixtures import digits_model, store_digits
from tests.serve.browser.watching import Watched
from tests.serve.opened import Opened, opened

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM = CHROMIUM or shutil.which("google-chrome")
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]

Visit = Callable[..., Page]
Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file's tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def digits_db(tmp_path: Path) -> Path:
    """Sixty labelled digits to train on, and a model of them."""
    path = tmp_path / "digits.db"
    with open_repository(path, create=True) as repo:
        store_digits(repo, 60, split="train")
        repo.models.add(digits_model("means"))
    return path


@pytest.fixture
def open_door() -> Iterator[Open]:
    """Opens doors on datasets, and closes them in the end."""
    with ExitStack() as stack:

        def open_one(db: Path, **settings: Any) -> Opened:
            return stack.enter_context(opened(ServeSettings(db=str(db), **settings)))

        yield open_one


@pytest.fixture
def door(open_door: Open, digits_db: Path) -> Opened:
    """A door on a dataset of digits with a model."""
    return open_door(digits_db)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Opens a page at an address. In the end no page may have met an error or asked another
    server for anything; `refused` says that the test had a request refused."""
    with ExitStack() as stack:

        def visit_one(url: str, *, refused: bool = False, **options: Any) -> Page:
            context = stack.enter_context(chromium.new_context(**options))
            page = context.new_page()
            stack.callback(Watched(page, url, refused=refused).check)
            page.goto(url)
            return page

        yield visit_one
