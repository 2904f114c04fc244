"""How long near duplicates take to find among a million hashes, in how much memory. Run by hand.

Hashes are made in four ways: even bits; lopsided bits, whose buckets differ in size a thousandfold;
those of smooth random pictures; and copies of a fifth of them with two bits changed, a tenth blank.
Each is grouped in a process of its own. The goal is 60 s and 1 GB for a million at distance 4.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from storage.duplicates import groups_of, near_labels  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = ("even", "lopsided", "smooth", "copies")
SECONDS = 60
MEGABYTES = 1_000
_CELLS = 4


def main() -> None:
    """Measure and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--distance", type=int, default=4)
    parser.add_argument("--way", choices=WAYS, help="only this one, in this process")
    given = parser.parse_args()
    if given.way is not None:
        one(given.way, given.count, given.distance)
        return
    say(f"{'hashes':10}{'groups':>10}{'wall':>10}{'processor':>12}{'memory':>10}")
    here = [sys.executable, str(Path(__file__).resolve())]
    for way in WAYS:
        words = ["--way", way, "--count", str(given.count), "--distance", str(given.distance)]
        subprocess.run([*here, *words], check=True)


def one(way: str, count: int, distance: int) -> None:
    """Group hashes made in one way, and print what it took."""
    hashes = made(way, np.random.default_rng(0), count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, worked = time.monotonic(), time.process_time()
    groups = groups_of(near_labels(hashes, distance))
    wall, processor = time.monotonic() - began, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    met = "" if wall <= SECONDS and memory <= MEGABYTES else "  missed"
    figures = f"{wall:8.1f} s{processor:10.1f} s{memory:7.0f} MB"
    say(f"{way:10}{len(groups):10,}{figures}  ({before:.0f} MB before){met}")


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def made(way: str, random: np.random.Generator, count: int) -> NDArray[np.uint64]:
    """Hashes made in one of the WAYS."""
    if way == "even":
        return random.integers(0, 2**64, count, dtype=np.uint64)
    if way == "lopsided":
        return lopsided(random, count)
    hashes = smooth(random, count)
    if way == "smooth":
        return hashes
    copies = hashes[random.integers(0, max(1, count // 5), count)]
    for _ in range(2):
        copies ^= np.uint64(1) << random.integers(0, 64, count).astype(np.uint64)
    copies[: count // 10] = 0
    return copies


def lopsided(random: np.random.Generator, count: int) -> NDArray[np.uint64]:
    """Hashes whose bits are mostly 0 or mostly 1, each to its own degree."""
    hashes = np.zeros(count, np.uint64)
    for bit, share in enumerate(random.beta(0.5, 0.5, 64)):
        hashes |= (random.random(count) < share).astype(np.uint64) << np.uint64(bit)
    return hashes


def smooth(random: np.random.Generator, count: int) -> NDArray[np.uint64]:
    """Difference hashes of 4 x 4 random values, drawn out smoothly to 9 x 8."""
    down, across = drawn_out(8), drawn_out(9)
    parts = []
    for start in range(0, count, 50_000):
        cells = random.normal(size=(min(50_000, count - start), _CELLS, _CELLS))
        pictures = np.einsum("ij,njk,lk->nil", down, cells, across, optimize=True)
        falling = pictures[:, :, :-1] > pictures[:, :, 1:]
        parts.append(np.packbits(falling.reshape(len(cells), 64), axis=1).view(">u8").ravel())
    return np.concatenate(parts).astype(np.uint64)


def drawn_out(size: int) -> NDArray[np.float64]:
    """Weights of linear interpolation: float64 [size, 4], rows sum to 1."""
    weights = np.zeros((size, _CELLS))
    for place, at in enumerate(np.linspace(0, _CELLS - 1, size)):
        left = min(int(at), _CELLS - 2)
        weights[place, left], weights[place, left + 1] = 1 - (at - left), at - left
    return weights


if __name__ == "__main__":
    main()
