"""The README's tour, run as it is written, on a folder of pictures made for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = ("A tour, with your own images", "Asking for images", "For scripts")


def commands(*sections: str) -> list[str]:
    """The indented lines of the named sections, in order."""
    parts = re.split(r"^## (.+)$", README, flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return [
        line.strip()
        for section in sections
        for line in texts[section].splitlines()
        if line.startswith("    ")
    ]


def draw_photos(folder: Path) -> None:
    """Circles and squares of many sizes and shades, a folder for each."""
    random = np.random.default_rng(0)
    for label in ("circle", "square"):
        (folder / label).mkdir(parents=True)
        for number in range(60):
            picture = Image.new("RGB", (32, 24), tuple(random.integers(0, 90, 3).tolist()))
            left, top = random.integers(0, 12, 2).tolist()
            size = int(random.integers(8, 13))
            box = (left, top, left + size, top + size)
            pen = ImageDraw.Draw(picture)
            shape = pen.ellipse if label == "circle" else pen.rectangle
            shape(box, fill=tuple(random.integers(150, 256, 3).tolist()))
            picture.save(folder / label / f"{number}.png")


@pytest.mark.slow
def test_the_tour_runs_as_it_is_written(tmp_path: Path) -> None:
    draw_photos(tmp_path / "photos")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, words in (("pixshelf", "-m cli"), ("python3", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
    surroundings = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    script = "\n".join(["set -euo pipefail", *commands(*TOUR)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "120 images added" in done.stdout
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "model.tflite").read_bytes()[4:8] == b"TFL3"
    assert (tmp_path / "examples.png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert list((tmp_path / "maps").glob("*.png"))
    assert (tmp_path / "model.keras").exists()
    assert (tmp_path / "photos-backup.db").exists()
    assert len(list((tmp_path / "checked" / "train").rglob("*.png"))) > 50


def test_the_first_command_installs_and_shows_the_demo() -> None:
    (line,) = commands("Start")
    assert line == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/pixshelf demo"


def test_every_document_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists(), target
