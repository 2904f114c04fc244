"""Repository: the one interface between the program and a dataset, whichever backend holds it.

It is a set of small protocols grouped by noun. A method that writes is one transaction: when it
returns, what it says is durable and whole; when it raises, nothing of it is there. Every backend
is held to the same contract suite (tests/contract). A Repository belongs to the thread that
opened it; any number may be open on one dataset, in any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from storage.query import Query
from storage.records import (
    Action,
    Added,
    Checkpoint,
    DatasetInfo,
    EpochMetrics,
    Example,
    ImageRecord,
    ModelRecord,
    NewImage,
    NewModel,
    NewPrediction,
    NewRun,
    Page,
    Prediction,
    Problem,
    RunRecord,
    RunStatus,
    Split,
    Stats,
)


class Images(Protocol):
    """The images, their bytes, and the labels, splits and tags on them."""

    def begin_import(self, location: str, settings: Mapping[str, Any]) -> int:
        """Note that an import from `location` begins; gives the id that `add` wants."""
        ...

    def add(self, images: Sequence[NewImage], *, import_id: int) -> list[Added]:
        """Store a batch whole. An image whose sha256 is already there is not stored again, and
        its label, split and tags stay as they are. Answers in the order given."""
        ...

    def known(self, sha256s: Iterable[bytes]) -> set[bytes]:
        """Those of the given hashes that the dataset already holds."""
        ...

    def get(self, image_id: int, *, model: int | None = None) -> ImageRecord:
        """One image, with the prediction of `model` (by default the newest model that has
        predictions). Raises NotFound."""
        ...

    def page(self, query: Query, *, limit: int = 100, after: str | None = None) -> Page:
        """Up to `limit` images in the query's order, after the place that an earlier Page's
        `next` named. Costs the same wherever in the order the page lies."""
        ...

    def count(self, query: Query) -> int:
        """How many images match."""
        ...

    def ids(self, query: Query) -> list[int]:
        """The ids of every match, in the query's order."""
        ...

    def examples(self, query: Query) -> Iterator[Example]:
        """Every match, in id order, with what training selects by."""
        ...

    def data(self, image_id: int) -> bytes:
        """The bytes as they were given. Raises NotFound."""
        ...

    def iter_data(self, image_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(id, bytes) for each id, in the order given; reads ahead, so ascending ids are fastest.
        Raises NotFound at an id that is gone."""
        ...

    def thumbnail(self, image_id: int) -> bytes | None:
        """A small encoded copy, for images that have one."""
        ...

    def set_label(self, image_ids: Sequence[int], label: str | None, *, actor: str) -> Action:
        """Give the images a label, or take it away; one action in the history. Where nothing
        needs to change, nothing is recorded and the answer has id 0 (so for all such edits).
        Raises NotFound (and changes nothing) if an id is gone, RefusedInput for a bad label."""
        ...

    def set_split(
        self, assignments: Mapping[int, Split | None], *, actor: str, summary: str
    ) -> Action:
        """Put each image into its split; one action in the history. Raises NotFound."""
        ...

    def add_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        """Put a tag on the images; one action in the history. Raises NotFound, RefusedInput."""
        ...

    def remove_tag(self, image_ids: Sequence[int], tag: str, *, actor: str) -> Action:
        """Take a tag off the images; one action in the history. Raises NotFound."""
        ...


class Labels(Protocol):
    """The vocabulary of labels."""

    def names(self) -> list[str]:
        """Every label, in natural order ('2' before '10')."""
        ...


class Runs(Protocol):
    """Trainings, the metrics of their epochs, and the checkpoints to go on from."""

    def create(self, run: NewRun) -> int:
        """Store a run with status 'running'; gives its id."""
        ...

    def record_epoch(
        self,
        run_id: int,
        metrics: EpochMetrics,
        *,
        last: Checkpoint,
        best: Checkpoint | None = None,
    ) -> None:
        """Store a finished epoch, its checkpoint, and, where it is the best so far, that one too:
        all in one transaction. Raises NotFound."""
        ...

    def checkpoint(self, run_id: int, kind: str) -> Checkpoint | None:
        """The 'last' or the 'best' checkpoint, if there is one."""
        ...

    def finish(self, run_id: int, status: RunStatus, *, error: str | None = None) -> None:
        """Say how a run ended. One that is 'done' needs no checkpoints any more: they are dropped,
        and their room is used again. Raises NotFound."""
        ...

    def get(self, run_id: int) -> RunRecord:
        """One run with its epochs. Raises NotFound."""
        ...

    def all(self) -> list[RunRecord]:
        """Every run, newest first, with its epochs."""
        ...


class Models(Protocol):
    """Weights that can predict."""

    def add(self, model: NewModel) -> int:
        """Store a model; gives its id."""
        ...

    def get(self, model_id: int) -> ModelRecord:
        """One model. Raises NotFound."""
        ...

    def find(self, name_or_id: str | None) -> ModelRecord:
        """The model of that id or name; None means the newest. Raises NotReady when there is no
        model at all, NotFound when there is none of that name."""
        ...

    def all(self) -> list[ModelRecord]:
        """Every model, newest first."""
        ...

    def weights(self, model_id: int) -> bytes:
        """Its safetensors bytes, checked against their sha256. Raises NotFound, DatasetError."""
        ...

    def litert(self, model_id: int) -> bytes:
        """Its LiteRT bytes, checked against their sha256. Raises NotFound, DatasetError."""
        ...

    def remove(self, model_id: int) -> None:
        """Delete a model with its predictions. Its run stays. Raises NotFound."""
        ...


class Predictions(Protocol):
    """What models said of images."""

    def save(self, model_id: int, predictions: Sequence[NewPrediction]) -> None:
        """Store a batch whole, in place of what the model said of these images before. The truth
        is taken from the image's label at this moment. Raises NotFound."""
        ...

    def of_image(self, image_id: int) -> list[Prediction]:
        """Every model's answer for one image, newest model first."""
        ...

    def of_model(self, model_id: int, query: Query) -> Iterator[Prediction]:
        """A model's stored answers for the images that match, in id order."""
        ...


class History(Protocol):
    """What users did to labels, splits and tags."""

    def actions(self, *, limit: int = 100) -> list[Action]:
        """The newest actions first."""
        ...


class Repository(Protocol):
    """A dataset, open. Use it as a context manager, or `close` it."""

    images: Images
    labels: Labels
    runs: Runs
    models: Models
    predictions: Predictions
    history: History

    @property
    def url(self) -> str:
        """What `open_repository` needs to open the same dataset again, also in another process."""
        ...

    def stats(self) -> Stats:
        """Counts over the whole dataset."""
        ...

    def info(self) -> DatasetInfo:
        """What the dataset itself is."""
        ...

    def check(self) -> Iterator[Problem]:
        """Everything that is wrong with the dataset: structure, references, and every image's
        bytes against their sha256. Empty when all is well."""
        ...

    def backup(self, target: Path) -> None:
        """Copy the dataset to a new file, as of one moment, also while others write.
        Raises RefusedInput if `target` exists."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
