"""What a .keras or .h5 file says, read without Keras: its config, its weights, and the card that
pixshelf puts into what it exports.

Only for child processes with limits: HDF5 is a large library. Every size is bounded before it is
read, nothing outside the file is followed, and nothing in it is run.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.graph import Graph
from ml.keras_config import Place, read_config
from ml.layers import Shape
from storage.errors import RefusedInput

if TYPE_CHECKING:
    import h5py
    import numpy as np
    from numpy.typing import NDArray

CARD = "pixshelf"
"""The name under which pixshelf writes labels and input into a file that it exports."""

MOST_FILE = 3 << 30
_MOST_BESIDE, _MOST_EACH = 64 << 20, 32
"""The most bytes that the weights of a .keras file may unpack to, and how many more for each
parameter: a weight and three numbers of an optimizer's, all in float64."""

_MOST_JSON = 8 << 20
_MOST_NAMES = 20_000
_MOST_CHUNK = 64 << 20
_PARTS = ("config.json", "metadata.json", "model.weights.h5")
_FILTERS = frozenset({1, 2, 3})
"""deflate, shuffle and fletcher32: the filters that are part of HDF5 itself."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What was found: the graph, its weights by 'layer/weight' as finite float32, the dtype that
    the model takes, and the card, a JSON object or None."""

    graph: Graph
    weights: dict[str, NDArray[np.float32]]
    dtype: str
    card: Mapping[str, Any] | None


def read_model_file(path: Path, scratch: Path, *, size: tuple[int, int] | None = None) -> ModelFile:
    """Read a model file by its ending. `scratch` is a folder for a copy of its weights. Raises
    RefusedInput, saying what is wrong, for anything but a plain network of known layers."""
    if path.stat().st_size > MOST_FILE:
        raise RefusedInput(f"the file has more than {MOST_FILE >> 30} GiB")
    try:
        if path.suffix.lower() == ".keras":
            return _read_keras(path, scratch, size)
        return _read_h5(path, size)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RefusedInput(f"the file is damaged, or no model file: {reason}") from error
    except (KeyError, ValueError, RuntimeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RefusedInput(f"the file cannot be read: {type(error).__name__}: {reason}") from error


def _read_keras(path: Path, scratch: Path, size: tuple[int, int] | None) -> ModelFile:
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist()]
        if sorted(names) != sorted(_PARTS):
            odd = [name for name in names if name not in _PARTS]
            what = (
                f"holds {odd[0]!r:.80}" if odd else f"does not hold {', '.join(_PARTS)} once each"
            )
            raise RefusedInput(f"the .keras file {what}, so it is not a plain Keras model")
        config = _json("config.json", _unpacked(archive, "config.json", _MOST_JSON))
        metadata = _json("metadata.json", _unpacked(archive, "metadata.json", _MOST_JSON))
        graph, places, dtype = read_config(config, size)
        copy = scratch / "model.weights.h5"
        with archive.open("model.weights.h5") as source, copy.open("wb") as target:
            _copy(source, target, min(MOST_FILE, _MOST_BESIDE + _MOST_EACH * graph.parameters))
    with _hdf5(copy) as file:
        weights = dict(_keras_weights(file, graph, places))
    card = metadata.get(CARD) if isinstance(metadata, Mapping) else None
    return ModelFile(graph, weights, dtype, card if isinstance(card, Mapping) else None)


def _read_h5(path: Path, size: tuple[int, int] | None) -> ModelFile:
    with _hdf5(path) as file:
        if "model_config" not in file.attrs:
            raise RefusedInput(
                "the .h5 file holds weights without a model",
                hint="save the whole model, with model.save(...)",
            )
        config = _json("model_config", _text(file.attrs, "model_config"))
        graph, places, dtype = read_config(config, size)
        weights = dict(_h5_weights(_group(file, "model_weights"), graph, places))
        card = _json(CARD, _bytes(file, CARD)) if _has(file, CARD) else None
    return ModelFile(graph, weights, dtype, card if isinstance(card, Mapping) else None)


