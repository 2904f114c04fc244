"""The demo: digits in, a model trained and measured, some answers drawn.

Works on a dataset file of its own. What an earlier run made is reused, and it is said so.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.evaluation import print_confusion, print_summary
from cli.output import line, note, write_json
from cli.pictures import picture_lines
from cli.session import Session, default_data_folder
from cli.text import in_time, percent, printable
from cli.watching import leave, train_watched
from ml.evaluating import Evaluation, evaluate
from ml.plan import plan_training
from ml.predicting import Predictor, load_predictor, predict_stored, ranked
from ml.settings import TrainSettings
from storage.errors import NotReady, RefusedInput
from storage.importing.digits import COUNT, LABELS, write_digits
from storage.importing.pipeline import import_source
from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tui.plain.halfblocks import side_by_side
from tui.plain.plan_lines import plan_lines
from tui.plain.training_lines import result_line

SHOWN = 8
TOP = 3
COLUMNS = 16
SIZES = {"8x8"}


def demonstrate(state: Session, *, json: bool) -> None:
    """Run the demo on --db's dataset, or on one in the data folder, and print what it did.
    Raises RefusedInput if the dataset holds other images, NotReady if the training gave no model,
    and typer.Exit if it was interrupted."""
    started = time.monotonic()
    place = _place(state)
    with open_repository(
        place, create=True, wait=state.wait, refused=state.refused, told=state.tell
    ) as repo:
        line_unless(json, f"dataset: {printable(str(place))}")
        had_images = _have_images(repo, json=json)
        had_model = _have_model(repo, state, json=json)
        evaluation = evaluate(repo, None, "test")
        predictor = load_predictor(repo)
        answers = _classify(repo, predictor)
        if not json:
            _print_results(repo, evaluation, answers)
    seconds = time.monotonic() - started
    if json:
        write_json(
            {
                "dataset": str(place),
                "reused": {"images": had_images, "model": had_model},
                "eval": evaluation.to_json(),
                "predictions": answers,
                "seconds": round(seconds, 3),
            }
        )
        return
    _print_next(place, seconds)


def line_unless(json: bool, text: str) -> None:
    """A line for a person, left out where a program reads."""
    if not json:
        line(text)


def _place(state: Session) -> str | Path:
    if state.db_flag is not None:
        return state.db
    folder = default_data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "demo.db"


def _have_images(repo: Repository, *, json: bool) -> bool:
    """Import the digits, unless they are all there; whether they were."""
    stats = repo.stats()
    if stats.images > COUNT or not (
        stats.labels.keys() <= set(LABELS) and set(stats.sizes) <= SIZES
    ):
        raise RefusedInput(
            f"{repo.url} holds images of your own", hint="name a dataset for the demo with --db"
        )
    if stats.images == COUNT:
        line_unless(json, f"reusing its {stats.images:,} images")
        return True
    with TemporaryDirectory(prefix="pixshelf-") as folder:
        source = Path(folder) / "digits.npz"
        write_digits(source)
        report = import_source(repo, source, split="auto")
    splits = repo.stats().splits
    shares = ", ".join(f"{splits.get(name, 0):,} {name}" for name in ("train", "val", "test"))
    line_unless(
        json,
        f"imported {report.added:,} digits of 8x8 pixels in {in_time(report.seconds)}: {shares}",
    )
    return False


def _have_model(repo: Repository, state: Session, *, json: bool) -> bool:
    """Train a model, unless there is one; whether there was."""
    models = repo.models.all()
    if models:
        line_unless(
            json,
            f"reusing model {models[0].id}, {printable(models[0].name)} "
            f"(val accuracy {percent(models[0].val_accuracy)})",
        )
        return True
    settings = TrainSettings(name="digits", threads=state.threads(None))
    for text in plan_lines(plan_training(repo, settings)):
        note(text, quiet=state.quiet or json)
    program = shlex.join([_program(), "--db", repo.url])
    outcome = train_watched(
        repo.url, settings, json=False, quiet=state.quiet or json, program=program
    )
    if outcome.interrupted:
        leave(outcome, quiet=state.quiet)
    if outcome.done is None or outcome.done.model is None:
        raise NotReady("the training gave no model", hint="pixshelf runs ls shows how it ended")
    line_unless(json, result_line(outcome.done))
    return False


def _classify(repo: Repository, predictor: Predictor) -> list[dict[str, Any]]:
    """Some test images, spread over the split, with their most probable labels."""
    ids = repo.images.ids(parse("split:test"))
    chosen = ids[:: max(1, len(ids) // SHOWN)][:SHOWN]
    answers = []
    for images, probabilities in predict_stored(repo, predictor, chosen, save=True):
        for image, row in zip(images, probabilities, strict=True):
            best = ranked(predictor.labels, row, TOP)
            answers.append(
                {
                    "image": image,
                    "truth": repo.images.get(image).label,
                    "label": best[0][0],
                    "confidence": best[0][1],
                    "top": [{"label": label, "confidence": share} for label, share in best],
                    "model": predictor.model.name,
                }
            )
    return answers


def _print_results(
    repo: Repository, evaluation: Evaluation, answers: Sequence[dict[str, Any]]
) -> None:
    line()
    print_summary(evaluation)
    line()
    print_confusion(evaluation, pairs=0)
    line()
    line("some test images, and what the model says of them:")
    line()
    blocks = []
    for answer in answers:
        pixels = picture_lines(repo.images.data(answer["image"]), COLUMNS)
        says = [f"{each['label']}  {percent(each['confidence'], 1)}" for each in answer["top"]]
        says[0] += "" if answer["label"] == answer["truth"] else f" (is {answer['truth']})"
        blocks.append((pixels, "\n".join([f"image {answer['image']}", *says])))
    for text in side_by_side(blocks, 80):
        line(text)


def _program() -> str:
    """What to type to get this program again."""
    import shutil

    begun = sys.argv[0]
    known = shutil.which("pixshelf")
    if os.path.basename(begun) != "pixshelf" or (known and os.path.samefile(known, begun)):
        return "pixshelf"
    return shlex.quote(os.path.relpath(begun))


def _print_next(place: str | Path, seconds: float) -> None:
    name = shlex.quote(str(place))
    line()
    line(f"done in {in_time(seconds)}. What to type next:")
    line(f"  {_program()} --db {name}  # the app, full screen")
    for words in (
        "ls is:wrong",
        "show 1",
        "predict --query split:test --top 2",
        "models export 1 digits.keras",
    ):
        line(f"  {_program()} --db {name} {words}")
