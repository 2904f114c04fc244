"""Models that another program trained, from Keras files into the dataset.

A model file is data to us: it is read, checked and rebuilt from our own list of layers in a child
process with limits, and nothing in it is run. Runs anywhere, and never imports TensorFlow.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ml.errand import send
from ml.foreign import SCALES, ForeignSpec, Scale
from ml.naming import chosen_name, made_name
from ml.pixels import LARGEST_SIDE, RESIZES, Resize
from storage.errors import PixshelfError, RefusedInput, UsageError
from storage.labels import clean_label
from storage.records import NewModel
from storage.repository import Repository

ENDINGS = (".keras", ".h5")
"""What a model can be imported from."""

SECONDS = 900.0

_OTHERS = {
    ".bin": "a file of weights without a network, perhaps a pickle",
    ".ckpt": "a checkpoint without a network",
    ".joblib": "a pickle, which runs code when it is read",
    ".mlmodel": "a Core ML model",
    ".onnx": "an ONNX model",
    ".pb": "a TensorFlow graph, which can read and write files when it is run",
    ".pickle": "a pickle, which runs code when it is read",
    ".pkl": "a pickle, which runs code when it is read",
    ".pt": "a PyTorch file, which is a pickle and runs code when it is read",
    ".pth": "a PyTorch file, which is a pickle and runs code when it is read",
    ".safetensors": "weights without a network",
    ".tflite": "a LiteRT model, which has lost its layers",
}

LabelsFrom = Literal["given", "file", "dataset"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A model that was stored: its id and name, its labels and where they came from, and what it
    was taken to want."""

    model: int
    name: str
    labels: tuple[str, ...]
    labels_from: LabelsFrom
    spec: ForeignSpec
    parameters: int


def import_model(
    repo: Repository,
    path: Path,
    *,
    trust: bool,
    name: str | None = None,
    labels: Sequence[str] | None = None,
    scale: Scale | None = None,
    size: tuple[int, int] | None = None,
    resize: Resize | None = None,
    threads: int | None = None,
) -> Imported:
    """Store the classifier of a .keras or .h5 file as a model that predicts.

    `name` is one that no model has; left out, it is made from that of the file. `labels` are in
    the order of its outputs; left out, they are those that the file names, if pixshelf wrote it,
    or else the dataset's own in natural order, if there are as many. `scale` is the range that the
    network wants its pixels in: left out, 0..255 if it takes whole numbers or scales them itself,
    otherwise 0..1. `size` is (height, width), for a network that takes any. The network's answers
    are checked to be the same in LiteRT.

    Raises RefusedInput without `trust`, for another kind of file, and for a model that is not a
    plain network of known layers; UsageError for choices that make no sense; TimedOut.
    """
    check_file(path, trust=trust)
    chosen = None if labels is None else _cleaned(labels)
    called = made_name(repo, path.stem) if name is None else chosen_name(repo, name)
    if size is not None and not all(1 <= side <= LARGEST_SIDE for side in size):
        raise UsageError(f"size: received {size!r}, expected sides from 1 to {LARGEST_SIDE}")
    with tempfile.TemporaryDirectory(prefix="pixshelf-") as scratch:
        folder = Path(scratch)
        request = {
            "path": str(path.absolute()),
            "folder": str(folder),
            "size": size,
            "scale": scale,
            "resize": resize,
            "threads": threads,
        }
        try:
            send("ml.import_worker", request, what="the import", seconds=SECONDS)
        except PixshelfError as error:
            raise type(error)(f"{path}: {error.message}", hint=error.hint) from error
        answer = json.loads((folder / "answer.json").read_bytes())
        spec = ForeignSpec.from_json(answer["spec"])
        final, origin = _labels(repo, chosen, answer["labels"], spec.classes)
        model = repo.models.add(
            NewModel(
                name=called,
                labels=final,
                spec=spec.to_json(),
                parameters=spec.graph.parameters,
                weights=(folder / "weights.safetensors").read_bytes(),
                litert=(folder / "model.tflite").read_bytes(),
                temperature=1.0,
            )
        )
    return Imported(model, called, final, origin, spec, spec.graph.parameters)


def check_file(path: Path, *, trust: bool) -> None:
    """Raises RefusedInput unless the file is there, of a kind that can be imported, and trusted."""
    ending = path.suffix.lower()
    can = "what can be: .keras and .h5, as Keras' model.save(...) writes them"
    if path.is_dir():
        raise RefusedInput(f"{path}: a folder (a SavedModel?) cannot be imported", hint=can)
    if ending not in ENDINGS:
        kind = _OTHERS.get(ending, f"a file ending in {ending!r}" if ending else "such a file")
        raise RefusedInput(f"{path}: {kind} cannot be imported as a model", hint=can)
    if not path.is_file():
        raise RefusedInput(f"{path}: there is no such file")
    if not trust:
        raise RefusedInput(
            f"{path}: a model file from elsewhere is imported only if you say that you trust it",
            hint="such files have run code on loading (CVE-2025-1550, CVE-2025-8747, "
            "CVE-2025-9905, CVE-2026-1669); if you know where it comes from, say --trust",
        )


def parse_scale(text: str | None) -> Scale | None:
    """The scale of that name; None for None. Raises UsageError."""
    return _one_of("scale", text, SCALES)


def parse_resize(text: str | None) -> Resize | None:
    """The way of resizing of that name; None for None. Raises UsageError."""
    return _one_of("resize", text, RESIZES)


Choice = TypeVar("Choice", bound=str)


def _one_of(what: str, text: str | None, choices: tuple[Choice, ...]) -> Choice | None:
    for choice in choices:
        if text == choice:
            return choice
    if text is None:
        return None
    raise UsageError(
        f"{what}: received {text!r:.40}, which is not one of the choices",
        hint=f"choices: {', '.join(choices)}",
    )


def _cleaned(labels: Sequence[str]) -> tuple[str, ...]:
    cleaned: dict[str, None] = {}
    for label in map(clean_label, labels):
        if label in cleaned:
            raise UsageError(f"labels: received {label!r:.80} more than once")
        cleaned[label] = None
    return tuple(cleaned)


def _labels(
    repo: Repository, given: tuple[str, ...] | None, card: Any, classes: int
) -> tuple[tuple[str, ...], LabelsFrom]:
    """The labels of the outputs. Raises UsageError if there are not as many as the model has."""
    if given is not None:
        if len(given) != classes:
            raise UsageError(
                f"labels: received {len(given)}, but the model tells {classes} apart",
                hint="give one for each of its outputs, in their order",
            )
        return given, "given"
    if card is not None and len(card) == classes:
        return _cleaned(card), "file"
    used = tuple(label for label, count in repo.labels.counts().items() if count)
    if len(used) == classes:
        return used, "dataset"
    raise UsageError(
        f"labels: the file does not name the {classes} labels that its model tells apart, and the "
        f"dataset has {len(used)}",
        hint="name them with --labels a,b,c in the order of the model's outputs",
    )
