"""Named arrays as safetensors bytes and back.

The format holds a JSON header and raw numbers, never code. Equal arrays under equal names give
equal bytes, so a sha256 of the bytes names the exact weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storage.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]


def to_bytes(arrays: Arrays) -> bytes:
    """The arrays as safetensors bytes, in the order of their names."""
    import numpy as np
    from safetensors.numpy import save

    # safetensors writes an array's buffer as it lies: a view in another order would be scrambled.
    return save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def from_bytes(data: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays in safetensors bytes. Raises DatasetError for bytes that are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, KeyError, ValueError) as error:
        raise DatasetError(
            f"the model's weights cannot be read: {error}", hint="the model is damaged"
        ) from error


def under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
