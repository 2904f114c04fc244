"""A folder that stands for a container's root: the image's own commands build it and run in it.

What is run is what Dockerfile and compose.yaml say, with the container's folders put below `root`
and its port exchanged. Where we are root it runs as the image's user, who can write nothing but the
volumes; where we are not, what is installed is made unwritable.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import mkdtemp

from tests.containers import ROOT, Instruction, Stage, read_dockerfile

VOLUMES = ("data", "var/tmp")
_FOLDERS = re.compile(r"(?<![\w./])/(?=(?:opt|build|dist|data|var/tmp)\b)")
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Box:
    """The installed image: `root` stands for `/`, `last` is the stage that is run."""

    root: Path
    last: Stage

    def here(self, text: str) -> str:
        """The text with the container's folders put below `root`."""
        return _FOLDERS.sub(f"{self.root}/", text)

    @property
    def path(self) -> str:
        return f"{self.root}/usr/local/bin:{_SYSTEM}"

    @property
    def user(self) -> int | None:
        """The image's user where we may become it, else None: our own."""
        (step,) = self.last.all("USER")
        return int(step.rest.split(":")[0]) if os.geteuid() == 0 else None

    def environment(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """What a process of the container finds: the image's variables and `more`, no others."""
        own = {name: self.here(text) for name, text in self.last.environment().items()}
        own["PATH"] = own["PATH"].replace("$PATH", self.path)
        given = {name: text for name, text in (more or {}).items() if text is not None}
        # Where the Python is a copy, so is its library.
        libraries = {"LD_LIBRARY_PATH": f"{self.root}/usr/local/lib"}
        return {"LANG": "C.UTF-8", **libraries, **own, **given}

    def command(self, words: Sequence[str] | None = None) -> list[str]:
        """What is started for `docker run IMAGE WORDS`."""
        (entry,), (default,) = self.last.all("ENTRYPOINT"), self.last.all("CMD")
        return [*entry.listed(), *(default.listed() if words is None else words)]

    def start(
        self, words: Sequence[str], more: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command of the container in its working folder, its output in pipes."""
        environment = self.environment(more)
        program = shutil.which(words[0], path=environment["PATH"])
        assert program is not None, words[0]
        return subprocess.Popen(
            [program, *words[1:]],
            cwd=self.here(self.last.all("WORKDIR")[0].rest),
            env=environment,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, words: Sequence[str], more: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the container to its end, two minutes at most."""
        with self.start(words, more) as process:
            try:
                out, err = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)


@contextmanager
def built_box() -> Iterator[Box]:
    """Build the image with the commands of its Dockerfile, all of them but the one that makes a
    user; gone at the end. Fails with what the command said."""
    stages = read_dockerfile()
    # Not pytest's folder: the image's user has to get there.
    root = Path(mkdtemp(prefix="pixshelf-box-"))
    root.chmod(0o755)
    box = Box(root, stages[-1])
    try:
        _add_python(root, others_run_it=box.user is not None)
        known: dict[str, dict[str, str]] = {}
        for stage in stages:
            known[stage.name] = known.get(stage.base, {}) | stage.environment()
            for step in stage.steps:
                _do(step, box, known[stage.name])
        for volume in VOLUMES:
            (root / volume).mkdir(parents=True)
            if box.user is not None:
                os.chown(root / volume, box.user, box.user)
        if box.user is None:
            _write_protect(root / "opt", protect=True)
        yield box
    finally:
        if box.user is None:
            _write_protect(root / "opt", protect=False)
        shutil.rmtree(root)


def _add_python(root: Path, *, others_run_it: bool) -> None:
    """What the base image has as `python`: the one that runs the tests, copied where it lies in a
    folder that nobody else may enter and somebody else is to run it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here, home = Path(sys.base_prefix), root / "usr/local"
    if not others_run_it or _is_open(here / "bin" / name):
        (home / "bin").mkdir(parents=True)
        python = home / "bin/python"
        python.write_text(f'#!/bin/sh\nexec "{here}/bin/{name}" "$@"\n')
        python.chmod(0o755)
        return
    left_out = shutil.ignore_patterns("site-packages", "test", "share", "include", "*.a")
    shutil.copytree(here, home, symlinks=True, ignore=left_out)
    (home / "bin/python").unlink(missing_ok=True)
    (home / "bin/python").symlink_to(name)


def _is_open(file: Path) -> bool:
    """Whether everybody may enter the folders of a file."""
    return all(folder.stat().st_mode & 0o001 for folder in file.resolve().parents)


def _do(step: Instruction, box: Box, variables: Mapping[str, str]) -> None:
    if step.word == "COPY" and "from" in step.flags:
        source, target = step.rest.split()
        assert source == target, "between stages everything keeps its place"
    elif step.word == "COPY":
        source, target = step.rest.split()
        _copy(source, Path(box.here(target)))
    elif step.word == "RUN" and "useradd" not in step.rest:
        _build(step, box, variables)


def _build(step: Instruction, box: Box, variables: Mapping[str, str]) -> None:
    """Run one RUN line. The settings of pip on this machine hold, its cache among them."""
    own = {name: box.here(text) for name, text in variables.items() if name != "PIP_NO_CACHE_DIR"}
    own["PATH"] = own["PATH"].replace("$PATH", box.path) if "PATH" in own else box.path
    left_out = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}
    around = {name: text for name, text in os.environ.items() if name not in left_out}
    done = subprocess.run(
        ["/bin/sh", "-c", box.here(step.rest)],
        cwd=box.root,
        env=around | own,
        umask=0o022,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{step.rest}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def _copy(source: str, target: Path) -> None:
    """COPY from the build context, as .dockerignore leaves it."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    kept_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]

    def ignored(_: str, names: list[str]) -> set[str]:
        return {name for name in names for pattern in kept_out if fnmatch(name, pattern)}

    target.mkdir(parents=True, exist_ok=True)
    for name in let_in if source == "." else [source]:
        assert name in let_in, f"{name} is not in the build context"
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target)


def _write_protect(folder: Path, *, protect: bool) -> None:
    for place, _, files in os.walk(folder):
        for path in [place, *(os.path.join(place, name) for name in files)]:
            if not os.path.islink(path):
                mode = os.stat(path).st_mode & 0o7777
                os.chmod(path, mode & ~0o222 if protect else mode | 0o200)
