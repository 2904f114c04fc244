"""HTML and SVG as values: whatever is not Markup is text, and text is escaped when it is put in.

So a label, a file name or a setting can never become markup, by construction rather than by care.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

_VOID = frozenset({"br", "img", "meta"})


class Markup(str):
    """Text that is HTML or SVG already."""

    __slots__ = ()


Child = Markup | str | int | None
Attribute = str | int | float | None


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: Attribute) -> Markup:
    """An element. Children may be lists; None is left out, as a child and as an attribute. An
    attribute's trailing '_' is dropped (`class_`), other ones become '-' (`stroke_width`)."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(_clean(shown))}"')
    opening = f"<{' '.join(parts)}>"
    return Markup(opening if name in _VOID else f"{opening}{join(children)}</{name}>")


def join(children: Iterable[Child | Iterable[Child]]) -> Markup:
    """One after the other, text escaped."""
    return Markup("".join(_inner(child) for child in children))


def data_uri(kind: str, data: bytes) -> str:
    """The bytes as an address that holds them; `kind` is their media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _inner(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int):
        return escape(_clean(str(child)))
    return join(child)


def _clean(text: str) -> str:
    """Without controls, marks of direction and halves of characters, which could change how what
    stands beside them is read."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
