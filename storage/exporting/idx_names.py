"""What a file of IDX images is called, for those who only want to know that."""

from __future__ import annotations

import re

NAME = re.compile(r"(?i)(?P<start>.*)images(?P<dash>[-_.])idx3(?P<end>[-_.]ubyte(?:\.gz)?)")


def is_idx_name(name: str) -> bool:
    """Whether a file's name says that it holds IDX images, as `train-images-idx3-ubyte.gz` does."""
    return NAME.fullmatch(name) is not None
