"""The door described for programs: OpenAPI 3.1, as data."""

from __future__ import annotations

from typing import Any

from cli.serve.settings import ServeSettings


def description(settings: ServeSettings) -> dict[str, Any]:
    """The description of a door with these settings."""
    return {"openapi": "3.1.0", "info": {"title": "pixshelf", "version": "1"}, "paths": {}}
