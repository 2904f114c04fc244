"""The classify screen's jobs, each for a thread of its own: files, stored images, and files that
are added to the dataset. They tell how far they are ten times a second at most."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from storage.query import parse, quote
from tui.classifying.answers import MOST, TOP, Seen, seen_of
from tui.evaluation.evaluations import model_words

if TYPE_CHECKING:
    from ml.predicting import Predictor, Refused
    from storage.repository import Repository

TELL_EVERY = 0.1

_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is. `seen` are answers that are new since the last time; `total` is None where
    it is not known."""

    done: int
    total: int | None
    seconds: float
    seen: tuple[Seen, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(slots=True)
class Ended:
    """What became of a job. `model` is the word that names the model. `cut` says that more files
    were named than are kept. `images` are those that were added, by file; `new` counts the new
    ones."""

    model: str
    done: int = 0
    unsure: int = 0
    stopped: bool = False
    cut: bool = False
    images: dict[str, int] = field(default_factory=dict)
    new: int = 0
    refused: list[Refused] = field(default_factory=list)


Tell = Callable[[Standing], None]
ShouldStop = Callable[[], bool]


def classify_files(
    repo: Repository, model: str | None, names: Sequence[str], tell: Tell, should_stop: ShouldStop
) -> Ended:
    """Answers for files and for what is in folders, told as they come, 10,000 files at most."""
    from ml.predicting import Refused, load_predictor, predict_files
    from storage.importing.picture_files import read_named

    predictor = load_predictor(repo, model)
    ended = Ended(_word(repo, predictor))
    began = told = time.monotonic()
    seen: list[Seen] = []
    refused: list[Refused] = []
    named = read_named(names)
    for item in predict_files(predictor, islice(named, MOST), top=TOP):
        if isinstance(item, Refused):
            refused.append(item)
        else:
            seen.append(seen_of(item))
        ended.done += 1
        now = time.monotonic()
        if now - told >= TELL_EVERY:
            tell(Standing(ended.done, None, now - began, tuple(seen), tuple(refused)))
            told, seen, refused = now, [], []
        if should_stop():
            ended.stopped = True
            break
    else:
        ended.cut = next(named, None) is not None
    tell(Standing(ended.done, None, time.monotonic() - began, tuple(seen), tuple(refused)))
    return ended


def classify_stored(
    repo: Repository,
    model: str | None,
    wanted: str | Sequence[int],
    below: float,
    tell: Tell,
    should_stop: ShouldStop,
) -> Ended:
    """Answers for the images of a query, or of these ids, stored chunk by chunk. What was stored
    before `should_stop` stays."""
    from ml.predicting import load_predictor, predict_stored

    predictor = load_predictor(repo, model)
    ended = Ended(_word(repo, predictor))
    ids = repo.images.ids(parse(wanted).by_id()) if isinstance(wanted, str) else sorted(wanted)
    began = time.monotonic()
    tell(Standing(0, len(ids), 0.0))
    for images, probabilities in predict_stored(repo, predictor, ids, save=True):
        ended.done += len(images)
        ended.unsure += int((probabilities.max(axis=1) < below).sum())
        tell(Standing(ended.done, len(ids), time.monotonic() - began))
        if should_stop() and ended.done < len(ids):
            ended.stopped = True
            break
    return ended


def add_files(
    repo: Repository,
    model: str | None,
    files: Sequence[tuple[str, str | None]],
    tell: Tell,
    should_stop: ShouldStop,
) -> Ended:
    """Files that become images, each with its label or None, and their answers stored."""
    from ml.filing import Filed, file_away
    from ml.predicting import load_predictor

    predictor = load_predictor(repo, model)
    ended = Ended(_word(repo, predictor))
    began = time.monotonic()

    def progress(done: int) -> None:
        ended.done = done
        tell(Standing(done, len(files), time.monotonic() - began))

    for item in file_away(repo, predictor, files, progress=progress, should_stop=should_stop):
        if isinstance(item, Filed):
            ended.images[item.source] = item.image
            ended.new += item.new
        else:
            ended.refused.append(item)
    ended.stopped = ended.done < len(files)
    return ended


def _word(repo: Repository, predictor: Predictor) -> str:
    """What names the model and no other."""
    model = predictor.model.id
    return model_words(repo.models.all()).get(model, str(model))


def by_confidence(query: str, model: str) -> str:
    """The same images, with the model's answers, the least confident first."""
    words = [
        word for word in _WORD.findall(query) if not word.lower().startswith(("sort:", "model:"))
    ]
    return " ".join([*words, f"model:{quote(model)}", "sort:confidence"])
