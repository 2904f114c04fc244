"""Option values that need no conversion are taken as they are.

Typer 0.29 converts every value, text to text and a default number to itself included, with
pydantic, whose import takes longer than a whole `pixshelf ls`. Here each parameter is given a
converter that passes on what has its type already and asks for Typer's own only for the rest. A
Typer that keeps no such converter is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PLAIN = (str, int, float, bool)


class AsGiven:
    """Takes the place of a parameter's own converter until that one is needed."""

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the parameter's type; raises what Typer raises for one that is not."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if self._annotation in PLAIN and type(value) is self._annotation:
            return value
        if self._annotation == list[str] and isinstance(value, list | tuple):
            return list(value)
        # With nothing in its place Typer makes its own.
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def convert_lightly(params: Iterable[Any]) -> None:
    """Give each parameter the light converter, unless it has one already."""
    for param in params:
        if getattr(param, "_runtime_param", param) is None:
            param._runtime_param = AsGiven(param.type_descriptor.annotation)
