"""Every command on a dataset in PostgreSQL: the same words give the same answers as on a file."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from cli.app import app
from storage.opening import open_repository
from storage.query import parse
from tests.cli.test_readme import ROOT, TOUR, commands, draw_photos
from tests.ml_fixtures import digits_model, store_digits
from tests.pg_server import Server

DOCUMENT = ROOT / "docs" / "postgres.md"

EDITS = """
stats
stats --json
ls
ls --json
ls --jsonl label:7 sort:-bytes
ls --csv --limit 5 width>=20 sort:bytes
ls --tsv is:unlabelled
show 1 --json
show 3
show 9999
label 1 2 3 cat --json
label is:unlabelled cat --json
label id:5 'x y' --json
label id:6 'a"b' --dry-run
tag add odd id<=4 --json
tag rm odd 2 --json
ls tag:odd --json
split --ratios 80/10/10 --json
split --check --json
split id:7 --to test --json
history --json
history
history --image 1 --json
undo --json
undo 2 --json
redo --json
redo 5 --json
undo
labels ls --json
labels rename cat Katze --json
labels merge Katze 3 --yes --json
labels rm 9 --yes --json
labels rename nothing x
tags ls --json
tags rename odd even --json
tags rm even --yes --json
rm id:8 --yes --json
ls is:deleted --json
restore id:8 --json
rm id:9,10 --yes
db vacuum --dry-run
db check --deep --json
undo 3
stats --json
history --json
"""

ANSWERS = """
ls is:wrong
predict --query id<=40 --save --json
predict --query id<=30 --save --json -m twin
predict --query is:unlabelled --top 2 --jsonl
predict FOLDER/photos/circle --top 2 --csv
predict --query label:7 --abstain 0.99 --csv
ls is:wrong sort:-confidence --json
ls confidence<0.9 sort:margin --json
ls is:uncertain --csv
ls model:1 predicted:3 --json
show 1 --json
eval --json
eval -m twin
eval --json --details
eval --on label:3,7 --json
review wrong --json
review confidence --jsonl
review unlabelled --by margin --json
review labels --csv
review disagreement --other means -m twin --json
review blah
problems --json
ls is:blurry --json
duplicates exact --json
duplicates pixels --json
duplicates near --distance 2 --json
duplicates near --distance 10 --keep first --apply --json
models ls --json
models show 1 --json
models show twin
models compare means twin --json
models rename twin zwilling --json
models rm zwilling --yes --json
models ls
runs ls --json
runs show 1
runs rm 1 --yes
sql "SELECT count(*) AS n FROM images" --json
sql "SELECT id, label FROM images WHERE label = '7' ORDER BY id" --csv
sql "SELECT * FROM predictions ORDER BY image_id, model_id LIMIT 5" --jsonl
sql "SELECT * FROM images ORDER BY id LIMIT 3" --json
db check --deep
"""

FILES = """
import FOLDER/photos --json
import FOLDER/photos
import FOLDER/photos --label other --tag new --json
import FOLDER/none
export OUT/folder --json
export OUT/npz.npz label:circle --json
export OUT/rows.jsonl --bytes base64 --json
export OUT/rows.csv --json
export --to OUT/copy.db label:circle --json
export --contact-sheet OUT/sheet.png
models export 1 OUT/means.tflite --json
label label:square rectangle --json
merge OUT/copy.db --json
merge OUT/copy.db --prefer theirs --dry-run --json
merge FOLDER/other.db --json
import OUT/folder --json
import OUT/rows.jsonl --json
stats --json
history --json
ls sort:-id --json
db migrate
db migrate --json
db backup OUT/backup.db
db backup OUT/backup.db
rm label:circle --yes
db vacuum --yes
stats --json
"""

# What depends on the moment, or on how a backend lays things out on a disk.
_FLEETING = re.compile(
    r'"(?:seconds|(?:added_|created_|started_|finished_)?at)": [^,}\n]*'
    r"|in [\d.]+ s(?:, [\d,]+ images/s)?|\d\d:\d\d(?::\d\d)?|[\d.]+ (?:[KM]i)?B"
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A dataset, and a folder for what comes out of it."""

    url: str
    folder: Path
    out: Path

    def said(self, line: str) -> tuple[int, str, str]:
        """The exit code of a command line and what it said, without what is the shelf's own."""
        places = (("DB", self.url), ("OUT", str(self.out)), ("FOLDER", str(self.folder)))
        words = shlex.split(line)
        for name, place in places[1:]:
            words = [word.replace(name, place) for word in words]
        done = CliRunner().invoke(app, ["--db", self.url, *words], prog_name="pixshelf")
        texts = [done.stdout, done.stderr]
        for name, place in places:
            texts = [text.replace(shlex.quote(place), name) for text in texts]
            texts = [text.replace(place, name) for text in texts]
        out, err = (_FLEETING.sub("…", text) for text in texts)
        return done.exit_code, out, err


