"""The report's sections, each from the figures it shows to its HTML.

Where a table would grow with the dataset it is cut, and says so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from ml.curves import Curve
from ml.markup import Child, Markup, data_uri, join, tag
from ml.report_charts import bar, curves_chart, reliability_chart
from ml.report_style import SHADES
from storage.errors import RefusedInput
from storage.pictures import open_picture, to_mode

if TYPE_CHECKING:
    from ml.evaluating import Evaluation
    from ml.metrics import ClassScore
    from ml.mistakes import Mistake
    from storage.repository import Repository

MATRIX_UP_TO = 30
"""With more labels than this the matrix is a picture, without numbers."""

FOLDED_FROM = 30
"""With more labels than this their tables are folded."""

PICTURE_UP_TO = 2_000
MOST_PAIRS = 15
MOST_ROWS = 500
TINY = 96
"""Pictures up to this side are kept as they are, larger ones become JPEGs of at most PICTURE."""

PICTURE = 240
EXAMPLES = 3
"""How many pictures a confused pair is linked to."""

_LONGEST = 400
_BLUE = (52, 132, 204)


def heading(evaluation: Evaluation, when: str) -> Markup:
    """The title and the few figures to take away."""
    low, high = evaluation.accuracy_interval
    now, before = evaluation.calibration, evaluation.uncalibrated
    tiles = [
        (
            "accuracy",
            _percent(evaluation.accuracy),
            f"95 % interval {_percent(low)} to {_percent(high)}",
        ),
        ("macro F1", _percent(evaluation.macro.f1), "mean over labels"),
        ("loss", f"{now.loss:.4f}", f"{before.loss:.4f} before calibration"),
        ("calibration error", _percent(now.ece), f"{_percent(before.ece)} before calibration"),
    ]
    if evaluation.top3 is not None:
        tiles.insert(
            1, ("top-3 accuracy", _percent(evaluation.top3), "label among the first three")
        )
    wrong = sum(map(sum, evaluation.confusion)) - round(evaluation.accuracy * evaluation.n)
    return tag(
        "header",
        tag("h1", f"{evaluation.model} on {evaluation.split}"),
        tag("p", f"{_images(evaluation.n)}, {wrong:,} wrong. {when}.", class_="soft"),
        tag(
            "ul",
            [
                tag(
                    "li",
                    tag("span", name),
                    tag("b", value),
                    tag("span", remark),
                    class_="first" if at == 0 else None,
                )
                for at, (name, value, remark) in enumerate(tiles)
            ],
            class_="tiles",
        ),
        [tag("p", note, class_="soft") for note in evaluation.notes],
    )


def confusion(evaluation: Evaluation) -> Markup:
    """The confusion matrix: a table, or a picture where the labels are many."""
    labels, counts = evaluation.labels, evaluation.confusion
    told = "Rows are true labels, columns what the model said. Shades follow the share of a row."
    if len(labels) > PICTURE_UP_TO:
        shown = tag("p", f"Left out: {len(labels):,} labels are too many to draw.", class_="soft")
    elif len(labels) > MATRIX_UP_TO:
        shown = tag(
            "img",
            class_="heat",
            src=data_uri("image/png", _heat_map(counts)),
            alt=f"Confusion matrix of {len(labels)} labels; the most confused pairs are below",
        )
    else:
        shown = tag("div", _matrix(counts, labels), class_="wide")
    return tag("section", _title("Confusion matrix", "confusion"), tag("p", told), shown)


def confused(evaluation: Evaluation) -> Markup:
    """The most confused pairs, with the pictures below that show them."""
    if not evaluation.confused:
        return tag(
            "section", _title("Most confused", "confused"), tag("p", "Nothing was mistaken.")
        )
    examples: dict[tuple[str, str], list[int]] = {}
    for mistake in evaluation.mistakes:
        examples.setdefault((mistake.truth, mistake.predicted), []).append(mistake.image)
    rows = [
        (
            pair.truth,
            pair.predicted,
            f"{pair.images:,}",
            _percent(pair.share, 1),
            [
                join([_link(image, str(image)), " "])
                for image in examples.get((pair.truth, pair.predicted), [])[:EXAMPLES]
            ],
        )
        for pair in evaluation.confused[:MOST_PAIRS]
    ]
    heads = ("true", "predicted", "count", "of the label", "worst images")
    return tag("section", _title("Most confused", "confused"), _table(heads, rows, right={2, 3}))


def labels(evaluation: Evaluation) -> Markup:
    """Each label's scores; where they are many, those with the lowest F1, and the rest folded."""
    mean = evaluation.macro
    means = (mean.precision, mean.recall, mean.f1)
    rows = {label: _score_row(label, score) for label, score in evaluation.per_class.items()}
    last = ("mean over labels", *(_percent(value, 1) for value in means), f"{evaluation.n:,}")
    heads = ("label", "precision", "recall", "F1", "images")
    numbers = {1, 2, 3, 4}
    told = (
        "Precision is the share of the images so called that truly are so; recall the share of "
        "those that truly are so that were so called; F1 their harmonic mean."
    )
    shown = [_table(heads, [*rows.values(), last], right=numbers)]
    if len(rows) > FOLDED_FROM:
        present = [(score.f1, at) for at, score in evaluation.per_class.items() if score.support]
        lowest = [
            rows[label] for _, label in sorted(present, key=lambda pair: pair[0])[:MOST_PAIRS]
        ]
        told += f" These {len(lowest)} labels have the lowest F1."
        shown = [
            _table(heads, [*lowest, last], right=numbers),
            _folded(_table(heads, list(rows.values())[:MOST_ROWS], right=numbers), len(rows)),
        ]
    return tag("section", _title("Labels", "labels"), tag("p", told), shown)


