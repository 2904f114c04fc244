"""What a training's weights depend on besides its data and settings: libraries and the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping

from ml.events import Note
from ml.machine import machine
from storage.records import RunRecord

LIBRARIES = ("tensorflow", "keras", "numpy", "ai-edge-litert", "safetensors")


def differences(record: RunRecord) -> list[Note]:
    """What is other than when the run began, and may lead to other weights."""
    now = versions()
    odd = [
        f"{name} {now[name]} (it began with {record.versions[name]})"
        for name in now
        if record.versions.get(name, now[name]) != now[name]
    ]
    before = record.settings.get("machine")
    if isinstance(before, Mapping):
        processor = machine()["processor"]
        if before.get("processor", processor) != processor:
            odd.append(f"the processor {processor} (it began on {before['processor']})")
    if not odd:
        return []
    text = f"the weights may differ from those of a run without a break: {'; '.join(odd)}"
    return [Note("warning", text)]


def versions() -> dict[str, str]:
    """The version of each library that computes, and of Python."""
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return found | {"python": platform.python_version()}


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
