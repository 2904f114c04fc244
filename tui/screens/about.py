"""About: versions, paths, the dataset and the terminal, as `pixshelf doctor` reports them."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.actions import bindings_of
from tui.frame.changes import Change
from tui.frame.section import Section
from tui.plain.facts import colours, dataset_lines, log_folder, program_facts, program_lines
from tui.plain.text import printable
from tui.settings import TuiSettings
from tui.training.plan import wrapped

_LEFT = 22
"""Cells for the names."""

_BESIDE = 3
"""Cells beside the facts: the padding and the scroll bar."""

Group = tuple[str, list[tuple[str, str]]]


class AboutScreen(Section):
    """One fact a line."""

    NAME = "about"
    BINDINGS: ClassVar = bindings_of("about")
    AUTO_FOCUS = "VerticalScroll"
    DEFAULT_CSS = "AboutScreen VerticalScroll { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._groups: list[Group] = []
        self._is_stale = False

    def body(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="facts")

    def on_mount(self) -> None:
        self.pixshelf.changes.subscribe(self, self.on_change)
        self.refresh_data()

    def on_change(self, change: Change) -> None:
        """Read anew, when this is seen."""
        if change.what == "edit":
            return
        if self.is_current:
            self.refresh_data()
        else:
            self._is_stale = True

    def on_screen_resume(self) -> None:
        if self._is_stale:
            self.refresh_data()

    def refresh_data(self) -> None:
        """Gather everything anew."""
        self._is_stale = False
        self.start(self._gather(), group="facts")

    async def _gather(self) -> None:
        app = self.pixshelf
        program = await asyncio.to_thread(program_facts)
        depth = await asyncio.to_thread(colours)
        size = app.size
        config = str(app.config_path) if app.config_path is not None else "none"
        written = app.config_path is not None and app.config_path.is_file()
        self._groups = [
            ("Program", program_lines(program)),
            (
                "Terminal",
                [
                    ("colours", depth + (" (NO_COLOR is set)" if app.no_color else "")),
                    ("size", f"{size.width} x {size.height}"),
                    ("pictures", _pictures(app.settings, no_colour=app.no_color)),
                    ("theme", app.theme),
                ],
            ),
            (
                "Places",
                [
                    ("config", config if written else f"{config} (not there: defaults)"),
                    ("logs of defects", str(log_folder())),
                ],
            ),
        ]
        self._show()
        info = await app.dataset.survey(lambda repo: repo.info())
        self._groups.insert(0, ("Dataset", dataset_lines(info)))
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        cells = self.size.width - _BESIDE
        self.query_one("#facts", Static).update(facts_text(self._groups, cells))

    def action_copy(self) -> None:
        """Copy all facts as plain text."""
        self.app.copy_to_clipboard(facts_text(self._groups).plain)
        self.notify("the facts are in the clipboard", title="Copied", markup=False)

    def commands(self) -> list[tuple[str, str]]:
        return [
            ("print these facts", self.pixshelf.command_line("doctor")),
            ("describe the dataset", self.pixshelf.command_line("db", "info")),
            ("check the dataset", self.pixshelf.command_line("db", "check")),
        ]


def _pictures(settings: TuiSettings, *, no_colour: bool) -> str:
    from tui.picture.terminal_pictures import canvas_of

    canvas = canvas_of(settings.pictures, no_colour=no_colour)
    drawn = "half-blocks" if canvas is None else canvas.protocol
    return drawn if settings.pictures == drawn else f"{drawn} (the setting is {settings.pictures})"


def facts_text(groups: list[Group], cells: int | None = None) -> Content:
    """The facts under their headings, each on a line. In lines of at most `cells` cells, a long
    one goes on under its beginning."""
    lines: list[Content] = []
    for heading, facts in groups:
        lines.append(Content.styled(heading, "bold $text-accent"))
        for name, text in facts:
            whole = printable(text)
            parts = [whole] if cells is None else wrapped(whole, max(20, cells - _LEFT - 1))
            for at, part in enumerate(parts):
                head = "" if at else printable(name)
                lines.append(Content.assemble((f"{head:<{_LEFT}} ", "$text-muted"), part))
        lines.append(Content(""))
    return Content("\n").join(lines[:-1])