@pytest.fixture
def shelves(tmp_path: Path, postgres_url: str) -> tuple[Shelf, Shelf]:
    """The same digits and models in a file and in a database, and photos beside them."""
    draw_photos(tmp_path / "photos")
    with open_repository(tmp_path / "other.db", create=True) as repository:
        store_digits(repository, 70)
        repository.images.set_label([1, 2], "odd", actor="other")
    urls = {"file": str(tmp_path / "shelf.db"), "server": postgres_url}
    for name, url in urls.items():
        (tmp_path / name).mkdir()
        with open_repository(url, create=True) as repository:
            ids = store_digits(repository, 60)
            repository.images.set_label(ids[50:], None, actor="made")
            repository.models.add(digits_model("means"))
            repository.models.add(digits_model("twin"))
    return (
        Shelf(urls["file"], tmp_path, tmp_path / "file"),
        Shelf(urls["server"], tmp_path, tmp_path / "server"),
    )


@pytest.mark.parametrize("story", [EDITS, ANSWERS, FILES], ids=["edits", "answers", "files"])
def test_the_same_words_give_the_same_answers_on_a_file_and_on_a_server(
    story: str, shelves: tuple[Shelf, Shelf]
) -> None:
    file, server = shelves
    codes = set()
    for line in story.strip().splitlines():
        expected = file.said(line)
        assert server.said(line) == expected, line
        assert "internal" not in expected[2], (line, expected)
        codes.add(expected[0])
    assert codes <= {0, 1, 2, 4}
    written = [sorted(p.relative_to(s.out) for p in s.out.rglob("*.png")) for s in shelves]
    assert written[0] == written[1]


def test_what_depends_on_the_backend_is_told_in_the_same_shape(
    shelves: tuple[Shelf, Shelf],
) -> None:
    for line in ("db info --json", "db init --json", "doctor --json"):
        file, server = (json.loads(shelf.said(line)[1]) for shelf in shelves)
        assert {name: type(value) for name, value in server.items()} == {
            name: type(value) for name, value in file.items()
        }
    info = json.loads(shelves[1].said("db info --json")[1])
    assert (info["backend"], info["images"], info["models"]) == ("postgresql", 60, 2)


def test_a_database_is_merged_into_a_file_and_exported_into_another(
    shelves: tuple[Shelf, Shelf], tmp_path: Path
) -> None:
    _, server = shelves
    file = Shelf(str(tmp_path / "new.db"), tmp_path, tmp_path)
    assert file.said("db init")[0] == 0
    code, _, error = file.said(f"merge {shlex.quote(server.url)} --json")
    assert (code, error) == (0, "")
    with open_repository(server.url) as one, open_repository(file.url) as other:
        query = parse("")
        assert [image.sha256 for image in one.images.examples(query)] == [
            image.sha256 for image in other.images.examples(query)
        ]
        assert one.stats().labels == other.stats().labels


WORK = """
label id<=5 cat
tag add odd id<=4
tag rm odd 2
split --ratios 80/10/10
labels rename cat Katze
rm id:8 --yes
restore id:8
undo 3
redo
predict --query id<=40 --save
problems
duplicates near --distance 10 --keep first --apply
import FOLDER/photos
merge FOLDER/other.db
models rename twin zwilling
models rm zwilling --yes
db check --deep
db backup OUT/backup.db
db vacuum --yes
"""


def test_whoever_has_the_rights_that_the_document_names_can_do_all_the_work(
    shelves: tuple[Shelf, Shelf], postgres_server: Server
) -> None:
    grants = re.findall(r"^    (GRANT .*) TO anna;$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert len(grants) == 2
    _, owned = shelves
    role, hidden = "anna", "open sesame"
    with psycopg.connect(owned.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{hidden}'".encode())
        for grant in grants:
            connection.execute(f"{grant} TO {role}".encode())
    try:
        name = re.sub(r".*@/(\w+)\?.*", r"\1", owned.url)
        url = postgres_server.url(name, user=role, password=hidden)
        shelf = Shelf(url, owned.folder, owned.out)
        for line in WORK.strip().splitlines():
            code, _, error = shelf.said(line)
            assert code == 0, (line, error)
    finally:
        with psycopg.connect(owned.url, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


@pytest.mark.slow
def test_the_tour_of_the_readme_runs_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    draw_photos(tmp_path / "photos")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "pixshelf"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    program.chmod(0o755)
    # What opens the file as a file is of no use here.
    lines = [line for line in commands(*TOUR) if not line.startswith(("export ", "python3 "))]
    assert len(lines) > 40
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euo pipefail", *lines])],
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PIXSHELF_DB": postgres_url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "120 images added" in done.stdout
    assert (tmp_path / "model.tflite").read_bytes()[4:8] == b"TFL3"
    assert "<html" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    with open_repository(tmp_path / "photos-backup.db") as backup:
        assert backup.stats().images == 120
        assert len(backup.runs.all()) == 2
        assert list(backup.check()) == []
    assert not (tmp_path / "photos.db").exists()
