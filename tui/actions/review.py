"""Actions of the review. Beside them are those of labelling; digits stay free for labels."""

from __future__ import annotations

from tui.actions.info import ActionInfo

_DECIDE = "Decide"
_MOVE = "Go on"
_QUEUE = "Queue"

ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "review.accept",
        ("f",),
        "Accept",
        "Follow the suggestion, and go on. Of copies the one under the cursor stays.",
        _DECIDE,
        footer=True,
        command="review QUEUE id:ID --accept",
    ),
    ActionInfo(
        "review.keep",
        ("d",),
        "Keep",
        "Don't: leave it as it is, tag it 'reviewed', and go on.",
        _DECIDE,
        footer=True,
        command="tag add reviewed IMAGES",
    ),
    ActionInfo(
        "review.accept-page",
        ("F",),
        "Accept page",
        "Follow every suggestion of the page of many.",
        _DECIDE,
        command="review QUEUE id:IDS --accept",
    ),
    ActionInfo(
        "review.keep-page",
        ("D",),
        "Keep page",
        "Leave every image of the page of many as it is.",
        _DECIDE,
        command="tag add reviewed IMAGES",
    ),
    ActionInfo(
        "review.undo",
        ("u", "ctrl+z"),
        "Undo",
        "Take the latest decision back, whole, and go back to it.",
        _DECIDE,
        footer=True,
        command="undo",
    ),
    ActionInfo(
        "review.redo",
        ("ctrl+y", "U"),
        "Redo",
        "Decide again what was undone last.",
        _DECIDE,
        command="redo",
    ),
    ActionInfo(
        "review.skip",
        ("n", "right", "l", "j", "down"),
        "Skip",
        "Go on without a decision; it comes again at the end.",
        _MOVE,
        footer=True,
    ),
    ActionInfo(
        "review.back",
        ("p", "left", "h", "k", "up"),
        "Back",
        "Go to the one before.",
        _MOVE,
    ),
    ActionInfo(
        "review.many",
        ("m",),
        "One/many",
        "Show a page of small pictures, or one by itself.",
        _MOVE,
        footer=True,
    ),
    ActionInfo("review.open", ("enter",), "Open", "Show the image with all its facts.", _MOVE),
    ActionInfo("review.queue", ("w",), "Queues", "Choose what to review.", _QUEUE, footer=True),
    ActionInfo(
        "review.model",
        ("M",),
        "Model",
        "Choose whose answers are meant; two for the disagreement.",
        _QUEUE,
        command="review QUEUE --model MODEL",
    ),
    ActionInfo(
        "review.order",
        ("o",),
        "Order",
        "Choose what makes an unlabelled image doubtful: confidence, margin or entropy.",
        _QUEUE,
        command="review unlabelled --by ORDER",
    ),
    ActionInfo(
        "review.narrow",
        ("slash",),
        "Narrow",
        "Review only the images of a query.",
        _QUEUE,
        command="review QUEUE QUERY",
    ),
    ActionInfo(
        "review.fill",
        ("c",),
        "Predict",
        "Predict, or measure, what the queue lacks; again to stop.",
        _QUEUE,
        command="predict --query QUERY --save",
    ),
    ActionInfo(
        "review.leave",
        ("escape",),
        "Back out",
        "From the queues to the image, from many to one, and from a narrowed queue to all of it.",
        _QUEUE,
        palette=False,
    ),
)
