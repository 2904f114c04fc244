"""The entry point: `pixshelf …` and `python -m cli …`.

`--version` alone, and no command on a terminal, are answered before the command-line library is
loaded; everything else goes to `cli.app`. Nothing heavy may be imported here: the time this takes
is the time `--help` takes.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    words = sys.argv[1:]
    if words == ["--version"]:
        from cli.version import version_line

        sys.stdout.write(version_line() + "\n")
        return
    try:
        if sys.stdout is not None and sys.stdout.isatty():
            globals_ = _globals_alone(words)
            if globals_ is not None:
                from cli.full_screen import open_at_once

                sys.exit(open_at_once(**globals_))
        from cli.app import app

        app(prog_name="pixshelf")
    except KeyboardInterrupt:
        # Ctrl-C while modules are still being loaded; later ones are told of in cli.failures.
        sys.stderr.write("pixshelf: interrupted\n")
        sys.exit(130)


def _globals_alone(words: list[str]) -> dict[str, str] | None:
    """The values of --db and --config where nothing else is there; None leaves the words to the
    parser, whatever they are."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in ("--db", "--config"):
            return None
        if not equals:
            value = next(rest, "")
        if not value:
            return None
        found[name.removeprefix("--")] = value
    return found


if __name__ == "__main__":
    main()
