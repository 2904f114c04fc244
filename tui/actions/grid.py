"""Actions of the grid of images."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_MOVE = "Move"
_SELECT = "Select"
_LOOK = "Look"


def _move(name: str, keys: tuple[str, ...], title: str, text: str) -> ActionInfo:
    return ActionInfo(f"grid.{name}", keys, title, text, _MOVE, palette=False)


def _range(name: str, keys: tuple[str, ...], title: str, text: str) -> ActionInfo:
    return ActionInfo(f"grid.{name}", keys, title, text, _SELECT, palette=False)


ACTIONS: tuple[ActionInfo, ...] = (
    _move("left", ("left", "h"), "Left", "Go to the image before."),
    _move("right", ("right", "l"), "Right", "Go to the next image."),
    _move("up", ("up", "k"), "Up", "Go a row up."),
    _move("down", ("down", "j"), "Down", "Go a row down."),
    _move("page-up", ("pageup", "ctrl+b"), "Page up", "Go a page up."),
    _move("page-down", ("pagedown", "ctrl+f"), "Page down", "Go a page down."),
    _move("first", ("home", "ctrl+home"), "First", "Go to the first image."),
    _move("last", ("end", "ctrl+end", "G"), "Last", "Go to the last image."),
    ActionInfo("grid.open", ("enter",), "Open", "Show the image by itself.", _LOOK, footer=True),
    ActionInfo("grid.zoom-in", ("plus", "equals_sign"), "Larger", "Show larger images.", _LOOK),
    ActionInfo("grid.zoom-out", ("minus", "underscore"), "Smaller", "Show more images.", _LOOK),
    ActionInfo(
        "grid.select",
        ("space",),
        "Select",
        "Select the image, or not, and go to the next.",
        _SELECT,
        footer=True,
    ),
    ActionInfo(
        "grid.range",
        ("v",),
        "Range",
        "Begin a range that moving extends; again to end it.",
        _SELECT,
    ),
    _range("extend-left", ("shift+left",), "Extend left", "Select up to the image before."),
    _range("extend-right", ("shift+right",), "Extend right", "Select up to the next image."),
    _range("extend-up", ("shift+up",), "Extend up", "Select a row up."),
    _range("extend-down", ("shift+down",), "Extend down", "Select a row down."),
    _range("extend-page-up", ("shift+pageup",), "Extend a page up", "Select a page up."),
    _range("extend-page-down", ("shift+pagedown",), "Extend a page down", "Select a page down."),
    _range("extend-first", ("shift+home",), "Extend to the first", "Select up to the first image."),
    _range("extend-last", ("shift+end",), "Extend to the last", "Select up to the last image."),
    ActionInfo("grid.all", ("ctrl+a",), "Select all", "Select every image of the query.", _SELECT),
    ActionInfo(
        "grid.invert",
        ("asterisk",),
        "Invert",
        "Select what is not selected, and the other way round.",
        _SELECT,
    ),
    ActionInfo("grid.clear", ("escape",), "Clear selection", "Select nothing.", _SELECT),
)
