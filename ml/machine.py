"""What a machine is, as far as the time and the exact figures of a training depend on it."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path


@cache
def machine() -> dict[str, str]:
    """The host's name, its processor and how many cores there are, as plain JSON values."""
    return {
        "host": platform.node(),
        "processor": _processor(),
        "cores": str(os.cpu_count() or 1),
    }


def _processor() -> str:
    """The processor's own name where the system tells it, else its kind, such as 'arm64'."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
