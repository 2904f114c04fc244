"""The library's panel of filters: when it is shown, what is chosen in it, and saved queries."""

from __future__ import annotations

from dataclasses import replace

from textual import events

from storage.errors import PixshelfError
from tui.grid.widget import ImageGrid
from tui.labels.labelling import Labelling
from tui.library.facet_panel import FacetPanel
from tui.library.query_words import toggled

ROOMY = 100
"""Columns from which on the panel is shown by itself."""


class LibraryFilters(Labelling):
    """A screen with a grid and a panel that filters it. A subclass asks the query."""

    query_text = ""
    """The query whose images are shown."""
    _panel_chosen: bool | None = None

    def ask(self, query: str, *, keep: bool = False) -> None:
        """Show the images that match; with `keep` the cursor stays on its image."""
        raise NotImplementedError

    @property
    def grid(self) -> ImageGrid:
        """The grid."""
        return self.query_one(ImageGrid)

    @property
    def panel(self) -> FacetPanel:
        """The panel of filters."""
        return self.query_one(FacetPanel)

    # --- showing it

    def on_resize(self, event: events.Resize) -> None:
        """Show the panel where there is room, unless the user said otherwise."""
        if self._panel_chosen is None:
            self._show_panel(event.size.width >= ROOMY)

    def _show_panel(self, shown: bool) -> None:
        panel = self.panel
        if not shown and self.focused is panel:
            self.grid.focus()
        panel.display = shown
        if shown:
            panel.wake()

    def action_panel(self) -> None:
        """Show the panel, or hide it."""
        self._panel_chosen = not self.panel.display
        self._show_panel(self._panel_chosen)

    def action_facets(self) -> None:
        """Go to the panel, and show it if need be."""
        if not self.panel.display:
            self._show_panel(True)
        self.panel.focus()

    def on_facet_panel_left(self) -> None:
        """Back to the images; a panel that was shown for the moment goes."""
        self.grid.focus()
        if self._panel_chosen is None:
            self._show_panel(self.size.width >= ROOMY)

    # --- what is chosen in it

    def on_facet_panel_picked(self, event: FacetPanel.Picked) -> None:
        """Filter by a value, or no longer."""
        facet = event.facet
        text = facet.value
        if facet.field != "saved":
            text = toggled(self.query_text, facet.field, facet.value, out=event.out)
        self.ask(text)

    def on_facet_panel_removed(self, event: FacetPanel.Removed) -> None:
        """Forget a saved query."""
        settings = self.pixshelf.settings
        queries = {name: text for name, text in settings.queries.items() if name != event.name}
        self.pixshelf.save_settings(replace(settings, queries=queries))

    def action_save_query(self) -> None:
        """Ask for a name and keep the query under it."""
        from tui.frame.dialogs import Prompt

        text = self.query_text
        if not text:
            self.notify("every image is shown: there is no query to save", severity="warning")
            return

        def answered(name: str | None) -> None:
            if name is not None:
                settings = self.pixshelf.settings
                queries = {**settings.queries, name.strip(): text}
                self.pixshelf.save_settings(replace(settings, queries=queries))
                self.notify("saved; the panel has it (tab)")

        check = self._wrong_name
        self.app.push_screen(Prompt("Save the query as", placeholder=text, check=check), answered)

    def _wrong_name(self, name: str) -> str:
        from storage.labels import clean_label
        from tui.settings import MOST_ENTRIES

        queries = self.pixshelf.settings.queries
        if name.strip() not in queries and len(queries) >= MOST_ENTRIES:
            return f"{MOST_ENTRIES} queries are saved; remove one first"
        try:
            clean_label(name)
        except PixshelfError as error:
            return error.message.replace("label", "name")
        return ""
