"""The report: one page that shows what was measured, holds everything, and trusts nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ml.curves import MOST_POINTS, Curve, learning_curves
from ml.evaluating import MISTAKES, Evaluation, evaluate
from ml.markup import Markup, tag
from ml.pixels import InputSpec
from ml.report import report_page, write_report
from ml.report_charts import curves_chart, nice_ticks
from ml.report_sections import thumbnail
from storage.errors import RefusedInput
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.records import EpochMetrics, RunRecord
from storage.repository import Repository
from tests.making import checkpoint, epoch, new_run
from tests.ml_fixtures import (
    digits_model,
    digits_weights,
    linear_litert,
    picture,
    store_digits,
)

HOSTILE = "<script>alert(1)</script>\"'&\x1b[2J\u202e"
AT = 1_700_000_000


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name in names]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "digits.db", create=True) as opened:
        run_id = opened.runs.create(new_run())
        for number in (1, 2):
            opened.runs.record_epoch(run_id, epoch(number), last=checkpoint(number))
        opened.models.add(replace(digits_model(), run=run_id))
        store_digits(opened, 300)
        yield opened


def page_of(repository: Repository, evaluation: Evaluation | None = None) -> str:
    shown = evaluation or evaluate(repository, None, "test", save=False)
    return report_page(repository, shown, at=AT, program="pixshelf 1.2.3")


def hostile_repository(path: Path) -> Repository:
    """A dataset whose labels, model, run and file names are all markup."""
    repository = open_repository(path, create=True)
    labels = ("\"><img src=x onerror='1'>", "</style><script>1</script>")
    run = replace(new_run("<b>run</b>"), settings={"name": HOSTILE}, versions={HOSTILE: HOSTILE})
    run_id = repository.runs.create(run)
    weights, bias = digits_weights()
    litert = linear_litert(weights[:2], bias[:2], InputSpec(8, 8, 1))
    model = replace(digits_model(), name=HOSTILE, labels=labels, litert=litert, run=run_id)
    repository.models.add(model)
    images = [
        picture(
            np.full((8, 8), at, np.uint8),
            label=labels[at % 2],
            split="test",
            source=f"{at}/<svg onload=alert(1)>.png",
        )
        for at in range(8)
    ]
    import_id = repository.images.begin_import("made", {})
    repository.images.add(images, import_id=import_id)
    return repository


# The page


def test_the_page_has_every_section_and_the_figures(repository: Repository) -> None:
    evaluation = evaluate(repository, None, "test")
    page = Elements(page_of(repository, evaluation))
    ids = {attributes.get("id") for _, attributes in page.found}
    sections = ("confusion", "confused", "labels", "calibration", "learning", "mistakes")
    assert ids >= {*sections, "balance", "origin"}
    low, high = evaluation.accuracy_interval
    for text in (
        f"{100 * evaluation.accuracy:.2f} %",
        f"95 % interval {100 * low:.2f} % to {100 * high:.2f} %",
        f"{evaluation.calibration.loss:.4f}",
        evaluation.data_digest.hex(),
        "14 November 2023, 22:13 UTC",
        "pixshelf 1.2.3",
        (b"d" * 32).hex(),
    ):
        assert text in page.text


def test_the_page_is_the_same_for_the_same_evaluation(repository: Repository) -> None:
    assert page_of(repository) == page_of(repository)


def test_nothing_comes_from_outside_and_nothing_runs(repository: Repository) -> None:
    page = page_of(repository)
    elements = Elements(page)
    assert not elements.named("script", "link", "iframe", "object", "base", "form")
    for attributes in (found for _, found in elements.found):
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:image/", "#"))
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_allows_exactly_the_pages_own_style_sheet(repository: Repository) -> None:
    page = page_of(repository)
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = (
        each["content"] or ""
        for each in Elements(page).named("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_names_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    with hostile_repository(tmp_path / "hostile.db") as repository:
        page = page_of(repository)
    elements = Elements(page)
    assert not elements.named("script", "b onerror")
    assert all("onerror" not in found and "onload" not in found for _, found in elements.found)
    assert all((found["src"] or "").startswith("data:") for found in elements.named("img"))
    assert "<script>alert(1)</script>" in elements.text
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("<style>") == 1


def test_each_mistake_is_a_picture_that_its_pair_links_to(repository: Repository) -> None:
    evaluation = evaluate(repository, None, "test")
    elements = Elements(page_of(repository, evaluation))
    ids = [found.get("id") for found in elements.named("figure") if found.get("id")]
    assert ids == [f"image-{mistake.image}" for mistake in evaluation.mistakes]
    links = [(found["href"] or "")[1:] for found in elements.named("a")]
    assert set(links) == set(ids)
    assert len(elements.named("img")) == len(ids) <= MISTAKES


def test_many_labels_are_a_picture_and_the_page_stays_small(tmp_path: Path) -> None:
    many = 700
    labels = tuple(f"label {at}" for at in range(many))
    weights, bias = np.zeros((many, 64), np.float32), np.zeros(many, np.float32)
    litert = linear_litert(weights, bias, InputSpec(8, 8, 1))
    with open_repository(tmp_path / "many.db", create=True) as repository:
        repository.models.add(replace(digits_model(), labels=labels, litert=litert))
        images = [
            picture(np.full((8, 8), at, np.uint8), label=labels[at], split="test")
            for at in range(200)
        ]
        import_id = repository.images.begin_import("made", {})
        repository.images.add(images, import_id=import_id)
        page = page_of(repository)
    elements = Elements(page)
    assert "These 15 labels have the lowest F1." in elements.text
    assert "The first 500 of 700 labels" in elements.text
    assert elements.named("details")
    assert "Confusion matrix of 700 labels" in page
    assert len(page) < 400_000


def test_a_model_without_a_run_has_a_report_without_learning_curves(tmp_path: Path) -> None:
    with open_repository(tmp_path / "plain.db", create=True) as repository:
        repository.models.add(digits_model())
        store_digits(repository, 20)
        page = page_of(repository)
    assert "Learning curves" not in page


def test_a_folder_that_is_not_empty_is_refused(repository: Repository, tmp_path: Path) -> None:
    evaluation = evaluate(repository, None, "test", save=False)
    folder = tmp_path / "report"
    assert write_report(repository, evaluation, folder, at=AT, program="p").is_file()
    with pytest.raises(RefusedInput, match="not overwritten"):
        write_report(repository, evaluation, folder, at=AT, program="p")


# Pictures


def test_a_large_picture_becomes_a_small_jpeg_and_a_small_one_stays_sharp() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    address, tiny = thumbnail(encode_png(noise))
    assert address.startswith("data:image/jpeg;base64,")
    assert not tiny
    assert len(address) < 60_000
    address, tiny = thumbnail(encode_png(noise[:28, :28]))
    assert address.startswith("data:image/png;base64,")
    assert tiny


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(RefusedInput):
        thumbnail(b"GIF89a" + b"\0" * 20)


# Markup


def test_only_markup_is_not_escaped() -> None:
    inner = tag("b", "a<b & 'c'")
    assert inner == "<b>a&lt;b &amp; &#x27;c&#x27;</b>"
    assert tag("p", inner, None, 3, [Markup("<i></i>")], class_='"x', data_id=1.5) == (
        f'<p class="&quot;x" data-id="1.5">{inner}3<i></i></p>'
    )


# Curves


def run_of(epochs: int, members: int, done: int | None = None) -> RunRecord:
    rows = tuple(
        EpochMetrics(at, at, 1.0, 0.1, 1 / at, 0.5, None if at % 2 else 2.0, 0.5)
        for at in range(1, (done or epochs) + 1)
    )
    return RunRecord(
        id=1,
        name="r",
        status="done",
        seed=0,
        settings={"recipe": {"members": members}},
        labels=("a", "b"),
        data_digest=b"",
        versions={},
        total_epochs=epochs,
        total_steps=epochs,
        pid=None,
        started_at=0,
        finished_at=None,
        error=None,
        model=None,
        epochs=rows,
    )


def test_each_network_of_an_ensemble_has_curves_of_its_own() -> None:
    curves = learning_curves(run_of(6, 3))
    losses = [each for each in curves if (each.what, each.part) == ("loss", "train")]
    assert [[at for at, _ in each.points] for each in losses] == [[1, 2], [3, 4], [5, 6]]
    assert [each.member for each in losses] == [0, 1, 2]


def test_epochs_without_validation_are_left_out_of_its_curve() -> None:
    (losses,) = (
        each for each in learning_curves(run_of(5, 1)) if (each.what, each.part) == ("loss", "val")
    )
    assert [at for at, _ in losses.points] == [2, 4]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    points = learning_curves(run_of(5_000, 1))[0].points
    assert len(points) <= MOST_POINTS + 1
    assert (points[0][0], points[-1][0]) == (1, 5_000)


def test_a_run_without_epochs_has_no_curves() -> None:
    assert learning_curves(replace(run_of(5, 1), epochs=())) == ()


@pytest.mark.parametrize("value", [0.0, 1.0, float("nan"), float("inf"), 1e300])
def test_a_curve_of_any_values_is_drawn(value: float) -> None:
    drawn = curves_chart([Curve("loss", "train", 0, ((1, 0.5), (2, value)))], "loss")
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_ticks_are_round_and_within_reach() -> None:
    assert nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert nice_ticks(1, 30) == [0, 10, 20, 30]
    assert nice_ticks(3, 3) == [3]