def _keras_weights(
    file: h5py.Group, graph: Graph, places: Mapping[str, Place]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Weights as Keras 3 lays them: by the layer's class, numbered."""
    for node, own in graph.weights().items():
        group = file
        for name in places[node].groups:
            group = _group(_group(group, "layers"), name)
        values = _group(group, "vars")
        if len(values) != len(own):
            raise RefusedInput(
                f"the layer {places[node].names[-1]!r:.80} has {len(values)} weights in the file, "
                f"not {len(own)}"
            )
        for at, (name, shape) in enumerate(own.items()):
            yield f"{node}/{name}", _array(values, str(at), shape, places[node])


def _h5_weights(
    root: h5py.Group, graph: Graph, places: Mapping[str, Place]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Weights as Keras laid them in .h5: a group for each outer layer, and in it first what is
    trained of all that is inside, then the rest."""
    outer: dict[str, list[str]] = {}
    for node in sorted(graph.weights(), key=lambda name: places[name].rank):
        outer.setdefault(places[node].names[0], []).append(node)
    shapes = graph.weights()
    for name, nodes in outer.items():
        group = _group(root, name)
        wanted = [(node, own, shape) for node in nodes for own, shape in shapes[node].items()]
        wanted.sort(key=lambda each: not _is_trained(places[each[0]], each[1]))
        paths = _names(group.attrs)
        if len(paths) != len(wanted):
            raise RefusedInput(
                f"the layer {name!r:.80} has {len(paths)} weights in the file, not {len(wanted)}"
            )
        for path, (node, own, shape) in zip(paths, wanted, strict=True):
            *folders, last = [part for part in path.split("/") if part]
            inside = group
            for folder in folders:
                inside = _group(inside, folder)
            yield f"{node}/{own}", _array(inside, last, shape, places[node])


def _is_trained(place: Place, weight: str) -> bool:
    return place.trainable and not weight.startswith("moving_")


# HDF5, with both eyes open


def _hdf5(path: Path) -> h5py.File:
    import h5py

    return h5py.File(path, "r", locking=False)


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    import h5py

    found = _member(parent, name)
    if not isinstance(found, h5py.Group):
        raise RefusedInput(f"the file holds no group {name!r:.80} where there must be one")
    return found


def _member(parent: h5py.Group, name: str) -> Any:
    """A member of a group that lies in the file itself: links can name any file there is.

    A name with slashes is a path. It is walked step by step, since HDF5 itself would follow every
    link on the way, and says only of the last step whether it is one."""
    import h5py

    found: Any = parent
    for step in name.split("/"):
        if not isinstance(found, h5py.Group) or not _has(found, step):
            raise RefusedInput(f"the file holds no {name!r:.80} in {parent.name!r:.80}")
        if found.id.links.get_info(step.encode()).type != h5py.h5l.TYPE_HARD:
            raise RefusedInput(
                f"{name!r:.80} in the file is a link, or leads through one, and pixshelf follows "
                "none",
                hint="such a link can have another file on this computer read",
            )
        found = found[step]
    return found


def _has(group: h5py.Group, step: str) -> bool:
    """Whether the group has a member of that name, which is one step of a path. `in` would follow
    the member if it is a link."""
    return bool(step) and bool(group.id.links.exists(step.encode()))


def _plain(parent: h5py.Group, name: str, shape: Shape | None) -> h5py.Dataset:
    """A dataset whose numbers lie in the file itself, of the shape expected."""
    import h5py

    found = _member(parent, name)
    if not isinstance(found, h5py.Dataset):
        raise RefusedInput(f"the file holds no numbers under {name!r:.80}")
    if found.external or found.is_virtual:
        raise RefusedInput(
            f"the numbers of {name!r:.80} lie in another file, and pixshelf reads none but the one "
            "that was named"
        )
    if shape is not None and found.shape != shape:
        raise RefusedInput(f"its shape in the file is {found.shape}, not {shape}")
    filters = found.id.get_create_plist()
    numbers = {filters.get_filter(at)[0] for at in range(filters.get_nfilters())}
    size = math.prod(found.shape or (1,)) * found.dtype.itemsize
    chunk = math.prod(found.chunks or (1,)) * found.dtype.itemsize
    if numbers - _FILTERS or chunk > _MOST_CHUNK + 4 * size:
        raise RefusedInput(f"the numbers of {name!r:.80} are packed in an unusual way")
    if size and not found.id.get_storage_size():
        raise RefusedInput(f"the numbers of {name!r:.80} are not in the file")
    return found


def _array(parent: h5py.Group, name: str, shape: Shape, place: Place) -> NDArray[np.float32]:
    import numpy as np

    try:
        found = _plain(parent, name, shape)
    except RefusedInput as error:
        raise RefusedInput(
            f"the weights of the layer {place.names[-1]!r:.80} cannot be read: {error.message}",
            hint=error.hint,
        ) from error
    if found.dtype.kind != "f" or found.dtype.itemsize > 8:
        raise RefusedInput(
            f"the weights of the layer {place.names[-1]!r:.80} are {found.dtype}, not real numbers"
        )
    with np.errstate(over="ignore"):
        array = np.asarray(found[()]).astype(np.float32)
    if not np.isfinite(array).all():
        raise RefusedInput(
            f"the weights of the layer {place.names[-1]!r:.80} are not all numbers (NaN, infinity)",
            hint="its training came apart; import one from before that",
        )
    return array


def _bytes(parent: h5py.Group, name: str) -> bytes:
    found = _plain(parent, name, None)
    if found.dtype.name != "uint8" or len(found.shape) != 1 or found.size > _MOST_JSON:
        raise RefusedInput(f"{name!r:.80} in the file is not what pixshelf writes there")
    return bytes(found[()].tobytes())


def _text(attributes: h5py.AttributeManager, name: str) -> bytes:
    value = attributes[name]
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes) or len(data) > _MOST_JSON:
        raise RefusedInput(f"the attribute {name!r:.80} in the file is no text of a sensible size")
    return data


def _names(attributes: h5py.AttributeManager) -> list[str]:
    """A group's weight_names, which Keras cuts into numbered pieces when there are many."""
    pieces = ["weight_names"] if "weight_names" in attributes else []
    while not pieces or pieces[-1] != "weight_names":
        if (piece := f"weight_names{len(pieces)}") not in attributes:
            break
        pieces.append(piece)
    names: list[str] = []
    for piece in pieces:
        identity = attributes.get_id(piece)
        if len(identity.shape) != 1 or len(names) + identity.shape[0] > _MOST_NAMES:
            raise RefusedInput("the file's list of weights has no sensible length")
        names.extend(
            name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
            for name in attributes[piece]
        )
    return names


# Zip and JSON


def _unpacked(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise RefusedInput(f"{name} in the file has more than {most:,} bytes")
    return data


def _copy(source: Any, target: Any, most: int) -> None:
    total = 0
    while part := source.read(1 << 20):
        total += len(part)
        if total > most:
            raise RefusedInput(
                f"the weights in the file have more than {most:,} bytes, which is more than its "
                "network needs"
            )
        target.write(part)


def _json(what: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"{what} in the file is not JSON: {str(error)[:120]}") from error


def add_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write the card into a .keras or .h5 file that was just made. Keras passes it over."""
    data = json.dumps(card).encode()
    if path.suffix == ".keras":
        _add_to_zip(path, card)
        return
    import h5py
    import numpy as np

    with h5py.File(path, "r+") as file:
        file.create_dataset(CARD, data=np.frombuffer(data, np.uint8))


def _add_to_zip(path: Path, card: Mapping[str, Any]) -> None:
    made = path.with_suffix(".carded")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            with old.open(info) as source, new.open(info, "w", force_zip64=True) as target:
                if info.filename == "metadata.json":
                    target.write(json.dumps({**json.load(source), CARD: card}).encode())
                else:
                    _copy(source, target, MOST_FILE)
    made.replace(path)


def read_card(card: Mapping[str, Any] | None) -> tuple[Sequence[str] | None, Any]:
    """The labels and the input that a card names; None for what it does not."""
    labels = (card or {}).get("labels")
    known = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    return (labels if known else None), (card or {}).get("input")
