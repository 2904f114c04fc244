"""What the commands that edit have in common: which images, whether they are there, and what is
said of an action when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from cli.output import line, note, write_json
from cli.selection import chosen_ids, query_text
from cli.session import Session
from cli.text import nearest
from storage.errors import NotFound, UsageError

if TYPE_CHECKING:
    from storage.records import Action
    from storage.repository import Repository

NOTHING_DONE = 0
"""The id of an action that did not need to be recorded."""


@cache
def actor() -> str:
    """Who the history names for what is done on this command line."""
    from storage.actors import actor_of

    return actor_of("cli")


def images_named(repo: Repository, words: Sequence[str], *, check: bool) -> list[int]:
    """The images that the words name. `check` looks whether those named by id are there, for a
    dry run (an edit looks itself). Raises UsageError for words that are blank, which as a query
    would mean every image; QueryError; NotFound."""
    if not query_text(words).strip():
        raise UsageError("no images are named", hint="ids, a query, or -; every image is 'id>0'")
    ids = chosen_ids(repo, words)
    if check and (words[0] == "-" or words[0].replace(",", "").isdecimal()):
        for image_id in ids:
            repo.images.get(image_id)
    return ids


def known_name(noun: str, name: str, counts: Mapping[str, int]) -> int:
    """How many images have the label or tag. Raises NotFound, with the nearest name there is."""
    if name not in counts:
        match = nearest(name, counts)
        raise NotFound(
            f"there is no {noun} '{name}'",
            hint=f"did you mean '{match}'?" if match else f"see `pixshelf {noun}s ls`",
        )
    return counts[name]


def write_edit(
    state: Session,
    facts: Mapping[str, Any],
    text: str,
    *,
    images: int,
    action: Action | None,
    json: bool,
) -> None:
    """Print what an edit did, or, where `action` is None, would do. `facts` are the first keys of
    the JSON object; `text` is the sentence for people."""
    done = action is not None and action.id != NOTHING_DONE
    if json:
        write_json(
            {
                **facts,
                "images": images,
                "changed": None if action is None else action.images,
                "action": action.id if action is not None and done else None,
                "dry_run": action is None,
            }
        )
        return
    line(text if action is None else f"{text}, {action.images:,} changed")
    if done:
        note("pixshelf undo takes it back", quiet=state.quiet)
