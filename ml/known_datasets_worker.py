"""The child process that loads one of Keras's datasets: `python -m ml.known_datasets_worker NAME
TARGET`.

Says nothing and exits with 0 when TARGET, an .npz without pickled objects, is written; otherwise
prints a Failed event and exits with 1.
"""

from __future__ import annotations

import errno
import importlib
import os
import socket
import sys
import traceback
from pathlib import Path

from ml.child import import_tensorflow
from ml.events import Failed, encode
from ml.known_datasets import KERAS, cache_folder
from storage.errors import PixshelfError, RefusedInput, StorageFull

SILENCE = 30.0
"""Seconds without a byte after which a download is given up."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FETCH = "URL fetch failure on "


def write_arrays(name: str, target: Path) -> None:
    """Load the dataset as Keras does and write its arrays. Raises RefusedInput if it cannot be
    downloaded or what is in the cache cannot be read."""
    socket.setdefaulttimeout(SILENCE)
    import_tensorflow()
    import numpy as np

    known = KERAS[name]
    module = importlib.import_module(f"keras.datasets.{known.module}")
    try:
        (x_train, y_train), (x_test, y_test) = module.load_data()
    except Exception as error:
        # Keras raises plain Exceptions for whatever happens on the network.
        raise _explained(name, error) from error
    try:
        np.savez(
            target,
            x_train=x_train,
            y_train=y_train,
            x_test=x_test,
            y_test=y_test,
            label_names=np.array(known.labels, np.str_),
        )
    except OSError as error:
        raise _explained(name, error) from error


def _explained(name: str, error: Exception) -> PixshelfError:
    reason = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in _FULL:
        return StorageFull(
            f"the disk took no more while {name} was loaded",
            hint=f"Make room in {cache_folder()} and in the folder for temporary files.",
        )
    if reason.startswith(_FETCH) or isinstance(error, TimeoutError | ConnectionError):
        what = reason.removeprefix(_FETCH)
        return RefusedInput(f"{name} is not in Keras's cache and could not be downloaded: {what}")
    return RefusedInput(
        f"{name} in Keras's cache ({cache_folder()}) cannot be read: {type(error).__name__}: "
        f"{reason[:200]}"
    )


def main() -> int:
    """Serve the one request in the arguments; gives the exit status."""
    # Keras prints the progress of a download to stdout; the answer must stand there alone.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        write_arrays(sys.argv[1], Path(sys.argv[2]))
    except PixshelfError as error:
        os.write(answer, encode(Failed(type(error).__name__, error.message, error.hint)))
        return 1
    except Exception as error:
        # The last stand of a process: whatever it is, the parent must hear of it.
        traceback.print_exc()
        os.write(answer, encode(Failed("internal", f"{type(error).__name__}: {error}")))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