def _score_row(label: str, score: ClassScore) -> tuple[str, ...]:
    shares = (score.precision, score.recall, score.f1)
    return (label, *(_percent(share, 1) for share in shares), f"{score.support:,}")


def calibration(evaluation: Evaluation) -> Markup:
    """The reliability diagram, before and after temperature scaling."""
    now, before = evaluation.calibration, evaluation.uncalibrated
    scaled = abs(evaluation.temperature - 1) > 1e-6
    told = (
        "A point is the images of one band of confidence: on the line the model is as often right "
        "as it is sure, below it too sure, above it not sure enough. Larger points hold more."
    )
    keys: list[Child] = [_key("val", "as it predicts")]
    rows = [("as it predicts", _percent(now.ece), f"{now.loss:.4f}")]
    if scaled:
        keys.append(_key("raw", f"before temperature scaling (T = {evaluation.temperature:.3g})"))
        rows.append(("before temperature scaling", _percent(before.ece), f"{before.loss:.4f}"))
    chart = reliability_chart(now.reliability, before.reliability if scaled else None)
    bins = [
        (
            f"{100 * each.low:.0f} to {100 * each.high:.0f} %",
            f"{each.images:,}",
            _percent(each.confidence, 1),
            _percent(each.accuracy, 1),
        )
        for each in now.reliability
    ]
    return tag(
        "section",
        _title("Calibration", "calibration"),
        tag("p", told),
        tag(
            "div",
            tag("figure", chart, tag("figcaption", keys)),
            tag(
                "div",
                _table(("", "calibration error", "loss"), rows, right={1, 2}),
                _table(("confidence", "images", "mean", "right"), bins, right={1, 2, 3}),
            ),
            class_="charts",
        ),
    )


def learning(curves: Sequence[Curve]) -> Markup | None:
    """Loss and accuracy over the epochs; None without a run or epochs."""
    if not curves:
        return None
    charts = [tag("figure", curves_chart(curves, what)) for what in ("loss", "accuracy")]
    keys: list[Child] = [_key("train", "training images"), _key("val", "validation images")]
    members = len({curve.member for curve in curves})
    told = f"{members} networks were trained one after the other. " if members > 1 else ""
    return tag(
        "section",
        _title("Learning curves", "learning"),
        tag("p", told, keys),
        tag("div", charts, class_="charts"),
    )


def mistakes(repo: Repository, evaluation: Evaluation) -> Markup:
    """The worst mistakes as pictures. Raises NotFound for an image that is gone."""
    title = _title("Worst mistakes", "mistakes")
    if not evaluation.mistakes:
        return tag("section", title, tag("p", "There are none."))
    told = (
        "Wrong, and most sure of it. Often it is the label that is wrong: ",
        tag("code", f"pixshelf show {evaluation.mistakes[0].image}"),
        " shows an image, ",
        tag("code", "pixshelf label"),
        " puts it right.",
    )
    shown = [_mistake(repo, mistake) for mistake in evaluation.mistakes]
    return tag("section", title, tag("p", *told), tag("div", shown, class_="pictures"))


def balance(counts: Mapping[str, Counter[str]]) -> Markup:
    """How many images of the whole dataset each label has, by split."""
    splits = ("train", "val", "test", "none")
    highest = max((sum(counter.values()) for counter in counts.values()), default=1)
    rows = [
        (
            label,
            *(f"{counter[split]:,}" for split in splits),
            bar([(split, counter[split] / highest) for split in splits[:3]]),
        )
        for label, counter in list(counts.items())[:MOST_ROWS]
    ]
    heads = ("label", "train", "val", "test", "no split", "")
    table = _table(heads, rows, right={1, 2, 3, 4})
    return tag(
        "section",
        _title("Class balance", "balance"),
        tag("p", "All labelled images of the dataset."),
        table if len(counts) <= FOLDED_FROM else _folded(table, len(counts)),
    )


def facts(values: Mapping[str, object]) -> Markup:
    """Names and values; nested ones as 'name value', those of None left out."""
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", _written(value)))
        for name, value in values.items()
        if value is not None
    ]
    return tag("div", tag("table", tag("tbody", rows), class_="facts"), class_="wide")


