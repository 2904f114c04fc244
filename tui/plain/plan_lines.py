"""What is about to be trained, as lines of text: from a TrainPlan, before anything is started."""

from __future__ import annotations

from ml.costs import START
from ml.pixels import InputSpec
from ml.plan import TrainPlan
from tui.plain.text import in_columns, plural, printable, width

MOST_LABELS = 12
"""With more labels than this their counts are told by the extremes."""

_WIDE = 79
"""A table of labels that is wider than this is turned on its side."""

FITTED = {"letterbox": "letterboxed", "stretch": "stretched", "crop": "cropped"}


def plan_lines(plan: TrainPlan) -> list[str]:
    """The images by label and split, the input, the network, how long, and what to look out for."""
    return [
        *_images(plan),
        f"input: {input_line(plan)}",
        f"network: {network_line(plan)}",
        f"training: {length_line(plan)}, batch {plan.recipe.batch}, augmentation "
        f"{plan.recipe.augment}, {weights_words(plan)}seed {plan.settings.seed}",
        f"time: {time_line(plan)}",
        *(
            f"{'warning: ' if remark.level == 'warning' else ''}{remark.text}"
            for remark in plan.notes
        ),
    ]


def _images(plan: TrainPlan) -> list[str]:
    test = f"; {plural(plan.test, 'test image')} left for later" if plan.test else ""
    title = (
        f"{plan.name}: {plural(len(plan.train), 'image')} to train on, "
        f"{len(plan.val):,} to validate{test}"
    )
    if len(plan.labels) > MOST_LABELS:
        least = min(plan.counts, key=lambda count: count.train)
        most = max(plan.counts, key=lambda count: count.train)
        return [
            title,
            f"{len(plan.labels):,} labels, from {least.train:,} training images ({least.label}) to "
            f"{most.train:,} ({most.label})",
        ]
    rows = [(printable(count.label), f"{count.train:,}", f"{count.val:,}") for count in plan.counts]
    names, train, val = zip(*rows, strict=True)
    right = [False] + [True] * len(rows)
    table = in_columns(["label", *names], [["train", *train], ["val", *val]], right=right)
    if max(width(line) for line in table) > _WIDE:
        table = in_columns(["label", "train", "val"], rows, right=[False, True, True])
    return [title, *table]


def network_words(parameters: int, members: int) -> str:
    """A network's size, or that of several alike; `parameters` are those of all."""
    each = f"{parameters // members:,} parameters"
    return each if members == 1 else f"{members} networks of {each} each"


def input_words(spec: InputSpec) -> str:
    """The size and kind of the pictures that a network takes."""
    return f"{spec.width}x{spec.height} {'grey' if spec.channels == 1 else 'colour'}"


def input_line(plan: TrainPlan) -> str:
    """What the network takes, and what has to be done to the pictures for it."""
    spec = plan.input
    kind = input_words(spec)
    if plan.smallest == plan.largest == (spec.width, spec.height):
        return f"{kind}, as the pictures are"
    sizes = [f"{wide}x{high}" for wide, high in (plan.smallest, plan.largest)]
    return f"{kind}, {FITTED[spec.resize]} from {'..'.join(dict.fromkeys(sizes))}"


def network_line(plan: TrainPlan) -> str:
    """The network's size, and the model that it starts from."""
    start = "" if plan.initial is None else f", started from model {plan.initial}"
    return network_words(plan.parameters, plan.recipe.members) + start


def length_line(plan: TrainPlan) -> str:
    """How long it trains, in epochs and steps."""
    recipe = plan.recipe
    if plan.settings.minutes is not None:
        return "as many steps as the time allows"
    if recipe.steps == recipe.epochs * plan.steps_per_epoch:
        return f"{plural(recipe.epochs, 'epoch')} of {plural(plan.steps_per_epoch, 'step')}"
    epochs = recipe.steps / plan.steps_per_epoch
    return f"{plural(recipe.steps, 'step')} ({epochs:.1f} epochs)"


def weights_words(plan: TrainPlan) -> str:
    """'labels weighted 0.50..2.00, ', or nothing where all images count alike."""
    if plan.class_weights is None:
        return ""
    least, most = min(plan.class_weights), max(plan.class_weights)
    return f"labels weighted {least:.2f}..{most:.2f}, "


def time_line(plan: TrainPlan) -> str:
    """The time that it is expected to take, and by what."""
    if plan.settings.minutes is not None:
        return f"a budget of {plan.settings.minutes:g} min"
    about, run = _about(plan.expected.seconds), plan.expected.run
    starting = ", most of it for TensorFlow to start" * (plan.expected.seconds < 2 * START)
    if run is not None:
        return f"{about}{starting}, going by run {run}"
    return f"{about} without a graphics card{starting}, going by the size of the network"


def _about(seconds: float) -> str:
    """Only as exact as an expectation can be."""
    if seconds < 90:
        return f"about {max(1, round(seconds / 5)) * 5} s"
    return (
        f"about {round(seconds / 60)} min" if seconds < 5_400 else f"about {seconds / 3600:.1f} h"
    )
