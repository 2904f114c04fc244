"""Several people and programs write one dataset at once, each in a process of its own: no action is
lost, each knows what the one before it left, and the history names who did what.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.opening import open_repository
from storage.query import parse
from storage.repository import Repository
from tests.faults.harness import ROOT, TIMEOUT, environment, make_images
from tests.making import add_images, new_image, new_model

ACTIONS = 40
"""Actions of each person; raise it to try them for longer by hand."""

IMAGES = 60
"""Images that are there at first: 20 for each of two people, and 20 that both work on."""

IMPORTED = 300

# Every program says that it is ready, and begins when it is told to, so that all run at once.
_BEGIN = """
import json, sys
from storage.errors import NotReady
from storage.opening import open_repository
from storage.query import parse
from storage.records import Checkpoint, EpochMetrics, NewPrediction, NewRun
given = json.loads(sys.argv[1])
with open_repository(given["url"], wait=60) as repository:
    print("ready", flush=True)
    sys.stdin.readline()
"""
# Labels, tags and moves its own images and those that are everybody's, and now and then takes back
# what it did last, or its last two; tells every action, and which were taken back.
_PERSON = (
    _BEGIN
    + """
    images, shared, name = given["own"], given["shared"], given["name"]
    told = []
    for turn in range(given["actions"]):
        some = images if turn % 2 else shared
        few = [some[(turn + step) % len(some)] for step in range(3)]
        match turn % 8:
            case 6:
                change = repository.images.add_tag
                action = change(few, f"{name} {turn}", actor=name)
            case 7:
                action = repository.images.set_split(
                    {few[0]: "train", few[1]: "val", few[2]: None}, actor=name, summary="by hand"
                )
            case _:
                action = repository.images.set_label(few, f"{name} {turn}", actor=name)
        told.append([action.id, action.images, False])
        if turn % 4 == 1:
            last = told[-1:] if turn % 8 == 1 else told[:-3:-1]
            try:
                repository.history.undo(len(last), expected=[one[0] for one in last])
            except NotReady:
                continue
            for one in last:
                one[2] = True
    print(json.dumps(told), flush=True)
"""
)
# Writes what a training writes: epochs with checkpoints, and in the end predictions.
_TRAINER = (
    _BEGIN
    + """
    run = NewRun("run", 7, {}, ("a", "b"), b"d" * 32, {}, given["epochs"], 10, 1)
    run_id = repository.runs.create(run)
    with repository.runs.hold(run_id):
        for epoch in range(1, given["epochs"] + 1):
            metrics = EpochMetrics(epoch, epoch, 1.0, 0.01, 0.7, 0.6, 0.8, 0.5)
            last = Checkpoint(epoch, epoch, b"w" * 50_000, b"o" * 50_000)
            repository.runs.record_epoch(run_id, metrics, last=last, best=last)
            answers = [
                NewPrediction(image, "a", 0.75, 0.5, bytes(8))
                for image in repository.images.ids(parse(""))
            ]
            repository.predictions.save(given["model"], answers)
    repository.runs.finish(run_id, "done")
    print(run_id, flush=True)
"""
)
# Reads until it has seen the last action; what it counts agrees at every moment.
_READER = (
    _BEGIN
    + """
    looks, seen = 0, 0
    while seen < given["actions"]:
        newest = repository.history.actions(limit=1)
        assert not newest or newest[0].id >= seen, (newest, seen)
        seen = newest[0].id if newest else 0
        stats = repository.stats()
        assert stats.images == stats.unlabelled + sum(stats.labels.values()), stats
        page = repository.images.page(parse("sort:-id"), limit=5)
        assert all(repository.images.data(image.id) for image in page.images)
        looks += 1
    print(looks, flush=True)
"""
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a dataset of a few images is, all with the label 'old', and a model."""
    if request.param == "sqlite":
        place = str(tmp_path / "shelf.db")
    else:
        place = str(request.getfixturevalue("postgres_url"))
    with open_repository(place, create=True) as repository:
        add_images(repository, *(new_image(n, label="old") for n in range(IMAGES)))
        repository.models.add(new_model("a", "b"))
    return place


@dataclass(slots=True)
class Program:
    """A program that waits for its start."""

    process: subprocess.Popen[str]

    @classmethod
    def started(cls, code: str, **given: object) -> Program:
        """Start it and wait until it is ready."""
        program = cls(_popen([sys.executable, "-c", code, json.dumps(given)]))
        assert program.process.stdout is not None
        line = program.process.stdout.readline()
        assert line == "ready\n", (line, program.process.communicate(timeout=TIMEOUT))
        return program

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def lines(self) -> list[str]:
        """What it said, when it has ended well."""
        return ended(self.process).splitlines()


