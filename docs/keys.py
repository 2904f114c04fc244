"""Write the keys of docs/app.md anew, from the app's own actions: `python -m docs.keys`, in the
repository's root. A test holds that they are as the app has them."""

from __future__ import annotations

import re
from pathlib import Path

from tui.actions import SECTIONS, actions_of
from tui.actions.info import ActionInfo
from tui.keys.keymap import shown

PAGE = Path(__file__).with_name("app.md")
_PLACE = re.compile(r"(<!-- keys: .*? -->\n).*?(<!-- end of the keys -->)", re.DOTALL)

TITLES = {
    "app": "Everywhere",
    "grid": "Images in a grid",
    "labelling": "Labelling: library, image and review",
    "library": "Library (F2)",
    "facets": "The library's panel of filters",
    "query": "The query line",
    "image": "One image",
    "classify": "Classify (F3)",
    "train": "Train (F4)",
    "evaluate": "Evaluate (F5)",
    "matrix": "The confusion matrix",
    "compare": "Compare",
    "review": "Review (F6)",
    "runs": "Runs and models (F7)",
    "history": "History (F8)",
    "importing": "Import (F9)",
    "settings": "Settings (F10)",
    "about": "About",
}
"""The headings of the registry's sections, in the page's order."""


def tables() -> str:
    """A table of keys for each section that has actions, in Markdown."""
    parts = []
    for section in (*TITLES, *(each for each in SECTIONS if each not in TITLES)):
        infos = actions_of(section)
        if infos:
            rows = "\n".join(map(_row, infos))
            title = TITLES.get(section, section.capitalize())
            parts.append(f"### {title}\n\n| keys | | | id |\n| --- | --- | --- | --- |\n{rows}\n")
    return "\n".join(parts)


def _row(info: ActionInfo) -> str:
    keys = " ".join(f"`{_cell(shown(key))}`" for key in info.keys)
    does = info.help
    if info.command is not None:
        does += f" `pixshelf {info.command}`"
    return f"| {keys} | {_cell(info.title)} | {_cell(does)} | `{info.id}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def renewed(page: str) -> str:
    """The page with the keys as they are now. Raises ValueError where it has no place for them."""
    if not _PLACE.search(page):
        raise ValueError("the page has no place for the keys")
    return _PLACE.sub(lambda found: f"{found[1]}\n{tables()}\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
