"""The datasets that have names: MNIST and its kin as Keras loads them, and scikit-learn's digits.

Keras downloads a dataset once, into its own cache, and reads it from there ever after. It is loaded
in a child process (`ml.known_datasets_worker`), so that this one never holds TensorFlow.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ml.child import environment
from ml.events import Failed, decode, to_error
from storage.errors import PixshelfError, RefusedInput

TIMEOUT = 3600
"""Seconds that a download may take."""

_DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """A dataset that Keras has: its module there, the names of its labels in their order, the size
    of the download in megabytes, and the local files that would do instead."""

    module: str
    labels: tuple[str, ...]
    megabytes: int
    instead: str


_IDX = "the IDX files (train-images-idx3-ubyte.gz and its fellows)"
_CIFAR_10 = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR_100 = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

KERAS: dict[str, KnownDataset] = {
    "mnist": KnownDataset("mnist", _DIGITS, 11, _IDX),
    "fashion-mnist": KnownDataset("fashion_mnist", _FASHION, 30, _IDX),
    "cifar10": KnownDataset("cifar10", tuple(_CIFAR_10.split()), 170, "its images in folders"),
    "cifar100": KnownDataset("cifar100", tuple(_CIFAR_100.split()), 169, "its images in folders"),
}
NAMES = (*KERAS, "digits")
"""Every name that `write_known` knows."""


def cache_folder() -> Path:
    """Where Keras keeps what it downloaded."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def write_known(name: str, target: Path) -> None:
    """Write the dataset of that name to `target`, an .npz that import reads: `x_train`, `y_train`,
    `x_test`, `y_test` and `label_names`; for `digits`, which has no split, `images` and `labels`.

    Raises RefusedInput for a name that is none, for a dataset that is not in the cache and cannot
    be downloaded, and for a cache that is damaged; it says which local files would do.
    """
    if name == "digits":
        from storage.importing.digits import write_digits

        write_digits(target)
        return
    known = KERAS.get(name)
    if known is None:
        raise RefusedInput(
            f"there is no dataset called {name!r}", hint=f"Known: {', '.join(NAMES)}."
        )
    command = [sys.executable, "-P", "-m", "ml.known_datasets_worker", name, str(target)]
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedInput(
            f"{name} was not downloaded within {TIMEOUT // 60} minutes", hint=_hint(known)
        ) from error
    if child.returncode != 0:
        raise _error(name, known, child)


def _error(
    name: str, known: KnownDataset, child: subprocess.CompletedProcess[bytes]
) -> PixshelfError:
    """What the child said, or what is left where it died without a word."""
    said = child.stdout.splitlines()
    event = decode(said[-1]) if said else None
    if not isinstance(event, Failed):
        last = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        reason = f"{name} could not be loaded: {(last or ['without a word'])[0][:300]}"
        return RefusedInput(reason, hint=_hint(known))
    error = to_error(event)
    if isinstance(error, RefusedInput):
        return RefusedInput(error.message, hint=_hint(known))
    return error


def _hint(known: KnownDataset) -> str:
    return (
        f"Without a network import local files: {known.instead}, or any .npz with x_train, "
        f"y_train, x_test and y_test. Keras keeps what it downloaded in {cache_folder()}."
    )
