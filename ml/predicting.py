"""A model's answers, by LiteRT: for arrays, for files, and for the images of a dataset.

A Predictor needs neither TensorFlow nor Keras, and starts in a fraction of a second. It belongs
to one thread at a time.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml.pixels import InputSpec, Progress, available_cpus, decode_stream, to_array
from storage.errors import DatasetError, RefusedInput
from storage.records import ModelRecord, NewPrediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.repository import Repository

_LARGEST_BATCH = 32
_BATCH_PIXELS = _LARGEST_BATCH * 28 * 28
"""Pixels that are inferred at once. More gains no time, and what the first layer makes of them
bounds the memory."""

_DATASET_CHUNK = 1024
_CHATTER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
_first = threading.Lock()
_quiet = threading.Event()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one picture. `top` holds the most probable labels with their
    probabilities, highest first; `label` and `confidence` are the first of them. `pixels` is what
    the model was shown, uint8 [H, W, C] in its input shape."""

    source: str
    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A source that is no picture, and why."""

    source: str
    reason: str


class Predictor:
    """A model, ready to answer. `batch` is how many pictures it takes in one go at best, or at
    most where it is given: 1 suits pictures that come now and then, for whom another size would
    have to be filled up and planned. Raises DatasetError if the bytes are no LiteRT model or do
    not fit the record."""

    def __init__(
        self,
        model: ModelRecord,
        litert: bytes,
        *,
        threads: int | None = None,
        batch: int = _LARGEST_BATCH,
    ) -> None:
        self.model = model
        self.labels = model.labels
        self.input = InputSpec.from_json(model.spec.get("input"))
        most = max(1, _BATCH_PIXELS // (self.input.height * self.input.width))
        largest = min(batch, 1 << (most.bit_length() - 1))
        self.batch = largest
        # A few fixed sizes: each new one makes LiteRT plan its memory again.
        self._sizes = sorted({1, min(16, largest), largest})
        self._planned = 0
        self._interpreter = _load(litert, threads or available_cpus(), model.name)
        self._input_index, self._output_index = self._checked()
        with _without_chatter():
            self._plan(1)

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities [N, labels], float32 with rows that sum to 1, for uint8 [N, H, W, C] in
        the model's input shape. Raises RefusedInput for another shape or dtype."""
        import numpy as np

        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != self.input.shape:
            raise RefusedInput(
                f"the model '{self.model.name}' takes uint8 arrays [N, "
                f"{', '.join(map(str, self.input.shape))}], not {batch.dtype} {list(batch.shape)}"
            )
        out = np.empty((len(batch), len(self.labels)), np.float32)
        for start in range(0, len(batch), self.batch):
            part = batch[start : start + self.batch]
            out[start : start + len(part)] = self._invoke(part)
        totals = out.sum(axis=1, keepdims=True)
        if not (np.isfinite(totals).all() and (totals > 0).all() and (out >= 0).all()):
            raise DatasetError(
                f"the model '{self.model.name}' gives values that are no probabilities",
                hint="Train it again; its weights are damaged.",
            )
        out /= totals
        return out

    def _invoke(self, part: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        count = len(part)
        size = next(size for size in self._sizes if size >= count)
        if size > count:
            filled = np.zeros((size, *part.shape[1:]), np.uint8)
            filled[:count] = part
            part = filled
        self._plan(size)
        with _litert_errors(self.model.name):
            self._interpreter.set_tensor(self._input_index, part)
            self._interpreter.invoke()
        result: NDArray[np.float32] = self._interpreter.get_tensor(self._output_index)
        return result[:count]

    def _plan(self, size: int) -> None:
        if size != self._planned:
            with _litert_errors(self.model.name):
                self._interpreter.resize_tensor_input(self._input_index, [size, *self.input.shape])
                self._interpreter.allocate_tensors()
            self._planned = size

    def _checked(self) -> tuple[int, int]:
        """The tensors' indexes, once it is clear that they are what the record says."""
        given = self._interpreter.get_input_details()
        made = self._interpreter.get_output_details()
        shapes = [[int(side) for side in each["shape"]] for each in (*given, *made)]
        types = [each["dtype"].__name__ for each in (*given, *made)]
        fits = (
            (len(given), len(made)) == (1, 1)
            and types == ["uint8", "float32"]
            and shapes[0][1:] == list(self.input.shape)
            and shapes[1][1:] == [len(self.labels)]
        )
        if not fits:
            described = ", ".join(f"{t} {s}" for t, s in zip(types, shapes, strict=True))
            raise DatasetError(
                f"the model '{self.model.name}' should turn uint8 {list(self.input.shape)} into "
                f"float32 [{len(self.labels)}], but its LiteRT file has {described}",
                hint="Train it again; its parts do not belong together.",
            )
        return int(given[0]["index"]), int(made[0]["index"])


def load_predictor(
    repo: Repository, name_or_id: str | None = None, *, threads: int | None = None
) -> Predictor:
    """The predictor for a stored model; None means the newest. Raises NotReady when there is no
    model, NotFound for an unknown one, DatasetError if its bytes are not what was stored."""
    model = repo.models.find(name_or_id)
    return Predictor(model, repo.models.litert(model.id), threads=threads)


def predict_files(
    predictor: Predictor, files: Iterable[tuple[str, bytes | RefusedInput]], *, top: int = 3
) -> Iterator[Answer | Refused]:
    """An Answer for each (source, bytes), in the order given; a Refused for bytes that are no
    picture, and for a source that comes with the RefusedInput met in reading it."""
    workers = available_cpus()
    waiting: list[tuple[str, Future[NDArray[np.uint8] | RefusedInput]]] = []
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for source, data in files:
            waiting.append((source, pool.submit(_array_or_refusal, data, predictor.input)))
            if len(waiting) > 2 * workers:
                # Lets go of that file's bytes, so that only a few lie in memory.
                waiting[-2 * workers][1].result()
            if len(waiting) == predictor.batch:
                yield from _answered(predictor, waiting, top)
                waiting = []
        yield from _answered(predictor, waiting, top)
    finally:
        pool.shutdown(cancel_futures=True)


def _answered(
    predictor: Predictor,
    waiting: Sequence[tuple[str, Future[NDArray[np.uint8] | RefusedInput]]],
    top: int,
) -> Iterator[Answer | Refused]:
    import numpy as np

    results = [(source, future.result()) for source, future in waiting]
    good = [array for _, array in results if not isinstance(array, RefusedInput)]
    rows = iter(predictor.predict(np.stack(good)) if good else ())
    for source, array in results:
        if isinstance(array, RefusedInput):
            yield Refused(source, array.message)
        else:
            best = ranked(predictor.labels, next(rows), top)
            yield Answer(source, *best[0], best, array)


def predict_stored(
    repo: Repository,
    predictor: Predictor,
    ids: Sequence[int],
    *,
    save: bool = False,
    progress: Progress | None = None,
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Predict stored images: ids and probabilities [n, labels], chunk by chunk in the order of
    `ids`, which may name an image twice. With `save` each chunk is stored before it is given.

    Nothing happens until the answers are taken, and memory is bounded however many there are.
    Reading and decoding the next chunk goes on while LiteRT works on this one. Raises
    RefusedInput, naming the image, where stored bytes are no picture; NotFound for an id that is
    gone.
    """
    done = 0
    with closing(_predicted(repo, predictor, ids)) as chunks:
        for images, probabilities in chunks:
            if save:
                batch = as_predictions(images, predictor.labels, probabilities)
                once = {prediction.image: prediction for prediction in batch}
                repo.predictions.save(predictor.model.id, list(once.values()))
            done += len(images)
            if progress is not None:
                progress(done, len(ids))
            yield images, probabilities


def _predicted(
    repo: Repository, predictor: Predictor, ids: Sequence[int]
) -> Generator[tuple[list[int], NDArray[np.float32]]]:
    """The answers of one chunk while LiteRT works on the next."""
    stream = decode_stream(repo.images.iter_data(ids), predictor.input, chunk=_DATASET_CHUNK)
    pool = ThreadPoolExecutor(1, thread_name_prefix="predict")
    running: tuple[list[int], Future[NDArray[np.float32]]] | None = None
    try:
        with closing(stream):
            for images, pixels in stream:
                started = (images, pool.submit(predictor.predict, pixels))
                if running is not None:
                    yield running[0], running[1].result()
                running = started
        if running is not None:
            yield running[0], running[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def as_predictions(
    images: Sequence[int], labels: Sequence[str], probabilities: NDArray[np.float32]
) -> list[NewPrediction]:
    """Rows of probabilities as records for the dataset."""
    import numpy as np

    best = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(probabilities)), best]
    if len(labels) > 1:
        second = np.partition(probabilities, -2, axis=1)[:, -2]
    else:
        second = np.zeros_like(confidence)
    rows = np.ascontiguousarray(probabilities, "<f4")
    return [
        NewPrediction(image, labels[at], high, high - low, row.tobytes())
        for image, at, high, low, row in zip(
            images, best.tolist(), confidence.tolist(), second.tolist(), rows, strict=True
        )
    ]


def ranked(
    labels: Sequence[str], row: NDArray[np.float32], top: int
) -> tuple[tuple[str, float], ...]:
    """The `top` most probable labels, at least one, with their probabilities, highest first; the
    earlier label where two are equal. `row` is [labels]."""
    order = (-row).argsort(kind="stable")[: max(1, top)]
    return tuple((labels[at], float(row[at])) for at in order)


def _array_or_refusal(
    data: bytes | RefusedInput, spec: InputSpec
) -> NDArray[np.uint8] | RefusedInput:
    if isinstance(data, RefusedInput):
        return data
    try:
        return to_array(data, spec)
    except RefusedInput as error:
        return error


def _load(litert: bytes, threads: int, name: str) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    with _litert_errors(name):
        return Interpreter(model_content=litert, num_threads=threads)


@contextmanager
def _litert_errors(name: str) -> Iterator[None]:
    """Turns what LiteRT raises over a model that it cannot run into DatasetError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(
            f"LiteRT cannot run the model '{name}': {reason}",
            hint="Train it again, or restore the dataset from a backup.",
        ) from error


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep LiteRT's one remark off stderr, where a full screen or a script would meet it.

    The library writes it to descriptor 2 when the first interpreter of the process is planned,
    and has no switch for it. All else that is written in that moment follows after it.
    """
    with _first, ExitStack() as stack:
        if _quiet.is_set():
            yield
            return
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            kept = os.dup(2)
        except OSError:
            # No stderr, or no room to hold it back: then the remark may be printed.
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            _write_all(held.read().replace(_CHATTER, b""))
        _quiet.set()


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(2, data) :]
