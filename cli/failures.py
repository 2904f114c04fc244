"""How a command line ends: every way to fail becomes one line on stderr and an exit code.

`run_guarded` knows the family in storage.errors, the parser's own complaints, the operating
system's refusals, an interrupt, a closed pipe and a full device. Anything else is a defect of
pixshelf: its traceback goes to a file, or to stderr where PIXSHELF_DEBUG is set.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer

from cli.text import printable, width
from storage.errors import ExitCode, PixshelfError, QueryError
from storage.redacting import redacted

# How the library behind the parser says that a text is not a number.
_PARSER = re.compile(r"Input should be a valid (?:integer|number).*")


def run_guarded(run: Callable[[], None]) -> int:
    """Call `run`; give the exit code of what came of it. Reports on stderr what went wrong."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        code = _outcome(run)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return ExitCode.DONE
    except OSError as error:
        _forget_stdout()
        _say(f"pixshelf: error: standard output: {error.strerror or error}")
        return ExitCode.FAILED
    return code


def _open_closed_streams() -> None:
    """A stream that was closed before the start (`>&-`) is None to Python: it becomes nothing to
    read from, and nobody to write to."""
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(os.devnull, "rb"), encoding="utf-8")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nobody = io.TextIOWrapper(io.FileIO(os.devnull, "wb"), encoding="utf-8")
            setattr(sys, name, nobody)


def _outcome(run: Callable[[], None]) -> int:
    try:
        run()
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("pixshelf: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _reported(error)
    return ExitCode.DONE


def _reported(error: Exception) -> int:
    match error:
        case PixshelfError():
            report(error)
            return error.exit_code
        case typer.TyperException():
            _report_usage(error)
            return ExitCode.USAGE
        case OSError():
            _report_system(error)
        case MemoryError():
            _say("pixshelf: error: out of memory")
        case _:
            _report_internal(error)
    return ExitCode.FAILED


def report(error: PixshelfError) -> None:
    """Print an error, the place in the query where it is about one, and its hint, to stderr."""
    _say(f"pixshelf: error: {printable(error.message)}")
    if isinstance(error, QueryError):
        for line in query_caret(error):
            _say(line)
    if error.hint:
        _say(f"hint: {printable(error.hint)}")


def query_caret(error: QueryError) -> list[str]:
    """The query on a line, and a line of carets under the word that was not understood."""
    text, start, end = error.text, error.start, max(error.end, error.start + 1)
    if redacted(text) != text:
        return []  # what is left out may be where the carets would point
    before = printable(text[:start])
    word = printable(text[start:end])
    line = f"  {before}{word}{printable(text[end:])}"
    return [line, f"  {' ' * width(before)}{'^' * max(width(word), 1)}"]


def _report_usage(error: typer.TyperException) -> None:
    message = _PARSER.sub("expected a number", " ".join(error.format_message().split()).rstrip("."))
    _say(f"pixshelf: error: {printable(message[:1].lower() + message[1:])}")
    context = getattr(error, "ctx", None)
    if context is not None:
        _say(f"hint: see `{context.command_path} --help`")


def _report_system(error: OSError) -> None:
    if os.environ.get("PIXSHELF_DEBUG"):
        _say_traceback(error)
    what = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename is not None else ""
    _say(f"pixshelf: error: {printable(f'{where}{what}')}")


def _report_internal(error: Exception) -> None:
    what = printable(f"{type(error).__name__}: {error}")
    if os.environ.get("PIXSHELF_DEBUG"):
        _say_traceback(error)
        _say(f"pixshelf: error: internal: {what}")
        return
    try:
        log = _write_log(error)
    except OSError as refused:
        _say(f"pixshelf: error: internal: {what} (no log could be written: {refused})")
        _say("hint: set PIXSHELF_DEBUG=1 to see the traceback")
        return
    _say(f"pixshelf: error: internal: {what} (traceback in {log})")
    _say("hint: this is a defect of pixshelf; PIXSHELF_DEBUG=1 shows the traceback")


def _write_log(error: Exception) -> Path:
    import time
    import traceback

    from platformdirs import user_log_path

    from cli.version import version_line

    folder = user_log_path("pixshelf", appauthor=False, ensure_exists=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = folder / f"error-{stamp}-{os.getpid()}.log"
    command = " ".join(_without_token(sys.argv))
    trace = "".join(traceback.format_exception(error))
    path.write_text(
        f"{version_line()}, Python {sys.version}\n{redacted(command)}\n\n{redacted(trace)}",
        encoding="utf-8",
        errors="backslashreplace",
    )
    return path


def _without_token(words: Sequence[str]) -> Iterator[str]:
    """The words of a command line, with no token in them."""
    before = ""
    for word in words:
        yield "…" if before == "--token" or word.startswith("--token=") else word
        before = word


def _say_traceback(error: BaseException) -> None:
    import traceback

    _say("".join(traceback.format_exception(error)).rstrip())


def _say(line: str) -> None:
    """A line on stderr, without passwords. Where even that is closed, there is nobody to tell."""
    from contextlib import suppress

    with suppress(OSError, ValueError):
        sys.stderr.write(redacted(line) + "\n")
        sys.stderr.flush()


def _forget_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain as well."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a stream in memory has no descriptor and no such flush
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
