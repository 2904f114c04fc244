"""The question on which images a model is judged, and the end of judging before it is done."""

from __future__ import annotations

from tui.evaluation.evaluations import PREFERRED, wrong_choice
from tui.frame.dialogs import Choice
from tui.frame.section import Section


class Stopped(Exception):
    """The user stopped it, or went back, while answers were being predicted."""


async def ask_images(section: Section, title: str) -> str | None:
    """The split or query that the user names; None where there is none, or a wrong one, which is
    told."""
    answer = await section.app.push_screen_wait(Choice(title, PREFERRED, new="the images of"))
    wrong = "" if answer is None else wrong_choice(answer)
    if wrong:
        section.notify(wrong, severity="warning", markup=False)
        return None
    return answer
