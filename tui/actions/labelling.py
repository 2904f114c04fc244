"""Actions on the images that are meant, in every screen where images get labels."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GROUP = "Labelling"

ACTIONS = (
    ActionInfo(
        "labelling.label",
        ("a",),
        "Label",
        "Give the selection, or the image under the cursor, a label by typing a part of it.",
        _GROUP,
        footer=True,
        command="label IMAGES LABEL",
    ),
    ActionInfo(
        "labelling.tag",
        ("t",),
        "Tag",
        "Put a tag on the images, or take it off where all of them have it.",
        _GROUP,
        command="tag add TAG IMAGES",
    ),
    ActionInfo(
        "labelling.split",
        ("s",),
        "Split",
        "Put the images into train, val or test, or into none.",
        _GROUP,
        command="split QUERY --to SPLIT",
    ),
    ActionInfo(
        "labelling.clear-label",
        ("delete", "backspace"),
        "Clear label",
        "Take the images' label away.",
        _GROUP,
        command="label --clear IMAGES",
    ),
    ActionInfo(
        "labelling.trash",
        ("X",),
        "Trash",
        "Put the images into the trash, from where they can come back.",
        _GROUP,
        command="rm IMAGES",
    ),
    ActionInfo(
        "labelling.restore",
        ("R",),
        "Restore",
        "Take the images out of the trash.",
        _GROUP,
        command="restore IMAGES",
    ),
    ActionInfo(
        "labelling.label-key",
        ("K",),
        "Label key",
        "Give a label another key.",
        _GROUP,
    ),
)
