"""From the shell to the app and back: what it needs, what it makes, and how it ends."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import _globals_alone
from storage.opening import open_repository
from tests.tui.pty_app import ROOT, on_terminal
from tui.launch import knows_colours

APP = """
import os, signal, sys
sys.path.insert(0, {root!r})
import tui.app
from cli.full_screen import open_at_once
from tui.frame.edits import label_edit

class Tried(tui.app.PixshelfApp):
    def on_ready(self):
        self.at_first = sorted(sys.modules)
        self.call_after_refresh(self.set_timer, 0.1, self.tried)
    def tried(self):
        {what}

tui.app.PixshelfApp = Tried
sys.exit(open_at_once(db=sys.argv[1]))
"""


def tried(db: Path, what: str) -> str:
    """A script beside the dataset: the app, which does something soon after its first frame."""
    path = db.with_name("tried.py")
    path.write_text(APP.format(what=what, root=str(ROOT)), encoding="utf-8")
    return str(path)


NEVER = (
    "tensorflow",
    "keras",
    "sklearn",
    "matplotlib",
    "scipy",
    "typer",
    "h5py",
    "tomlkit",
    "numpy",
    "PIL",
)
"""What is not in the process when the first frame is there."""


def test_it_opens_and_leaves_with_the_terminal_as_it_was(db: Path) -> None:
    with on_terminal(["-m", "cli", "--db", str(db)]) as app:
        app.until("Help")
        app.type("\x11")
        assert app.exit_code() == 0
        assert app.is_restored()


def test_the_default_dataset_is_made_with_its_folder(tmp_path: Path) -> None:
    with on_terminal(["-m", "cli"], env={"XDG_DATA_HOME": str(tmp_path / "data")}) as app:
        app.until("Help")
        app.type("\x11")
        assert app.exit_code() == 0
    with open_repository(tmp_path / "data" / "pixshelf" / "pixshelf.db") as repo:
        assert repo.stats().images == 0


def test_other_options_open_it_too(db: Path) -> None:
    with on_terminal(["-m", "cli", "--wait", "1", "--db", str(db)]) as app:
        app.until("Help")
        app.type("\x11")
        assert app.exit_code() == 0


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_show_it_is_told_in_a_line(term: str, db: Path) -> None:
    with on_terminal(["-m", "cli", "--db", str(db)], env={"TERM": term}) as app:
        assert app.exit_code() == 2
        assert app.text.startswith("pixshelf: error: the full-screen app needs a terminal")
        assert "hint: `pixshelf --help`" in app.text
        assert "\x1b" not in app.text


def test_keys_that_come_from_no_terminal_are_refused(db: Path) -> None:
    code = (
        "import os, sys; os.dup2(os.open(os.devnull, 0), 0); from cli.__main__ import main; main()"
    )
    with on_terminal(["-c", code, "--db", str(db)]) as app:
        assert app.exit_code() == 2
        assert "standard input is no terminal" in app.text


def test_without_a_terminal_it_prints_the_help(db: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--db", str(db)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: pixshelf" in done.stdout


def test_a_file_that_is_no_dataset_is_an_error_before_the_screen_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "photo.db"
    path.write_bytes(b"\xff\xd8\xff" + b"x" * 5000)
    with on_terminal(["-m", "cli", "--db", str(path)]) as app:
        assert app.exit_code() == 3
        assert "is not a dataset file" in app.text
        assert "\x1b" not in app.text


def test_a_newer_schema_is_an_error_before_the_screen_is_taken(db: Path) -> None:
    with sqlite3.connect(db) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with on_terminal(["-m", "cli", "--db", str(db)]) as app:
        assert app.exit_code() == 3
        assert "upgrade this one" in app.text
        assert "\x1b" not in app.text


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[tui]\nthem = "nord"', "did you mean 'theme'?"),
        ('[tui]\ntheme = "nrod"', "did you mean 'nord'?"),
        ('[tui.keys]\n"app.qit" = "x"', "did you mean 'app.quit'?"),
        ('[tui.keys]\n"app.quit" = "hyperspace"', "'hyperspace' is no key"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_usage_error(
    table: str, words: str, db: Path, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(table, encoding="utf-8")
    with on_terminal(["-m", "cli", "--db", str(db), "--config", str(path)]) as app:
        assert app.exit_code() == 2
        assert words in app.text
        assert "\x1b" not in app.text


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_with_every_edit_stored(name: str, db: Path) -> None:
    what = f"self.edit(label_edit((1,), 'zebra')); os.kill(os.getpid(), signal.{name})"
    with on_terminal([tried(db, what), str(db)]) as app:
        assert app.exit_code() == 128 + getattr(signal, name)
        assert app.is_restored()
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


def test_a_terminal_that_goes_away_ends_it_with_every_edit_stored(db: Path) -> None:
    asked = db.with_name("asked")
    what = f"self.edit(label_edit((1,), 'zebra')); open({str(asked)!r}, 'w').close()"
    with on_terminal([tried(db, what), str(db)]) as app:
        while not asked.exists():
            assert app.read(0.01)
        app.hang_up()
        assert app.exit_code() != 0
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


def test_a_defect_is_one_line_and_its_traceback_is_in_the_log(db: Path, tmp_path: Path) -> None:
    what = "self.edit(label_edit((1,), 'zebra')); raise ZeroDivisionError('oh')"
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with on_terminal([tried(db, what), str(db)], env=state) as app:
        assert app.exit_code() == 1
        assert app.is_restored()
        last = app.text[app.text.rindex("\x1b[?1049l") :]
        assert "pixshelf: error: internal: ZeroDivisionError: oh" in last
        assert "Traceback" not in app.text
    (log,) = (tmp_path / "state").rglob("error-*.log")
    assert "ZeroDivisionError: oh" in log.read_text("utf-8")
    with open_repository(db) as repo:
        assert repo.images.get(1).label == "zebra"


def test_what_libraries_write_to_descriptor_2_does_not_reach_the_screen(db: Path) -> None:
    what = "os.write(2, b'INFO: a delegate'); self.exit()"
    with on_terminal([tried(db, what), str(db)]) as app:
        assert app.exit_code() == 0
        assert "delegate" not in app.text


def test_the_first_frame_loads_nothing_heavy(db: Path, tmp_path: Path) -> None:
    note = tmp_path / "loaded"
    what = f"open({str(note)!r}, 'w').write(' '.join(self.at_first)); self.exit()"
    with on_terminal([tried(db, what), str(db)]) as app:
        assert app.exit_code() == 0
    loaded = {name.partition(".")[0] for name in note.read_text("utf-8").split()}
    assert "textual" in loaded
    assert not loaded & set(NEVER)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "vt100"}, {"TERM": "xterm-mono"}])
def test_a_terminal_without_colours_shows_it_in_greys(env: dict[str, str], db: Path) -> None:
    with on_terminal(["-m", "cli", "--db", str(db)], env=env) as app:
        app.until("Help")
        app.type("\x11")
        assert app.exit_code() == 0
        for shade in (part for part in app.text.split("\x1b[")[1:] if "8;2;" in part[:30]):
            numbers = shade.partition("m")[0].split("8;2;")[1].split(";")[:3]
            assert len(set(numbers)) == 1


def test_a_terminals_description_says_whether_it_has_colours() -> None:
    assert knows_colours({"TERM": "xterm-256color"})
    assert knows_colours({"TERM": "vt100", "COLORTERM": "truecolor"})
    assert knows_colours({"TERM": "no-such-terminal"})
    assert not knows_colours({"TERM": "vt100"})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {}),
        (["--db", "a.db"], {"db": "a.db"}),
        (["--config=c", "--db=a=b"], {"config": "c", "db": "a=b"}),
        (["--db"], None),
        (["--db="], None),
        (["--quiet"], None),
        (["ls"], None),
        (["--db", "a.db", "ls"], None),
    ],
)
def test_only_the_dataset_and_the_config_file_take_the_short_way(
    words: list[str], found: dict[str, str] | None
) -> None:
    assert _globals_alone(words) == found
