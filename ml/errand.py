"""Work that a child process does for its parent: one request, then silence or one Failed event.

`send` is the parent's side, `serve` the child's. The child is a module of `ml`, started anew, so
that TensorFlow and what it leaves behind never enter the parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ml.child import environment
from ml.events import Failed, decode, encode, to_error
from storage.errors import PixshelfError, TimedOut


def send(module: str, request: Mapping[str, Any], *, what: str, seconds: float) -> None:
    """Have `python -m module` do what the request says. `what` names it for people ('the export').

    Raises the PixshelfError that the child met, TimedOut after so many seconds, and PixshelfError
    for a child that died.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", module],
            input=json.dumps(request).encode(),
            capture_output=True,
            env=environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"{what} took more than {seconds:g} seconds") from error
    if child.returncode == 0:
        return
    said = child.stdout.splitlines()
    if not said:
        last = child.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        ended = f"it ended with {child.returncode}"
        raise PixshelfError(f"{what} failed: {' / '.join([*last, ended])[:500]}")
    event = decode(said[-1])
    if not isinstance(event, Failed):
        raise PixshelfError(f"{what} failed, and said something else")
    raise to_error(event)


def serve(work: Callable[[dict[str, Any]], None]) -> int:
    """Do the one request on stdin; gives the exit status."""
    # Libraries may print to stdout; the answer must stand there alone.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        work(json.load(sys.stdin))
    except PixshelfError as error:
        os.write(answer, encode(Failed(type(error).__name__, error.message, error.hint)))
        return 1
    except MemoryError:
        os.write(answer, encode(Failed("PixshelfError", "there is not enough memory for it")))
        return 1
    except Exception as error:
        # The last stand of a process: whatever it is, the parent must hear of it.
        traceback.print_exc()
        os.write(answer, encode(Failed("internal", f"{type(error).__name__}: {error}"[:2_000])))
        return 1
    return 0
