"""The program's own version, as every floor says it."""

from __future__ import annotations

from storage.version import version, version_line

__all__ = ["version", "version_line"]
