"""The child process that writes a model as a Keras file: `python -m ml.export_worker`.

Takes one JSON object on stdin (spec, temperature, weights, target, threads). Says nothing and
exits with 0 when the file is written; otherwise prints a Failed event and exits with 1.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from ml.child import import_tensorflow
from ml.events import Failed, encode
from ml.spec import ArchitectureSpec
from ml.weights import from_bytes
from storage.errors import PixshelfError


def write_keras(request: dict[str, Any]) -> None:
    """Build the model that the request describes and save it. Raises PixshelfError, OSError."""
    spec = ArchitectureSpec.from_json(request["spec"])
    weights = from_bytes(Path(request["weights"]).read_bytes())
    import_tensorflow()
    from ml.network import build_classifier
    from ml.trainer import prepare_tensorflow

    prepare_tensorflow(request["threads"])
    classifier = build_classifier(spec, weights, float(request["temperature"]))
    classifier.save(request["target"])


def main() -> int:
    """Serve the one request on stdin; gives the exit status."""
    # Libraries may print to stdout; the answer must stand there alone.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        write_keras(json.load(sys.stdin))
    except PixshelfError as error:
        os.write(answer, encode(Failed(type(error).__name__, error.message, error.hint)))
        return 1
    except Exception as error:
        # The last stand of a process: whatever it is, the parent must hear of it.
        traceback.print_exc()
        os.write(answer, encode(Failed("internal", f"{type(error).__name__}: {error}")))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
