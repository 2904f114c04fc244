"""What is about to be trained, as lines of text."""

from __future__ import annotations

from cli.text import plural
from ml.plan import TrainPlan


def plan_lines(plan: TrainPlan) -> list[str]:
    """What is about to be trained, in a few lines."""
    recipe, spec = plan.recipe, plan.input
    labels = ", ".join(plan.labels[:10]) + (" …" if len(plan.labels) > 10 else "")
    held = " (held out of train for this run)" if plan.held_out else ""
    colour = "grey" if spec.channels == 1 else "colour"
    return [
        f"{plan.name}: {len(plan.train):,} images to train on, {len(plan.val):,} to validate{held}",
        f"{len(plan.labels)} labels: {labels}",
        f"input {spec.width}x{spec.height} {colour}, {spec.resize}; "
        f"{plural(recipe.epochs, 'epoch')} of {plural(plan.steps_per_epoch, 'step')}, "
        f"batch {recipe.batch}, "
        f"augmentation {recipe.augment}, seed {plan.settings.seed}",
        *(
            f"{'warning: ' if remark.level == 'warning' else ''}{remark.text}"
            for remark in plan.notes
        ),
    ]
