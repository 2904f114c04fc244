"""`pixshelf predict`: what a model sees in files, in standard input, or in stored images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.files import in_chunks, read_files
from cli.output import Column, note, one_format, write_rows
from cli.progress import Update, progress
from cli.selection import query_of
from cli.session import session
from ml.predicting import (
    Answer,
    Predictor,
    Refused,
    as_predictions,
    load_predictor,
    predict_files,
    predict_stored,
)
from storage.errors import ExitCode, RefusedInput, UsageError
from storage.importing.measuring import Loaded, measure
from storage.importing.sources import Entry, Refusal, printable
from storage.records import NewImage, NewPrediction
from storage.repository import Repository

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(add_completion=False, rich_markup_mode=None)

CHUNK = 256
EPILOG = """
\b
Examples:
  pixshelf predict cat.jpg photos/
  curl -s https://example.org/cat.jpg | pixshelf predict - --json
  pixshelf predict --query is:unlabelled --save --top 1

A file that is no picture is named on stderr; the others are predicted and the exit code is 4.
"""

Row = dict[str, Any]


@app.command(epilog=EPILOG)
def predict(
    ctx: typer.Context,
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Picture files, folders, or - for stdin."),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="Stored images that match.")
    ] = None,
    model: options.Model = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, max=1000, help="How many labels to give.")
    ] = 3,
    save: Annotated[
        bool,
        typer.Option("--save", help="Keep the predictions, and the files with them."),
    ] = False,
    threads: options.Threads = None,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """Say what is in images: files, folders or stored ones.

    Prints for each image its most probable labels. With --save, files become unlabelled images of
    the dataset (once each, by their content) and the predictions are stored with them.
    """
    state = session(ctx)
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    if bool(files) == (query is not None):
        raise UsageError(
            "give either files or --query",
            hint="pixshelf predict cat.jpg, or pixshelf predict --query is:unlabelled",
        )
    parsed = None if query is None else query_of([query])
    refused: list[Refused] = []
    with state.open() as repo:
        work = _Work(
            repo, load_predictor(repo, model, threads=state.threads(threads)), top, refused
        )
        with progress("predicting", quiet=state.quiet) as update:
            if parsed is not None:
                rows = work.stored(repo.images.ids(parsed), update, save=save)
            elif save:
                rows = work.imported(files or [], update)
            else:
                rows = work.files(files or [], update)
            places = [
                name
                for name, wanted in (("image", save or parsed is not None), ("source", bool(files)))
                if wanted
            ]
            columns = [_place(name) for name in places]
            write_rows(
                rows,
                form,
                fields=[*places, "label", "confidence", "model"],
                columns=[*columns, *COLUMNS],
            )
    for item in refused:
        note(f"refused {item.source}: {item.reason}")
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


class _Work:
    """The three ways to predict. Each gives rows; what is no picture goes to `refused`."""

    def __init__(
        self, repo: Repository, predictor: Predictor, top: int, refused: list[Refused]
    ) -> None:
        self._repo = repo
        self._predictor = predictor
        self._top = top
        self._refused = refused

    def files(self, names: Sequence[str], update: Update) -> Iterator[Row]:
        """Files, of which nothing is kept."""
        answers = predict_files(self._predictor, read_files(names), top=self._top)
        for done, item in enumerate(answers, start=1):
            update(done, None, "")
            if isinstance(item, Refused):
                self._refused.append(item)
            else:
                yield {"source": item.source, **self._answer(item)}

    def stored(self, ids: Sequence[int], update: Update, *, save: bool) -> Iterator[Row]:
        """Images of the dataset, in the order given."""

        def on_progress(done: int, total: int) -> None:
            update(done, total, "")

        for images, probabilities in predict_stored(
            self._repo, self._predictor, ids, progress=on_progress
        ):
            if save:
                self._save(self._predictions(images, probabilities))
            for image, row in zip(images, probabilities, strict=True):
                yield {"image": image, **self._from_probabilities(row)}

    def imported(self, names: Sequence[str], update: Update) -> Iterator[Row]:
        """Files that become images of the dataset, together with what is predicted of them."""
        import_id: int | None = None
        done = 0
        for chunk in in_chunks(read_files(names), CHUNK):
            new = list(self._measured(chunk))
            if not new:
                continue
            if import_id is None:
                import_id = self._repo.images.begin_import("predict --save", {})
            ids = [added.id for added in self._repo.images.add(new, import_id=import_id)]
            stored = self.stored(ids, lambda *_: None, save=True)
            for image, row in zip(new, stored, strict=True):
                yield {"image": row.pop("image"), "source": image.source, **row}
            done += len(chunk)
            update(done, None, "")

    def _measured(self, chunk: Sequence[tuple[str, bytes | RefusedInput]]) -> Iterator[NewImage]:
        loaded = []
        for source, data in chunk:
            if isinstance(data, RefusedInput):
                self._refused.append(Refused(source, data.message))
            else:
                entry = Entry(printable(source), data)
                loaded.append(Loaded(entry, data, sha256(data).digest()))
        for item in measure(loaded, split=None, seed=0):
            if isinstance(item, Refusal):
                self._refused.append(Refused(item.source, item.reason))
            else:
                yield item

    def _predictions(
        self, images: Sequence[int], probabilities: NDArray[np.float32]
    ) -> list[NewPrediction]:
        return as_predictions(images, self._predictor.labels, probabilities)

    def _save(self, predictions: Sequence[NewPrediction]) -> None:
        once = {prediction.image: prediction for prediction in predictions}
        self._repo.predictions.save(self._predictor.model.id, list(once.values()))

    def _from_probabilities(self, row: NDArray[np.float32]) -> Row:
        order = (-row).argsort(kind="stable")[: self._top]
        labels = self._predictor.labels
        best = tuple((labels[place], float(row[place])) for place in order)
        return self._answer(Answer("", best[0][0], best[0][1], best))

    def _answer(self, answer: Answer) -> Row:
        return {
            "label": answer.label,
            "confidence": answer.confidence,
            "top": [{"label": label, "confidence": share} for label, share in answer.top],
            "model": self._predictor.model.name,
        }


def _others(row: Row) -> str:
    return ", ".join(f"{each['label']} {100 * each['confidence']:.1f} %" for each in row["top"][1:])


def _place(name: str) -> Column:
    return Column(name, lambda row: str(row[name]), right=name == "image")


COLUMNS = (
    Column("label", lambda row: row["label"]),
    Column("confidence", lambda row: f"{100 * row['confidence']:.1f} %", right=True),
    Column("then", _others),
)
