"""A dialog to pick files and folders from a tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text, TextType
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DirectoryTree, Static
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from tui.frame.modal import Dialog
from tui.plain.text import printable

PICTURES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp"),
        *(".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm"),
    )
)
SOURCES = PICTURES | frozenset(
    (
        *(".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz"),
        *(".npz", ".csv", ".tsv", ".jsonl", ".ndjson", ".idx"),
    )
)
MOST_LISTED = 2_000
"""So many entries of one folder are listed."""


class PickerTree(DirectoryTree):
    """Folders, and the files whose names end as asked; marked ones have a star."""

    BINDINGS: ClassVar = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    def __init__(self, path: str, endings: frozenset[str]) -> None:
        self._endings = endings
        self.marked: dict[str, None] = {}
        super().__init__(path)

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Leaves out what is hidden and what is no file of the kind asked for."""
        wanted = (
            path
            for path in paths
            if not path.name.startswith(".")
            and (path.suffix.lower() in self._endings or self._safe_is_dir(path) or _is_idx(path))
        )
        return islice(wanted, MOST_LISTED)

    def process_label(self, label: TextType) -> Text:
        """A name from disk may hold anything; it is never read as markup."""
        return Text(printable(label if isinstance(label, str) else label.plain), no_wrap=True)

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        """Plain letters in place of pictograms, which many terminals do not have."""
        is_marked = node.data is not None and str(node.data.path) in self.marked
        sign = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        label = node.label if isinstance(node.label, Text) else Text(str(node.label))
        return Text.assemble(("* " if is_marked else "") + sign, (label.plain, style))


class FilePicker(Dialog[list[str] | None]):
    """Gives the paths that were picked; None for Escape. Enter picks a file, or opens a folder."""

    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "Cancel"),
        Binding("space", "mark", "Mark", priority=True),
        Binding("p", "pick", "Pick"),
        Binding("backspace,minus", "up", "Parent"),
        Binding("tilde", "home", "Home"),
    ]
    DEFAULT_CSS = """
    FilePicker .dialog { width: 90%; height: 90%; }
    FilePicker PickerTree { height: 1fr; background: $surface; padding: 0; }
    FilePicker #hint { height: auto; }
    """

    def __init__(self, endings: frozenset[str], *, start: str | None = None) -> None:
        super().__init__()
        self._endings = endings
        self._start = str(Path(start or os.getcwd()).absolute())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Pick files or folders"
            yield PickerTree(self._start, self._endings)
            yield Static(
                Content(
                    "enter opens a folder or picks a file · p picks what is under the cursor, with "
                    "what is marked · space marks · backspace parent folder · ~ home"
                ),
                id="hint",
                classes="hint",
            )

    @property
    def _files(self) -> PickerTree:
        return self.query_one(PickerTree)

    def on_directory_tree_file_selected(self) -> None:
        self.action_pick()

    def action_mark(self) -> None:
        """Mark the file or folder under the cursor, or unmark it, and go on."""
        path = self._current()
        if path is not None:
            if path in self._files.marked:
                del self._files.marked[path]
            else:
                self._files.marked[path] = None
            self._files.action_cursor_down()
            self._files.refresh()
            self.query_one(".dialog").border_subtitle = f"{len(self._files.marked):,} marked"

    def action_pick(self) -> None:
        """Give what is marked, or what is under the cursor where nothing is."""
        marked = list(self._files.marked)
        path = self._current()
        if marked or path is not None:
            self.dismiss(marked or [str(path)])

    def action_up(self) -> None:
        """Show the folder around the one that is shown."""
        self._files.path = Path(self._files.path).absolute().parent

    def action_home(self) -> None:
        """Show the home folder."""
        self._files.path = Path.home()

    def action_cancel(self) -> None:
        self.dismiss(None)

    def _current(self) -> str | None:
        node = self._files.cursor_node
        return None if node is None or node.data is None else str(node.data.path)


def _is_idx(path: Path) -> bool:
    return path.name.endswith(("-ubyte", "-ubyte.gz"))