def thumbnail(data: bytes) -> tuple[str, bool]:
    """A picture encoded anew, as a data URI, and whether its pixels should be shown as squares.
    Raises RefusedInput for bytes that are no picture."""
    picture = to_mode(open_picture(data), 3)
    buffer = BytesIO()
    if max(picture.size) <= TINY:
        picture.save(buffer, "PNG", optimize=True)
        return data_uri("image/png", buffer.getvalue()), True
    picture.thumbnail((PICTURE, PICTURE))
    picture.save(buffer, "JPEG", quality=80, optimize=True)
    return data_uri("image/jpeg", buffer.getvalue()), False


def _mistake(repo: Repository, mistake: Mistake) -> Markup:
    data = repo.images.thumbnail(mistake.image) or repo.images.data(mistake.image)
    try:
        address, tiny = thumbnail(data)
        alt = f"Image {mistake.image}"
        shown = tag("img", src=address, alt=alt, class_="tiny" if tiny else None)
    except RefusedInput as error:
        shown = tag("span", error.message)
    source = repo.images.get(mistake.image).source
    return tag(
        "figure",
        tag("div", shown, class_="frame"),
        tag(
            "figcaption",
            tag("b", mistake.predicted, class_="wrong"),
            f" {_percent(mistake.confidence, 1)}",
            tag("br"),
            "is ",
            tag("b", mistake.truth, class_="right"),
            tag("br"),
            _link(mistake.image, f"image {mistake.image}"),
            tag("br"),
            tag("span", _cut(source.rpartition("/")[2], 60), title=_cut(source, _LONGEST)),
        ),
        id=f"image-{mistake.image}",
    )


def _matrix(counts: Sequence[Sequence[int]], names: Sequence[str]) -> Markup:
    heads = [tag("th", _cut(name, 24), scope="col") for name in names]
    corner = tag("th", "true \\ predicted", class_="corner")
    rows = []
    for at, (name, row) in enumerate(zip(names, counts, strict=True)):
        total = sum(row)
        cells = [
            tag("td", f"{count:,}" if count else "·", class_=_shade(count, total, at == column))
            for column, count in enumerate(row)
        ]
        rows.append(tag("tr", tag("th", _cut(name, 24), scope="row"), cells))
    return tag("table", tag("thead", tag("tr", corner, heads)), tag("tbody", rows), class_="matrix")


def _shade(count: int, total: int, right: bool) -> str:
    """By the square root of the share, so that few mistakes are still seen."""
    share = count / total if total else 0.0
    at = min(SHADES - 1, math.ceil((SHADES - 1) * math.sqrt(share)))
    return f"s{at} d" if right and count else f"s{at}"


def _heat_map(counts: Sequence[Sequence[int]]) -> bytes:
    """A pixel for each cell, as a PNG: the darker the share, the less the page shines through."""
    import numpy as np
    from PIL import Image

    cells = np.asarray(counts, np.float64)
    shares = cells / cells.sum(axis=1, keepdims=True).clip(min=1)
    pixels = np.empty((*cells.shape, 4), np.uint8)
    pixels[..., :3] = _BLUE
    pixels[..., 3] = np.rint(255 * np.sqrt(shares))
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[Child | list[Markup]]], *, right: set[int]
) -> Markup:
    """A table whose first column heads its rows; `right` are the columns of numbers."""

    def cell(at: int, child: Child | list[Markup]) -> Markup:
        if at == 0:
            return tag("th", child, scope="row")
        return tag("td", child, class_="n" if at in right else None)

    titles = [
        tag("th", head, scope="col", class_="n" if at in right else None)
        for at, head in enumerate(heads)
    ]
    body = [tag("tr", [cell(at, child) for at, child in enumerate(row)]) for row in rows]
    return tag(
        "div", tag("table", tag("thead", tag("tr", titles)), tag("tbody", body)), class_="wide"
    )


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        parts = [f"{name} {_written(each)}" for name, each in value.items() if each is not None]
        return _cut(", ".join(parts), _LONGEST)
    return _cut(f"{value:.6g}" if isinstance(value, float) else str(value), _LONGEST)


def _key(name: str, text: str) -> Markup:
    line = tag("line", x1=0, x2=28, y1=6, y2=6, class_=f"line {name}")
    drawn = tag("svg", line, class_="chart", viewBox="0 0 28 12", aria_hidden="true")
    return tag("span", drawn, text, class_="key")


def _link(image: int, text: str) -> Markup:
    return tag("a", text, href=f"#image-{image}")


def _title(text: str, place: str) -> Markup:
    return tag("h2", text, id=place)


def _folded(table: Markup, total: int) -> Markup:
    """A long table that opens on a click, without any script."""
    shown = f"The first {MOST_ROWS:,} of {total:,}" if total > MOST_ROWS else f"All {total:,}"
    return tag("details", tag("summary", f"{shown} labels"), table)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
