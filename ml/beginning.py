"""How a network's training begins: its trainer, and what gives way where memory does not do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml.events import Event, Note
from ml.network import HEAD, member_weights
from ml.plan import TrainPlan
from ml.settings import Recipe
from ml.trainer import OutOfMemory, Trainer
from ml.weights import from_bytes
from storage.errors import NotFound, NotReady
from storage.records import ModelRecord
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def bare_trainer(plan: TrainPlan, member: int) -> Trainer:
    """The trainer of a run's network (from 0), whose weights are yet to be put in."""
    return Trainer(
        replace(plan.architecture, members=1),
        plan.recipe,
        seed=plan.settings.seed + member,
        steps_per_epoch=plan.steps_per_epoch,
        class_weights=plan.class_weights,
    )


def new_trainer(
    repo: Repository,
    run: int,
    plan: TrainPlan,
    images: NDArray[np.uint8],
    member: int,
    tell: Callable[[Event], None] | None = None,
) -> Trainer:
    """The trainer of a run's network (from 0) for the training `images`, at its beginning: fresh,
    or with what fits of the model that the plan starts from, which `tell` hears of. Raises
    NotReady if nothing fits or that model is no more."""
    trainer = bare_trainer(plan, member)
    if plan.initial is None:
        trainer.whiten(images)
        return trainer
    model = _initial(repo, run, plan.initial)
    weights = member_weights(from_bytes(repo.models.weights(model.id)), member)
    if model.labels != plan.labels:
        # It may fit by its shape and yet stand for other labels, or for these in another order.
        weights = {name: array for name, array in weights.items() if f"{HEAD}/" not in name}
    fresh = trainer.start_from(weights)
    count = len(trainer.network.variables)
    if len(fresh) == count:
        raise NotReady(
            f"no weight of model {plan.initial} fits this network",
            hint="Choose the size that the model was trained with, or train without --from.",
        )
    if tell is not None:
        begun = f"; anew: {', '.join(fresh)}" if fresh else ""
        text = f"{count - len(fresh)} of {count} arrays are taken from model {plan.initial}{begun}"
        tell(Note("info", text))
    return trainer


def _initial(repo: Repository, run: int, model_id: int) -> ModelRecord:
    """The model that a run starts from. A later one may have the id of one that was removed."""
    try:
        model = repo.models.get(model_id)
    except NotFound:
        model = None
    if model is None or model.created_at > repo.runs.get(run).started_at:
        raise NotReady(
            f"run {run} begins with the weights of model {model_id}, which was removed",
            hint="Train anew, from another model or without --from.",
        )
    return model


@contextmanager
def validating() -> Iterator[None]:
    """Raises NotReady where memory does not do for validation, which halves its own batches: to
    halve those of the training, as OutOfMemory asks for, would not help."""
    try:
        yield
    except (OutOfMemory, MemoryError) as error:
        raise NotReady(
            "the validation does not fit in memory", hint="Choose a smaller --size."
        ) from error


def smaller_batches(plan: TrainPlan, error: BaseException) -> TrainPlan:
    """The plan with half the batch: as many epochs, and a learning rate to match. An epoch that
    ends early ends at the same share of it. Raises NotReady, because of `error`, if there is no
    smaller one."""
    if plan.recipe.batch == 1:
        raise NotReady(
            "not even one picture at a time fits in memory", hint="Choose a smaller --size."
        ) from error
    old, before = plan.recipe, plan.steps_per_epoch
    batch = old.batch // 2
    after = -(-len(plan.train) // batch)
    last = old.steps - (old.epochs - 1) * before
    steps = (old.epochs - 1) * after + math.ceil(last * after / before)
    calm = math.sqrt(0.5)
    recipe = replace(
        old,
        batch=batch,
        steps=steps,
        peak_rate=old.peak_rate * calm,
        muon_rate=old.muon_rate * calm,
    )
    return with_recipe(plan, recipe)


def with_recipe(plan: TrainPlan, recipe: Recipe) -> TrainPlan:
    """The plan with another recipe, and the counts that follow from it."""
    return replace(
        plan,
        recipe=recipe,
        steps_per_epoch=-(-len(plan.train) // recipe.batch),
        total_steps=recipe.steps * recipe.members,
    )
