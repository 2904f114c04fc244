"""Where an export goes: a name that nothing has yet, filled under another name and then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import RefusedInput, StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to, beside `target`; it becomes `target` when the block ends well, and is
    removed when it does not. Raises RefusedInput if `target` exists or cannot be written,
    StorageFull if the disk takes no more."""
    if os.path.lexists(target):
        raise _exists(target)
    with _explained(target):
        partial = _beside(target)
        partial.touch(exist_ok=False)
        try:
            yield partial
            _sync(partial)
            if os.path.lexists(target):
                raise _exists(target)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def new_file_among_others(target: Path) -> Iterator[Path]:
    """The same for a file that has others beside it while it is written: they go with the folder
    that the path to write to lies in. That path has nothing yet."""
    if os.path.lexists(target):
        raise _exists(target)
    with _explained(target):
        folder = _beside(target)
        folder.mkdir()
        try:
            partial = folder / target.name
            yield partial
            _sync(partial)
            if os.path.lexists(target):
                raise _exists(target)
            partial.replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_files(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Several files or folders that are made together: paths to write to, which all get their names
    when the block ends well, or none of them does. Nothing is made at the paths yet. Raises
    RefusedInput if one of them exists or cannot be written, StorageFull."""
    for target in targets:
        if os.path.lexists(target):
            raise _exists(target)
    with _explained(targets[0]):
        partials = tuple(_beside(target) for target in targets)
        renamed: list[Path] = []
        try:
            yield partials
            for partial, target in zip(partials, targets, strict=True):
                if partial.is_file():
                    _sync(partial)
                if os.path.lexists(target):
                    raise _exists(target)
                partial.replace(target)
                renamed.append(target)
        except BaseException:
            for target in renamed:
                _remove(target)
            raise
        finally:
            for partial in partials:
                _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the disk has the file: a name must not outlive what it stands for."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """The same for a folder. An empty folder counts as not there."""
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise _exists(target)
    with _explained(target):
        partial = _beside(target)
        partial.mkdir()
        try:
            yield partial
            # A rename takes the place of an empty folder and of nothing else.
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                f"the disk took no more while {target} was written",
                hint="Make room; nothing of the export was kept.",
            ) from error
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise _exists(target) from error
        raise RefusedInput(
            f"{target} cannot be written: {error.strerror or error}", hint="Choose another place."
        ) from error


def _exists(target: Path) -> RefusedInput:
    return RefusedInput(
        f"{target} is there already and is not overwritten", hint="Name a new file or folder."
    )


def _beside(target: Path) -> Path:
    return target.parent / f".{target.name[:40]}.{secrets.token_hex(6)}.partial"
