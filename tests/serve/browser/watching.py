"""What a page must never do, watched from its first request to its last."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page, Request

_REFUSED = "Failed to load resource"
"""How Chromium tells of an answer of 400 and above."""


class Watched:
    """A page's requests, and what it complains of."""

    def __init__(self, page: Page, url: str, *, refused: bool) -> None:
        self._own = url.split("/", 3)[2]
        self._refused = refused
        self._complaints: list[str] = []
        self._elsewhere: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        expected = self._refused and message.text.startswith(_REFUSED)
        if message.type in ("error", "warning") and not expected:
            self._complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        inside = request.url.startswith(("blob:", "data:"))
        if not inside and request.url.split("/", 3)[2] != self._own:
            self._elsewhere.append(request.url)

    def check(self) -> None:
        """No error, no warning, no breach of the policy, no request to another server."""
        assert not self._complaints, self._complaints
        assert not self._elsewhere, self._elsewhere
