"""Actions of the single image's screen."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_GO = "Images"
_LOOK = "Look"
_MODEL = "Model"

ACTIONS = (
    ActionInfo("image.next", ("n", "j"), "Next", "Show the next image.", _GO, footer=True),
    ActionInfo("image.previous", ("p", "k"), "Previous", "Show the image before.", _GO),
    ActionInfo(
        "image.right",
        ("right", "l"),
        "Right",
        "The next image; where a part is out of sight, a step to the right.",
        _LOOK,
        palette=False,
    ),
    ActionInfo(
        "image.left",
        ("left", "h"),
        "Left",
        "The image before; where a part is out of sight, a step to the left.",
        _LOOK,
        palette=False,
    ),
    ActionInfo(
        "image.down",
        ("down",),
        "Down",
        "Further down in the facts; where a part is out of sight, in the picture.",
        _LOOK,
        palette=False,
    ),
    ActionInfo(
        "image.up",
        ("up",),
        "Up",
        "Further up in the facts; where a part is out of sight, in the picture.",
        _LOOK,
        palette=False,
    ),
    ActionInfo("image.first", ("home",), "First", "Show the first image.", _GO),
    ActionInfo("image.last", ("end",), "Last", "Show the last image.", _GO),
    ActionInfo(
        "image.zoom-in",
        ("plus", "equals_sign"),
        "Zoom in",
        "Show the picture larger.",
        _LOOK,
        footer=True,
    ),
    ActionInfo(
        "image.zoom-out", ("minus", "underscore"), "Zoom out", "Show the picture smaller.", _LOOK
    ),
    ActionInfo("image.fit", ("f",), "Fit", "Show the whole picture, as large as it goes.", _LOOK),
    ActionInfo(
        "image.actual", ("z",), "Actual size", "Show each pixel of the picture as one.", _LOOK
    ),
    ActionInfo(
        "image.pan-right", ("shift+right", "ctrl+right"), "Pan right", "Look further right.", _LOOK
    ),
    ActionInfo(
        "image.pan-left", ("shift+left", "ctrl+left"), "Pan left", "Look further left.", _LOOK
    ),
    ActionInfo(
        "image.pan-down", ("shift+down", "ctrl+down"), "Pan down", "Look further down.", _LOOK
    ),
    ActionInfo("image.pan-up", ("shift+up", "ctrl+up"), "Pan up", "Look further up.", _LOOK),
    ActionInfo("image.facts", ("i",), "Facts", "Show or hide what is known of the image.", _LOOK),
    ActionInfo(
        "image.facts-down", ("pagedown",), "Facts down", "The next page of the facts.", _LOOK
    ),
    ActionInfo("image.facts-up", ("pageup",), "Facts up", "The page before.", _LOOK),
    ActionInfo(
        "image.explain",
        ("e",),
        "Explain",
        "Show what the model's answer hangs on, brighter where it does; again shows the picture.",
        _MODEL,
        footer=True,
        command="predict --query id:ID --explain --model MODEL",
    ),
    ActionInfo(
        "image.classify",
        ("c",),
        "Classify",
        "Ask the model what is in the image, and keep the answer.",
        _MODEL,
        footer=True,
        command="predict --query id:ID --save --model MODEL",
    ),
    ActionInfo(
        "image.model",
        ("m",),
        "Model",
        "Choose the model that classifies and is explained; the newest to begin with.",
        _MODEL,
    ),
    ActionInfo(
        "image.back",
        ("escape",),
        "Back",
        "Go back to where the image was opened.",
        _GO,
        footer=True,
    ),
)
