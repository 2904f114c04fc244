"""The optional parts of the program: the packages of each, and the command that installs them into
the very environment that runs."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec

PACKAGES = {
    "onnx": ("onnx>=1.19", "tf2onnx>=1.17"),
    "postgres": ("psycopg[binary,pool]>=3.2.4",),
    "serve": (
        "httptools>=0.6.4",
        "python-multipart>=0.0.20",
        "starlette>=1.0",
        "uvicorn>=0.35",
        "uvloop>=0.21",
    ),
}
"""By the extra's name, as the distribution declares them."""


def install_hint(extra: str) -> str:
    """The hint of an error that an extra's package is not installed."""
    python = sys.executable or "python3"
    # An environment that uv made has no pip of its own.
    by = [python, "-m", "pip", "install"]
    if find_spec("pip") is None:
        by = ["uv", "pip", "install", "--python", python]
    return f"Install it: {shlex.join([*by, *PACKAGES[extra]])}"
