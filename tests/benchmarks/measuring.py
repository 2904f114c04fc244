"""Whole processes measured from start to exit, and the book that figures are written into.

A Run is one measured process or loop; an Aim says what the runs of a part must come to. Both are
printed for people and appended to a file as JSON lines, beside the facts of the machine.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "ai-edge-litert")
UNITS: dict[str, tuple[float, str]] = {
    "accuracy": (100, " %"),
    "reference": (100, " %"),
    "gain": (100, " points"),
    "ece": (100, " %"),
    "share": (100, " %"),
    "ratio": (1, " x"),
    "seconds": (1, " s"),
    "lost": (1, " s"),
    "peak": (1, " MB"),
    "above": (1, " MB"),
    "speed": (1, " images/s"),
}
"""How a figure is shown: by what it is multiplied, and what stands behind it."""

WHOLE = frozenset({"peak", "above", "speed"})
"""The figures that are shown without decimals."""


class Failure(Exception):
    """A part could not be measured. Says why in a line."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that ended well: seconds from start to exit, the peak memory in MB of the largest
    process under it (itself included), and what it printed."""

    seconds: float
    peak: float
    output: str


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: of which part, of which side, with which seed, at which scale."""

    part: str
    side: str
    seed: int
    scale: float
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure of a part must come to: `sense` of `bound`, by the mean or the worst run."""

    part: str
    figure: str
    sense: Literal["at least", "at most"]
    bound: float
    judged_by: Literal["mean", "worst"] = "mean"

    def value(self, figures: Iterable[float]) -> float:
        """What is judged, of the figures of all runs."""
        if self.judged_by == "mean":
            return mean(figures)
        return min(figures) if self.sense == "at least" else max(figures)

    def met(self, value: float) -> bool:
        """Whether `value` is enough, read as precisely as it is shown."""
        places = _places(self.figure)
        factor = UNITS[self.figure][0]
        shown, bound = round(value * factor, places), round(self.bound * factor, places)
        return shown >= bound if self.sense == "at least" else shown <= bound


@dataclass(slots=True)
class Book:
    """The figures of this run, and with `earlier` those that the file had before."""

    scale: float
    out: Path | None = None
    runs: list[Run] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Say what machine this is."""
        facts = machine()
        say(", ".join(f"{name} {value}" for name, value in facts.items()))
        self._write({"row": "machine", **facts})

    def recall(self) -> None:
        """Take up the reference's runs that the file has, at this scale; the last of each seed."""
        if self.out is None or not self.out.exists():
            raise SystemExit("--skip-reference needs an --out FILE that has the reference's runs")
        rows = [json.loads(row) for row in self.out.read_text("utf-8").splitlines()]
        for row in rows:
            if row.pop("row") == "run" and row["side"] == "reference":
                self.runs.append(Run(**row))

    def add(self, part: str, side: str, seed: int, **figures: float) -> Run:
        """Write down a measurement, and print it at once."""
        run = Run(part, side, seed, self.scale, figures)
        self.runs.append(run)
        self._write({"row": "run", **asdict(run)})
        told = "  ".join(f"{name} {shown(name, value)}" for name, value in figures.items())
        say(f"{part:15} {side:12} seed {seed}  {told}")
        return run

    def find(self, part: str, side: str, seed: int) -> Run | None:
        """The last such run at this scale."""
        key = (part, side, seed, self.scale)
        found = [run for run in self.runs if (run.part, run.side, run.seed, run.scale) == key]
        return found[-1] if found else None

    def fail(self, part: str, why: str) -> None:
        """Write down that a part could not be measured."""
        self.failed.append(part)
        self._write({"row": "failure", "part": part, "why": why})
        say(f"{part:15} FAILED: {why}")

    def judge(self, aims: Iterable[Aim]) -> bool:
        """Print the table of what was aimed at and reached; gives whether all was. At another
        scale than 1 it is printed, and nothing is judged."""
        say("")
        say(f"{'part':15} {'figure':9} {'measured':>14}  {'aim':24} {'verdict':9} each run")
        good = not self.failed
        for aim in aims:
            each = [
                run.figures[aim.figure]
                for run in self.runs
                if run.part == aim.part and run.side == "pixshelf" and aim.figure in run.figures
            ]
            if not each:
                continue
            value = aim.value(each)
            verdict = "met" if aim.met(value) else "MISSED"
            if self.scale == 1:
                good = good and verdict == "met"
            else:
                verdict = "not full"
            aimed = f"{aim.sense} {shown(aim.figure, aim.bound)}"
            say(
                f"{aim.part:15} {aim.figure:9} {shown(aim.figure, value):>14}  {aimed:24} "
                f"{verdict:9} {', '.join(shown(aim.figure, one, unit=False) for one in each)}"
            )
            row = {"value": value, "each": each, "verdict": verdict, "scale": self.scale}
            self._write({"row": "aim", **asdict(aim), **row})
        return good

    def _write(self, row: Mapping[str, Any]) -> None:
        if self.out is not None:
            with self.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def shown(figure: str, value: float, *, unit: bool = True) -> str:
    """A figure as it is printed: 0.9927 as '99.27 %'."""
    factor, name = UNITS[figure]
    return f"{value * factor:,.{_places(figure)}f}{name if unit else ''}"


def _places(figure: str) -> int:
    return 0 if figure in WHOLE else 2


def say(text: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def environment(scratch: Path) -> dict[str, str]:
    """For the processes that are measured: a home in `scratch`, no settings of pixshelf's, and
    bytecode as an installation has it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIXSHELF_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    folders = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME")
    own = {name: str(scratch / "home") for name in folders}
    (scratch / "home").mkdir(exist_ok=True)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}
    return {**kept, **own, **quiet, "PYTHONPATH": str(ROOT)}


def measured(command: list[str], scratch: Path) -> Ran:
    """Run a command to its end. Raises Failure with its last words if it fails."""
    began = time.perf_counter()
    with started(command, scratch) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        # Of this child and what it waited for itself, so the training's process is in it.
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = (scratch / "errors.txt").read_text("utf-8", "replace").strip().splitlines()[-3:]
        words = " ".join(command[-5:])
        raise Failure(f"… {words[-120:]} left with {child.returncode}: {' / '.join(said)[-400:]}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1_024)
    return Ran(seconds, peak / 1e6, output)


@contextmanager
def started(command: list[str], scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose stdout is read by the caller, its stderr going to a file in `scratch`. It is
    ended with the block."""
    with (scratch / "errors.txt").open("wb") as errors:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        child.communicate()


def pixshelf(dataset: Path, *words: object) -> list[str]:
    """A command line of pixshelf's own."""
    return [sys.executable, "-m", "cli", "--db", str(dataset), *(str(word) for word in words)]


def program(source: str, *words: object) -> list[str]:
    """A Python program given as text."""
    return [sys.executable, "-c", source, *(str(word) for word in words)]


def machine() -> dict[str, str]:
    """What figures depend on: processor, cores, load, versions, the time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": str(cores),
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"
