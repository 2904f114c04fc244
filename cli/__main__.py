"""The entry point: `pixshelf …` and `python -m cli …`.

`--version` alone is answered before the command-line library is loaded; everything else goes to
`cli.app`. Nothing heavy may be imported here: the time this takes is the time `--help` takes.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from cli.version import version_line

        sys.stdout.write(version_line() + "\n")
        return
    from cli.app import app

    app(prog_name="pixshelf")


if __name__ == "__main__":
    main()
