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
    try:
        from cli.app import app

        app(prog_name="pixshelf")
    except KeyboardInterrupt:
        # Ctrl-C while modules are still being loaded; later ones are told of in cli.failures.
        sys.stderr.write("pixshelf: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
