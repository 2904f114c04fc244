"""What the child processes of `ml` have in common: their environment, and a lean TensorFlow."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the package `ml`."""


def environment() -> dict[str, str]:
    """The environment for a child that runs `python -P -m ml.…` and imports TensorFlow.

    oneDNN stays on: without it a step of the training took 1.7 to 2.2 times as long.
    """
    variables = dict(os.environ)
    variables["TF_CPP_MIN_LOG_LEVEL"] = "2"
    variables["KERAS_BACKEND"] = "tensorflow"
    variables["PYTHONUNBUFFERED"] = "1"
    # An installed package is found anyway, and naming site-packages here would put it ahead of
    # the standard library. A checkout has to be named.
    installed = {Path(folder).resolve() for folder in [*site.getsitepackages(), _user_site()]}
    if ROOT not in installed:
        others = variables.get("PYTHONPATH", "")
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), others]))
    return variables


def import_tensorflow() -> None:
    """Import TensorFlow and Keras without scikit-learn and matplotlib, which Keras would load for
    wrappers and plots that are not used here: 2.6 seconds of processor time in place of 3.7. Only
    for processes that need neither, now or later."""
    for unused in ("sklearn", "matplotlib"):
        # None is what the import system takes for 'not to be had'.
        sys.modules.setdefault(unused, cast(Any, None))
    import keras  # noqa: F401  (loaded for those that come after)
    import tensorflow  # noqa: F401


def _user_site() -> str:
    return site.getusersitepackages()