def test_no_action_is_lost_where_two_label_and_others_import_train_and_read(
    url: str, tmp_path: Path
) -> None:
    pictures = make_images(tmp_path / "pictures", IMPORTED)
    ids = list(range(1, IMAGES + 1))
    own = {"ann": ids[:20], "bob": ids[20:40]}
    people = {
        name: Program.started(
            _PERSON, url=url, name=name, own=images, shared=ids[40:], actions=ACTIONS
        )
        for name, images in own.items()
    }
    trainer = Program.started(_TRAINER, url=url, model=1, epochs=8)
    reader = Program.started(_READER, url=url, actions=2 * ACTIONS)
    importer = command(url, "import", pictures)
    for program in (*people.values(), trainer, reader):
        program.go()
    told = {name: json.loads(one.lines()[0]) for name, one in people.items()}
    ended(importer)
    (run,) = trainer.lines()
    assert int(reader.lines()[0]) > 0
    with open_repository(url) as repository:
        assert list(repository.check()) == []
        assert_every_action_is_there(repository, told)
        for image in ids:
            assert_unbroken(repository, image)
        assert_counts_agree(repository, IMAGES + IMPORTED)
        assert {who(repository, image) for image in own["ann"]} == {frozenset({"ann"})}
        assert {who(repository, image) for image in ids[40:]} == {frozenset({"ann", "bob"})}
        assert len(repository.runs.get(int(run)).epochs) == 8


def test_the_history_names_who_gave_a_command(url: str) -> None:
    names = ("ann", "bob", "cid")
    labelling = [command(url, "label", "id<=30", name, LOGNAME=name) for name in names]
    for process in labelling:
        ended(process)
    with open_repository(url) as repository:
        actions = repository.history.actions()
        assert {(one.actor, one.summary) for one in actions} == {
            (f"cli:{name}", f"label '{name}'") for name in names
        }
        assert [one.images for one in actions] == [30, 30, 30]
        for image in (1, 30):
            assert_unbroken(repository, image)
        assert repository.labels.counts()[actions[0].summary.split("'")[1]] == 30


def assert_every_action_is_there(repository: Repository, told: dict[str, list[list[int]]]) -> None:
    """What each was told is done stands in the history under their name, and nothing else does; and
    what they took back is taken back, and nothing else is."""
    actions = {action.id: action for action in repository.history.actions(limit=10_000)}
    assert set(actions) == set(range(1, 1 + sum(map(len, told.values()))))
    for name, said in told.items():
        ids = [one for one, _, _ in said]
        assert ids == sorted(ids)
        assert said == [
            [one, actions[one].images, actions[one].state != "done"]
            for one in ids
            if actions[one].actor == name
        ]
    for action in actions.values():
        assert len(repository.history.events(action.id)) == action.images > 0


def assert_unbroken(repository: Repository, image: int) -> None:
    """Every event that was not taken back begins with what the one before it left, and the last
    left what there is now."""
    label: str | None = "old"
    split: str | None = None
    tags: set[str | None] = set()
    all_events = reversed(repository.history.of_image(image))
    for action, event in (each for each in all_events if each[0].state == "done"):
        match action.kind:
            case "label":
                assert event.before == label, (image, action, event)
                label = event.after
            case "split":
                assert event.before == split, (image, action, event)
                split = event.after
            case _:
                assert (action.kind, event.before) == ("tag", None)
                assert event.after not in tags
                tags.add(event.after)
    record = repository.images.get(image)
    assert (record.label, record.split, {*record.tags}) == (label, split, tags)


def assert_counts_agree(repository: Repository, images: int) -> None:
    """However they are counted, there are as many images, and as many of each label."""
    everything = list(repository.images.examples(parse("")))
    assert len(everything) == repository.images.count(parse("")) == images
    assert repository.stats().images == images
    by_label = Counter(example.label for example in everything)
    assert repository.stats().labels == {name: by_label[name] for name in by_label if name}
    by_split = Counter(example.split or "none" for example in everything)
    assert repository.stats().splits == by_split


def who(repository: Repository, image: int) -> frozenset[str]:
    """Everybody who did anything to an image."""
    return frozenset(action.actor for action, _ in repository.history.of_image(image))


def ended(process: subprocess.Popen[str]) -> str:
    """What a process said, when it has ended well."""
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, (out, err)
    return out


def command(url: str, *words: object, **surroundings: str) -> subprocess.Popen[str]:
    """`pixshelf --db URL --wait 60 WORDS…`, started."""
    argv = [sys.executable, "-m", "cli", "--db", url, "--wait", "60", *map(str, words)]
    return _popen(argv, **surroundings)


def _popen(argv: list[str], **surroundings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**environment(), **surroundings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
