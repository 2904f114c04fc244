"""Follow and stop a run that another process started, by its journal and by who holds it."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml.events import Done, Event, Failed, to_error
from ml.journal import JournalReader, journal_path
from storage.errors import NotReady, PixshelfError
from storage.opening import open_repository
from storage.records import RunRecord

_POLL = 0.2
_GRACE = 3.0
"""Seconds that a run may be silent after it was given back: its last event follows its end."""

_WORKER = "ml.worker"


def follow_run(url: str, run_id: int) -> Iterator[Event]:
    """The events of a run from its process's beginning, then as they come, the last one being
    Done. Where that process dies and another goes on, its events follow from its beginning. It
    only watches: to leave off changes nothing. Epochs of an earlier process are in the dataset
    alone.

    Raises the PixshelfError that the run failed with, and PixshelfError where its process died;
    NotFound; NotReady for a run that no process works on or that left no journal on this machine.
    """
    with open_repository(url) as repo:
        record = repo.runs.get(run_id)
        if not repo.runs.is_held(run_id):
            raise _not_running(record)
        reader = _reader(repo.url, record)
        try:
            silent_since = None
            while True:
                # Asked before reading: what was written before the end is then read for certain.
                held = repo.runs.is_held(run_id)
                for event in reader.events():
                    if isinstance(event, Failed):
                        raise to_error(event)
                    yield event
                    if isinstance(event, Done):
                        return
                    silent_since = None
                if reader.replaced:  # another process has gone on with the run
                    reader.close()
                    reader = _reader(repo.url, record)
                    silent_since = None
                    continue
                now = time.monotonic()
                silent_since = None if held else silent_since or now
                if silent_since is not None and now - silent_since > _GRACE:
                    raise PixshelfError(
                        f"the process of run {run_id} died",
                        hint=f"Go on with it: pixshelf runs resume {run_id}",
                    )
                time.sleep(_POLL)
        finally:
            reader.close()


def stop_run(url: str, run_id: int) -> None:
    """Ask the process that works on a run to stop after its batch, keeping everything. Returns at
    once. Raises NotFound, and NotReady where no process of this machine is seen to work on it."""
    with open_repository(url) as repo:
        record = repo.runs.get(run_id)
        if not repo.runs.is_held(run_id):
            raise _not_running(record)
    pid = record.pid
    if pid is None or not _here(record) or not _is_worker(pid):
        raise NotReady(
            f"run {run_id} is being worked on, but not by a process that can be told from here",
            hint=f"Its process is {pid} on {_host(record) or 'a host that it did not store'}.",
        )
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it has just ended, which is what was asked for
    except PermissionError as error:
        raise NotReady(f"run {run_id} belongs to another user's process, {pid}") from error


def await_end(url: str, run_id: int) -> RunRecord:
    """Wait until no process works on a run, and give it as it is then. Raises NotFound."""
    with open_repository(url) as repo:
        while repo.runs.is_held(run_id):
            time.sleep(_POLL)
        return repo.runs.get(run_id)


def _reader(url: str, record: RunRecord) -> JournalReader:
    path = journal_path(url, record.id)
    deadline = time.monotonic() + _GRACE
    while True:
        try:
            return JournalReader(path)
        except FileNotFoundError as error:
            # It is held for a moment before its journal is begun.
            if time.monotonic() < deadline:
                time.sleep(_POLL)
                continue
            raise NotReady(
                f"run {record.id} has no journal here: another user or machine works on it",
                hint=f"See its epochs with: pixshelf runs show {record.id}",
            ) from error
        except OSError as error:
            raise PixshelfError(f"{path} cannot be read: {error.strerror}") from error


def _not_running(record: RunRecord) -> NotReady:
    if record.status == "running":
        return NotReady(
            f"no process works on run {record.id}: it was interrupted",
            hint=f"Go on with it: pixshelf runs resume {record.id}",
        )
    return NotReady(
        f"run {record.id} is not running: it is {record.status}",
        hint=f"See it with: pixshelf runs show {record.id}",
    )


def _host(record: RunRecord) -> str | None:
    machine = record.settings.get("machine")
    host = machine.get("host") if isinstance(machine, Mapping) else None
    return host if isinstance(host, str) else None


def _here(record: RunRecord) -> bool:
    return _host(record) in {None, platform.node()}


def _is_worker(pid: int) -> bool:
    """Whether a process is one that trains: its id may have gone to another in the meantime."""
    if pid <= 1:
        return False
    facts = Path(f"/proc/{pid}/cmdline")
    try:
        if Path("/proc/self/cmdline").exists():
            words = facts.read_bytes().decode("utf-8", "replace").split("\0")
        else:
            command = ["ps", "-o", "command=", "-p", str(pid)]
            words = subprocess.run(
                command, capture_output=True, check=False, text=True
            ).stdout.split()
    except OSError:
        return False
    return _WORKER in words
