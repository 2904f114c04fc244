"""Values that have their type already need no converter; the others get Typer's own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT, Run


def test_a_list_is_printed_without_loading_pydantic(run: Run, db: object) -> None:
    run("db", "init")
    script = (
        "import sys, runpy, atexit\n"
        "atexit.register(lambda: sys.stderr.write(str('pydantic' in sys.modules)))\n"
        f"sys.argv = ['pixshelf', '--db', {str(db)!r}, 'ls', 'label:7', '--json']\n"
        "runpy.run_module('cli', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "False")


@pytest.mark.parametrize("limit", ["x", "-1", "1.5"])
def test_a_number_that_is_none_is_a_usage_error(run: Run, limit: str) -> None:
    run("db", "init")
    result = run("ls", "--limit", limit)
    assert result.exit_code == 2
    assert "--limit" in result.stderr


def test_a_number_is_a_number(run: Run) -> None:
    run("db", "init")
    assert json.loads(run("ls", "--limit", "3", "--json").stdout) == []
