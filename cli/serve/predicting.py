"""What the model says of pictures that come one by one, from many at once.

One thread decodes and names whatever waits at that moment, so that pictures that come together
share its turns and one that comes alone waits for nobody. Large pictures are decoded beside it, one
at a time, and keep no small one waiting. A newer model, or another name, counts within a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cli.serve.aside import Aside
from cli.serve.lanes import Lane, Open
from ml.filing import as_image
from ml.pixels import InputSpec, to_array
from ml.plain_png import decode_plain, worth_trying
from ml.predicting import Predictor
from storage.errors import PixshelfError
from storage.pictures import claimed_pixels
from storage.records import ModelRecord, NewImage
from storage.repository import Repository

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAG = "http"
FRESH_SECONDS = 1.0
"""How long what was read of the models counts."""
_MOST_MODELS = 4
_LARGE_PIXELS = 500_000
_LARGE_BYTES = 512 * 1024
_MOST = 32


@dataclass(frozen=True, slots=True)
class Question:
    """A picture to be named. `model` is a name or an id, None for the newest. `source` is what
    the picture is called where it is to be stored, None where it is not."""

    data: bytes
    model: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said: float32 probabilities [labels], and the picture as an image to store, if
    that was asked for."""

    model: ModelRecord
    probabilities: NDArray[np.float32]
    image: NewImage | None


class _Shown(NamedTuple):
    """A picture as the model takes it, uint8 [H, W, C], and as an image to store."""

    pixels: NDArray[np.uint8]
    image: NewImage | None


class _Large(NamedTuple):
    """The answer for a picture that is to be decoded aside, for a model that takes `spec`."""

    spec: InputSpec


class _Asked(NamedTuple):
    """A question, with its picture once that was decoded aside."""

    question: Question
    shown: _Shown | None = None


class Predicting:
    """The models of a dataset, ready to answer. `start` it, and `close` it in the end."""

    def __init__(self, open_: Open, *, threads: int | None, waiting: int) -> None:
        self._models = _Models(threads or 1)
        self._quick: Lane[_Asked, Said | _Large] = Lane(
            "predict", open_, self._answer, most=_MOST, waiting=waiting
        )
        self._aside = Aside("decode", threads=1, waiting=waiting)

    def start(self) -> None:
        """Begin. Raises DatasetError where the dataset cannot be opened."""
        self._quick.start()

    def close(self) -> None:
        """Answer what waits, then end."""
        self._aside.close()
        self._quick.close()

    async def ask(self, question: Question) -> Said:
        """What the model says of one picture. Raises RefusedInput for what is no picture,
        NotReady where there is no model, NotFound for one that there is not, DatasetError, and a
        Problem where too much waits."""
        said = await self._quick.ask(_Asked(question))
        while isinstance(said, _Large):
            shown = await self._aside.ask(partial(_decode, question, said.spec))
            said = await self._quick.ask(_Asked(question, shown))
        return said

    async def ask_all(self, questions: Sequence[Question]) -> list[Said | PixshelfError]:
        """The same for several; what is wrong with one is its own affair. Raises a Problem where
        too much waits."""
        answers = await asyncio.gather(*map(self.ask, questions), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, PixshelfError):
                raise answer
        return [answer for answer in answers if isinstance(answer, Said | PixshelfError)]

    # In the thread

    def _answer(
        self, repo: Repository, asked: Sequence[_Asked]
    ) -> Sequence[Said | _Large | Exception]:
        answers: list[Said | _Large | Exception | None] = [None] * len(asked)
        groups: dict[str | None, list[int]] = {}
        for at, each in enumerate(asked):
            groups.setdefault(each.question.model, []).append(at)
        for name, places in groups.items():
            try:
                predictor = self._models.find(repo, name)
                found = _predict(predictor, [asked[at] for at in places])
            except PixshelfError as error:
                found = [error] * len(places)
            for at, answer in zip(places, found, strict=True):
                answers[at] = answer
        return [answer for answer in answers if answer is not None]


def _predict(predictor: Predictor, asked: Sequence[_Asked]) -> list[Said | _Large | Exception]:
    """The answers of one model, in order."""
    pixels = np.empty((len(asked), *predictor.input.shape), np.uint8)
    answers: list[Said | _Large | Exception | None] = [None] * len(asked)
    images: list[NewImage | None] = [None] * len(asked)
    left: Sequence[int] = range(len(asked))
    if worth_trying(predictor.input.height, predictor.input.width):
        left = decode_plain([_bytes_of(each) for each in asked], pixels)
    others = frozenset(left)
    for at, each in enumerate(asked):
        try:
            if at not in others:
                images[at] = _image_of(each.question)
            elif each.shown is not None and each.shown.pixels.shape == predictor.input.shape:
                pixels[at], images[at] = each.shown
            elif _is_large(each.question.data):
                answers[at] = _Large(predictor.input)
            else:
                pixels[at], images[at] = _decode(each.question, predictor.input)
        except PixshelfError as error:
            answers[at] = error
    open_ = [at for at, answer in enumerate(answers) if answer is None]
    if open_:
        shares = predictor.predict(pixels[open_])
        for at, row in zip(open_, shares, strict=True):
            answers[at] = Said(predictor.model, row, images[at])
    return [answer for answer in answers if answer is not None]


def _bytes_of(asked: _Asked) -> bytes:
    """Nothing for what was decoded already."""
    return b"" if asked.shown is not None else asked.question.data


def _is_large(data: bytes) -> bool:
    """Whether decoding it takes so long that small ones should not wait for it. Raises
    RefusedInput."""
    return len(data) > _LARGE_BYTES or claimed_pixels(data) > _LARGE_PIXELS


def _decode(question: Question, spec: InputSpec) -> _Shown:
    return _Shown(to_array(question.data, spec), _image_of(question))


def _image_of(question: Question) -> NewImage | None:
    if question.source is None:
        return None
    return replace(as_image(question.source, question.data), tags=(TAG,))


class _Models:
    """The predictors in use, and which of them a name means. Belongs to one thread."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._read_at = 0.0
        self._named: dict[str | None, ModelRecord] = {}
        self._loaded: dict[tuple[int, bytes], Predictor] = {}

    def find(self, repo: Repository, name: str | None) -> Predictor:
        """The predictor of a name or an id, None for the newest. Raises NotReady, NotFound,
        DatasetError."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS:
            self._named.clear()
            self._read_at = now
        record = self._named.get(name)
        if record is None:
            record = repo.models.find(name)
            self._named[name] = record
        key = record.id, record.weights_sha256
        predictor = self._loaded.pop(key, None)
        if predictor is None:
            # One by one is quickest for the few that wait at a time: to fill up a larger batch and
            # to plan it costs more than it gains.
            predictor = Predictor(
                record, repo.models.litert(record.id), threads=self._threads, batch=1
            )
        # Labels and models can be renamed.
        predictor.model, predictor.labels = record, record.labels
        # The one that was used last is the last one, and goes last.
        self._loaded[key] = predictor
        while len(self._loaded) > _MOST_MODELS:
            del self._loaded[next(iter(self._loaded))]
        return predictor
