"""What the HTTP door takes, against a Flask app that calls Keras per request. Run by hand.

- One worker of `pixshelf serve`, single PNGs of 28x28, not stored, 8 connections: at least 300
  answers a second with a 99th percentile under 100 ms, and 5 times what Flask gives in turns with
  it (werkzeug's threaded server, `model.predict` on the same network).
- Ten times that load, as 80 connections that never wait and as 3,000 requests a second, one in ten
  of them to be stored: it sheds with 503, answers as before within a second, and every image
  that was acknowledged is in the dataset with its prediction.

The client is a process of its own (tests/benchmarks/http_load.py); on two cores it takes its share
of them from either server.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 8
RATE = 300
RATIO = 5
P99 = 0.1

FLASK = """
import io, sys
import keras, numpy as np
from flask import Flask, jsonify, request
from PIL import Image
from werkzeug.serving import WSGIRequestHandler, make_server

class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_request(self, *_): pass

model = keras.saving.load_model(sys.argv[1])
model.predict(np.zeros((1, 28, 28, 1), np.uint8), verbose=0)
app = Flask("peer")

@app.post("/predict")
def predict():
    pixels = np.asarray(Image.open(io.BytesIO(request.get_data())))[None, :, :, None]
    shares = model.predict(pixels, verbose=0)[0]
    best = int(shares.argmax())
    return jsonify(label=str(best), confidence=float(shares[best]))

