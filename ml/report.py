"""An evaluation as one HTML page to send to somebody: everything in one file, nothing from outside.

Labels, file names and settings are put in as text (ml.markup), and the page's own policy forbids
scripts and every resource that is not in the file. Its size is bounded whatever the dataset's.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml import report_sections as sections
from ml.curves import learning_curves
from ml.markup import Child, Markup, tag
from ml.report_style import style_sheet
from storage.exporting.target import new_folder
from storage.query import Query

if TYPE_CHECKING:
    from ml.evaluating import Evaluation
    from storage.records import ModelRecord, RunRecord
    from storage.repository import Repository

PAGE = "index.html"


def write_report(
    repo: Repository, evaluation: Evaluation, folder: Path, *, at: int, program: str
) -> Path:
    """Write the report as `folder`/index.html and give that path.

    `at` is when it was evaluated, in seconds since 1970; `program` names what made it and its
    version. Raises RefusedInput if the folder is there and not empty or cannot be written,
    StorageFull, NotFound if the model or an image of the evaluation is gone.
    """
    page = report_page(repo, evaluation, at=at, program=program)
    with new_folder(folder) as partial:
        (partial / PAGE).write_text(page, encoding="utf-8")
    return folder / PAGE


def report_page(repo: Repository, evaluation: Evaluation, *, at: int, program: str) -> str:
    """The report as HTML. Raises NotFound if the model or an image of the evaluation is gone."""
    model = repo.models.get(evaluation.model_id)
    run = None if model.run is None else repo.runs.get(model.run)
    curves = () if run is None else learning_curves(run)
    when = datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")
    body = (
        sections.heading(evaluation, when),
        sections.confusion(evaluation),
        tag("div", sections.labels(evaluation), sections.confused(evaluation), class_="beside"),
        sections.calibration(evaluation),
        sections.learning(curves),
        sections.mistakes(repo, evaluation),
        sections.balance(_balance(repo)),
        _origin(evaluation, model, run, program),
        tag("footer", f"Made by {program} on {when}. Rows of the matrix are true labels."),
    )
    return _document(f"{evaluation.model} on {evaluation.split}", body)


def _document(title: str, body: tuple[Child | list[Child], ...]) -> str:
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content="pixshelf"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    page = tag("html", head, tag("body", tag("main", *body)), lang="en")
    return f"<!doctype html>\n{page}\n"


def _balance(repo: Repository) -> dict[str, Counter[str]]:
    """How many images each label has in each split ('none' for those in none)."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in repo.labels.names()}
    for example in repo.images.examples(Query()):
        if example.label is not None:
            counts[example.label][example.split or "none"] += 1
    return {label: counter for label, counter in counts.items() if counter}


def _origin(
    evaluation: Evaluation, model: ModelRecord, run: RunRecord | None, program: str
) -> Markup:
    """What was evaluated on what, so that it can be done again."""
    shape = model.spec.get("input")
    facts: dict[str, object] = {
        "model": f"{model.name} (id {model.id})",
        "parameters": f"{model.parameters:,}",
        "weights, sha256": model.weights_sha256.hex(),
        "labels": f"{len(model.labels):,}",
        "input": shape if isinstance(shape, dict) else None,
        "temperature": f"{model.temperature:.4g}",
        "evaluated on": evaluation.split,
        "images": f"{evaluation.n:,}",
        "their digest": evaluation.data_digest.hex(),
        "evaluated by": program,
    }
    tables = [tag("h2", "Where it comes from", id="origin"), sections.facts(facts)]
    if run is not None:
        trained: dict[str, object] = {
            "run": f"{run.name} (id {run.id}, {run.status})",
            "epochs": f"{len(run.epochs):,} of {run.total_epochs:,}",
            "seed": run.seed,
            "trained on, digest": run.data_digest.hex(),
            "versions": run.versions,
            **run.settings,
        }
        tables += [tag("h3", "The training"), sections.facts(trained)]
    return tag("section", tables)
