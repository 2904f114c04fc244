"""Names that models are given, and the files that they are written to: what will not do, and why.

Pure, but for looking whether a folder is there.
"""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path

from storage.errors import PixshelfError, RefusedInput

_UNSAFE = re.compile(r"[^\w.-]+")


def name_problem(text: str, taken: Set[str]) -> str:
    """What is wrong with a new name for a model, where others have those `taken`; '' for
    nothing."""
    from storage.labels import clean_name

    try:
        name = clean_name(text)
    except RefusedInput as error:
        return f"{error.message}{f' ({error.hint})' if error.hint else ''}"
    return "another model has that name" if name in taken else ""


def export_name(name: str, form: str) -> str:
    """A file for a model of that name, in one of the forms of ml.convert."""
    stem = _UNSAFE.sub("-", name).strip("-.") or "model"
    return stem.replace(".", "-") if form == "savedmodel" else f"{stem}.{form}"


def export_problem(text: str) -> str:
    """What is wrong with a path that a model is to be written to; '' for nothing."""
    from ml.convert import form_of

    if not text.strip():
        return "name a file"
    try:
        path = Path(text.strip()).expanduser()
        form_of(path)
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
    except PixshelfError as error:
        return f"{error.message}{f' ({error.hint})' if error.hint else ''}"
    except (RuntimeError, ValueError, OSError) as error:
        # No such user's home, a zero byte, a name that is too long.
        return str(error)
    return ""