server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
print(f"serving http://127.0.0.1:{server.server_port}/", file=sys.stderr, flush=True)
server.serve_forever()
"""


@contextmanager
def serving(command: list[str], log: Path) -> Iterator[tuple[str, int]]:
    """A server as a process; where it listens, once it says so on stderr."""
    with (
        log.open("w+b") as out,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE
        ) as child,
    ):
        assert child.stderr is not None
        try:
            yield _address(child.stderr)
        finally:
            child.terminate()
            child.stderr.read()
            child.wait(60)


def _address(said: IO[bytes]) -> tuple[str, int]:
    lines = []
    for line in said:
        lines.append(line.decode())
        found = re.search(rb"http://([\d.]+):(\d+)/", line)
        if found is not None:
            return found[1].decode(), int(found[2])
    raise RuntimeError("".join(lines) or "the server did not start")


def posts(pictures: list[bytes], path: str) -> list[bytes]:
    """Whole requests, one for each picture."""
    return [
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(each)}\r\n\r\n".encode()
        + each
        for each in pictures
    ]


def say(what: str, *figures: object) -> None:
    sys.stdout.write(f"{what:44} {'  '.join(map(str, figures))}\n")
    sys.stdout.flush()


def verdict(met: bool, aim: str) -> str:
    return f"{'met' if met else 'MISSED'}, aim {aim}"


def usual_load(
    ours: tuple[str, int], peer: tuple[str, int], files: list[bytes], given: argparse.Namespace
) -> None:
    """Both servers in turns, with 8 connections each."""
    from tests.benchmarks.http_load import Outcome, keep_busy

    def measured(address: tuple[str, int], path: str, seconds: float) -> Outcome:
        requests = itertools.cycle(posts(files, path))
        outcome = keep_busy(address, requests, connections=CONNECTIONS, seconds=seconds)
        if set(outcome.statuses) != {200} or outcome.broken:
            raise RuntimeError(f"{address}: {outcome.statuses}, {outcome.broken} cut off")
        return outcome

    measured(ours, "/predict?save=false", 1), measured(peer, "/predict", 1)
    mine, theirs = [], []
    for _ in range(given.rounds):
        mine.append(measured(ours, "/predict?save=false", given.seconds))
        theirs.append(measured(peer, "/predict", given.seconds))
    rates = [each.rate for each in mine]
    peers = [each.rate for each in theirs]
    rate, other = statistics.median(rates), statistics.median(peers)
    slowest = max(each.percentile(0.99) for each in mine)
    say(
        "pixshelf, answers a second",
        *(f"{each:.0f}" for each in rates),
        verdict(min(rates) >= RATE, f"{RATE}"),
    )
    say(
        "  median, p99 in ms",
        f"{1000 * statistics.median(each.percentile(0.5) for each in mine):.1f}",
        f"{1000 * slowest:.1f}",
        verdict(slowest < P99, f"p99 {1000 * P99:.0f}"),
    )
    say("Flask and Keras, answers a second", *(f"{each:.0f}" for each in peers))
    say(
        "  median, p99 in ms",
        f"{1000 * statistics.median(each.percentile(0.5) for each in theirs):.1f}",
        f"{1000 * max(each.percentile(0.99) for each in theirs):.1f}",
    )
    say("ratio of the medians", f"{rate / other:.1f}", verdict(rate >= RATIO * other, f"{RATIO}"))


def overload(
    address: tuple[str, int], dataset: Path, files: list[bytes], given: argparse.Namespace
) -> None:
    """Ten times the load in both ways, what comes after, and what is in the dataset then."""
    from tests.benchmarks.http_load import Outcome, keep_busy, keep_pace

    stored = iter(posts(new_pictures(files), "/predict"))
    usual = itertools.cycle(posts(files, "/predict?save=false"))

    def mixed() -> Iterator[bytes]:
        for count in itertools.count():
            yield next(usual) if count % 10 else next(stored, None) or next(usual)

    acknowledged: set[int] = set()

    def took(outcome: Outcome, what: str, more: str = "") -> None:
        ids = {
            image["id"]
            for body in outcome.bodies
            if (image := json.loads(body)["image"]) is not None
        }
        acknowledged.update(ids)
        counts = ", ".join(f"{n:,} x {status}" for status, n in sorted(outcome.statuses.items()))
        say(what, counts, f"p99 of the 200s {1000 * outcome.percentile(0.99):.0f} ms", more)
        if set(outcome.statuses) - {200, 503} or outcome.broken:
            raise RuntimeError(f"{outcome.statuses}, {outcome.broken} cut off")

    def recovered(what: str) -> None:
        after = keep_busy(address, usual, connections=CONNECTIONS, seconds=2)
        refusals = [when for when, status in after.when if status != 200]
        until = max(refusals, default=0.0)
        say(
            f"  after {what}",
            f"last refusal after {until:.2f} s",
            f"{after.rate:.0f} a second",
            f"p99 {1000 * after.percentile(0.99):.1f} ms",
            verdict(until < 1 and after.percentile(0.99) < P99, "as before within 1 s"),
        )

    took(
        keep_busy(address, mixed(), connections=10 * CONNECTIONS, seconds=given.seconds),
        "80 connections that never wait",
    )
    recovered("80 connections")
    for rate in (10 * RATE, 50 * RATE):
        outcome, missing = keep_pace(
            address, mixed(), rate=rate, connections=400, seconds=given.seconds
        )
        took(
            outcome,
            f"{rate:,} requests a second",
            f"{missing:,} not sent: all 400 connections were waiting" if missing else "",
        )
        recovered(f"{rate:,} a second")
    check(dataset, acknowledged)


def new_pictures(files: list[bytes]) -> list[bytes]:
    """Pictures that the dataset does not hold, no two alike."""
    import numpy as np

    from storage.pictures import encode_png

    dice = np.random.default_rng(1)
    return [encode_png(dice.integers(0, 256, (28, 28), np.uint8)) for _ in range(4 * len(files))]


def check(dataset: Path, acknowledged: set[int]) -> None:
    """Every acknowledged image is there, and has its prediction."""
    from storage.opening import open_repository
    from storage.query import parse

    with open_repository(dataset) as repo:
        found = set(repo.images.ids(parse("tag:http is:predicted")))
    lost = len(acknowledged - found)
    say("images acknowledged", f"{len(acknowledged):,}", f"lost {lost}", verdict(lost == 0, "0"))


def main() -> None:
    """Measure and print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idx", type=Path, help="pictures of 28x28 in a gzipped IDX file")
    parser.add_argument("--count", type=int, default=1_000, help="how many pictures")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.benchmarks.bench_predict import make

    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), given.idx, given.count)
        ours = [sys.executable, "-m", "cli", "--db", str(made.dataset), "serve", "--port", "0"]
        peer = [sys.executable, "-c", FLASK, str(made.keras)]
        with serving(ours, Path(folder) / "ours.log") as address:
            with serving(peer, Path(folder) / "peer.log") as other:
                usual_load(address, other, made.files, given)
            overload(address, made.dataset, made.files, given)


if __name__ == "__main__":
    main()
