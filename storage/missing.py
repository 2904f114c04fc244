"""What to raise for what is not there, or not there any more: the same words for every backend."""

from __future__ import annotations

from storage.deeds import Table
from storage.errors import NotFound, NotReady


def no_image(image_id: int) -> NotFound:
    """For an image that is gone."""
    return NotFound(f"there is no image {image_id}", hint="See 'pixshelf ls'.")


def no_image_to_edit(image_id: int) -> NotFound:
    """For an edit of images of which one is gone."""
    return NotFound(f"there is no image {image_id}", hint="Nothing was changed. See 'pixshelf ls'.")


def no_name(table: Table, name: str) -> NotFound:
    """For a label or a tag that nothing has."""
    return NotFound(f"there is no {table} '{name}'", hint=f"See 'pixshelf {table}s ls'.")


def no_action(action_id: int) -> NotFound:
    """For an action that is not in the history."""
    return NotFound(f"there is no action {action_id}", hint="See 'pixshelf history'.")


def no_predictions() -> NotReady:
    """For a query about answers where no model has given any."""
    return NotReady(
        "the query asks for predictions, and no model has made any yet",
        hint="'pixshelf eval' and 'pixshelf predict --save' store predictions.",
    )


def no_measures() -> NotReady:
    """For a query about looks where no image was measured."""
    return NotReady(
        "the query asks how images look, and none has been measured yet",
        hint="'pixshelf problems' measures them.",
    )
