"""The frame of the command line: help, version, usage errors, and how every failure ends."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.app import MODULES, SUMMARIES, app
from cli.failures import query_caret, run_guarded
from storage.errors import (
    DatasetError,
    ExitCode,
    NotFound,
    NotReady,
    PixshelfError,
    QueryError,
    UsageError,
)

from .conftest import ROOT, Run, RunProcess

RUNNER = CliRunner()


def run_raising(error: BaseException) -> int:
    def run() -> None:
        raise error

    return run_guarded(run)


def test_help_lists_every_command() -> None:
    result = RUNNER.invoke(app, ["--help"])
    assert result.exit_code == 0
    for name, summary in SUMMARIES.items():
        assert f"  {name} " in result.stdout
        assert summary in result.stdout


def test_no_word_at_all_prints_the_help() -> None:
    result = RUNNER.invoke(app, [])
    assert result.exit_code == 0
    assert result.stdout == RUNNER.invoke(app, ["--help"]).stdout


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_command_says_of_itself_what_the_list_says_of_it(name: str) -> None:
    from importlib import import_module

    command = get_command(import_module(f"cli.commands.{MODULES.get(name, name)}").app)
    assert (command.help or "").splitlines()[0] == SUMMARIES[name]


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_commands_help_has_an_example(name: str) -> None:
    result = RUNNER.invoke(app, [name, "--help"])
    assert result.exit_code == 0
    if "Commands:" not in result.stdout:
        assert "Example" in result.stdout
        assert f"pixshelf {name}" in result.stdout


@pytest.mark.parametrize("group", ["runs", "models", "db", "tag", "tags", "labels", "history"])
def test_each_command_of_a_group_has_an_example(group: str) -> None:
    from importlib import import_module

    command = get_command(import_module(f"cli.commands.{group}").app)
    for inner in command.commands:  # type: ignore[attr-defined]  # a group has commands
        result = RUNNER.invoke(app, [group, inner, "--help"])
        assert result.exit_code == 0
        assert f"pixshelf {group} {inner}" in result.stdout or f"db {inner}" in result.stdout
        assert "Examples:" in result.stdout


@pytest.mark.parametrize("name", SUMMARIES)
def test_an_example_can_be_pasted_into_a_shell(name: str) -> None:
    from importlib import import_module

    command = get_command(import_module(f"cli.commands.{MODULES.get(name, name)}").app)
    inner = getattr(command, "commands", {}).values()
    for text in (each.epilog or "" for each in (command, *inner)):
        for line in re.findall(r"^ *(pixshelf .*)$", text, re.MULTILINE):
            assert not re.search(r"\w[<>]", re.sub(r"'[^']*'|\"[^\"]*\"", "", line)), line


def test_version_is_the_same_with_and_without_the_parser(run_process: RunProcess) -> None:
    plain = RUNNER.invoke(app, ["--version"])
    assert plain.exit_code == 0
    assert plain.stdout.startswith("pixshelf ")
    assert run_process("--version").stdout == plain.stdout


def test_an_unknown_command_names_the_nearest() -> None:
    result = RUNNER.invoke(app, ["imprt"])
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "pixshelf: error: there is no command 'imprt'\nhint: did you mean `pixshelf import`?\n"
    )


def test_an_unknown_option_is_one_line_and_a_hint(run: Run) -> None:
    result = run("stats", "--josn")
    assert result.exit_code == ExitCode.USAGE
    first, hint = result.stderr.splitlines()
    assert first.startswith("pixshelf: error: no such option: --josn")
    assert hint == "hint: see `pixshelf stats --help`"


def test_a_group_without_a_command_is_a_usage_error(run: Run) -> None:
    result = run("runs")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith("pixshelf: error: missing command")


def test_a_missing_argument_is_named(run: Run) -> None:
    result = run("show")
    assert result.exit_code == ExitCode.USAGE
    assert "ID" in result.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotReady("no"), 1),
        (UsageError("no"), 2),
        (DatasetError("no"), 3),
        (NotFound("no"), 4),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 1),
    ],
)
def test_every_failure_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_raising(error) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("pixshelf: ")
    assert "Traceback" not in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_hint_follows_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    run_raising(PixshelfError("it is broken", hint="mend it"))
    assert capsys.readouterr().err == "pixshelf: error: it is broken\nhint: mend it\n"


def test_an_error_cannot_send_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    run_raising(PixshelfError("file \x1b]0;owned\x07 \x1b[2J\nnext", hint="\x9b31mred"))
    shown = capsys.readouterr().err
    assert not any(char in shown for char in "\x1b\x07\x9b")
    assert len(shown.splitlines()) == 2


def test_a_query_error_shows_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    run_raising(QueryError("unknown word 'is:odd'", text="label:7 is:odd", start=8, end=14))
    assert capsys.readouterr().err.splitlines()[1:] == ["  label:7 is:odd", "          ^^^^^^"]


def test_the_caret_stands_under_a_word_after_wide_letters() -> None:
    error = QueryError("no", text="label:猫 is:odd", start=8, end=14)
    line, caret = query_caret(error)
    assert line == "  label:猫 is:odd"
    assert caret == "  " + " " * 9 + "^" * 6


def test_a_defect_is_one_line_and_its_traceback_is_in_a_file(
    capsys: pytest.CaptureFixture[str], own_home: Path
) -> None:
    assert run_raising(ZeroDivisionError("division by zero")) == 1
    first, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("pixshelf: error: internal: ZeroDivisionError: division by zero")
    assert "PIXSHELF_DEBUG" in hint
    logs = list(own_home.rglob("error-*.log"))
    assert len(logs) == 1
    assert str(logs[0]) in first
    assert "Traceback" in logs[0].read_text(encoding="utf-8")


def test_a_defect_whose_log_cannot_be_written_is_still_reported(
    capsys: pytest.CaptureFixture[str], own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = own_home / "blocked"
    blocked.write_text("a file, not a folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    assert run_raising(ZeroDivisionError("division by zero")) == 1
    assert "internal: ZeroDivisionError" in capsys.readouterr().err


def test_the_debug_variable_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXSHELF_DEBUG", "1")
    assert run_raising(ZeroDivisionError("division by zero")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet(run_process: RunProcess, db: Path) -> None:
    import shlex
    import subprocess
    import sys

    line = f"{shlex.quote(sys.executable)} -m cli --help; echo $? >&2"
    result = subprocess.run(
        ["bash", "-c", f"({line}) | true"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert result.stderr == "0\n"


def test_a_full_device_is_one_line() -> None:
    import subprocess
    import sys

    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "cli", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
    assert result.returncode == ExitCode.FAILED
    assert result.stderr.startswith("pixshelf: error: ")
    assert "No space left" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_the_commands(shell: str, run_process: RunProcess) -> None:
    result = run_process(
        env={
            "_PIXSHELF_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": "pixshelf st",
            "COMP_CWORD": "1",
            "_TYPER_COMPLETE_ARGS": "pixshelf st",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    )
    assert "stats" in result.stdout


@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [("db init", ">&-", 0), ("stats", ">&- 2>&-", 3), ("import -", "<&-", 4)],
)
def test_a_stream_that_is_closed_is_nobody_to_write_to_and_nothing_to_read(
    words: str, closed: str, code: int, db: Path
) -> None:
    line = f'"{sys.executable}" -m cli --db "{db}" {words} {closed}'
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal" not in done.stderr
