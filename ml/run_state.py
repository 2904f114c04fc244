"""How a run stands: what its record says, unless its process died without a word."""

from __future__ import annotations

from typing import Literal

from storage.records import RunRecord
from storage.repository import Repository

RunState = Literal["running", "interrupted", "done", "stopped", "failed"]

RESUMABLE: tuple[RunState, ...] = ("interrupted", "stopped", "failed")
"""The states that a run can be gone on with from."""


def run_state(repo: Repository, record: RunRecord) -> RunState:
    """The record's status; 'interrupted' for one that is 'running' and that no process works on,
    because it was killed or the machine stopped."""
    if record.status == "running" and not repo.runs.is_held(record.id):
        # It may have ended, and been given back, since the record was read.
        status = repo.runs.get(record.id).status
        return "interrupted" if status == "running" else status
    return record.status
