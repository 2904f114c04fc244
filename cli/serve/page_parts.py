"""The browser page's HTML, made of records: pure functions, and every text escaped here.

The frame is static/page.html; nothing from outside ever becomes markup, an attribute's name or a
style. Addresses are relative, so that the page works below a path as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from ml.drawn import DrawnStyle
from ml.pixels import InputSpec
from storage.pictures import FORMATS
from storage.records import ImageRecord

PICTURES = frozenset(name.lower() for name in FORMATS) - {"tiff", "ppm"}
"""The formats that every browser shows."""

_SMALL = 96
"""Pictures up to this side are shown with their pixels, not blurred."""

_ASK = """\
<div id="ways">
<form id="ask" class="card" method="post" action="./#result" enctype="multipart/form-data">
<h2>Choose an image</h2>
<label id="drop" for="image">
<strong>Choose a file</strong>
<span>PNG, JPEG, GIF, BMP, WebP, TIFF, PPM</span>
<input id="image" name="image" type="file" accept="image/*,.ppm,.pgm,.pbm" required>
</label>
<label class="keep"><input id="save" name="save" type="checkbox" value="true"{ticked}> \
<span>Keep it in the dataset, with the tag <code>http</code></span></label>
<button class="main">Predict</button>
</form>
"""

_DRAW = """\
<section id="draw" class="card" aria-labelledby="draw-title">
<h2 id="draw-title">Or draw one</h2>
<canvas id="pad" width="560" height="560" role="img" \
aria-label="Drawing area, for mouse, pen or finger" {style}></canvas>
<p class="row"><button id="clear" type="button" disabled>Clear</button>\
<button id="send" type="button" class="main" disabled>Predict drawing</button></p>
</section>
"""

_DOOR = """\
<form id="door" class="card" method="post" action="token">
<h2>Token</h2>
{problem}
<label for="token">The token that pixshelf serve was started with</label>
<input id="token" name="token" type="password" maxlength="1024" \
autocomplete="current-password" required autofocus>
<button class="main">Open</button>
</form>
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A prediction to show: its picture where that was kept, the `name` it came with, and the most
    probable labels with their shares of 1, highest first, as `model` says. `top` may be empty."""

    name: str
    model: str
    top: tuple[tuple[str, float], ...]
    image: ImageRecord | None = None


@cache
def _frame() -> Template:
    return Template((files(__package__) / "static" / "page.html").read_text("utf-8"))


def document(headline: str, main: str) -> str:
    """The whole page: a line of text beside its name, and what it holds, as HTML."""
    return _frame().substitute(headline=escape(headline), main=main)


def main_part(
    spec: InputSpec | None, style: DrawnStyle | None, result: str, recent: str, *, keep: bool
) -> str:
    """The form with its tick, the drawing area where the model knows drawings, the result and what
    was before: nothing where that is not known."""
    pad = ""
    if spec is not None and style is not None:
        numbers = {
            "width": spec.width,
            "height": spec.height,
            "dark": int(style.dark),
            "box": round(style.box, 4),
            "pen": round(style.pen, 4),
        }
        pad = _DRAW.format(style=" ".join(f'data-{key}="{each}"' for key, each in numbers.items()))
    return (
        f"{_ASK.format(ticked=' checked' if keep else '')}{pad}</div>\n"
        '<section id="result" class="card" aria-live="polite" aria-labelledby="result-title">\n'
        f"{_RESULT}{result}</section>\n"
        f'<section id="recent" class="card" aria-labelledby="recent-title"'
        f"{'' if recent else ' hidden'}>\n{recent}</section>\n"
    )


def door_part(problem: str = "") -> str:
    """The form that asks for the token."""
    return _DOOR.format(problem=problem)


def refused_part(problem: str) -> str:
    """A problem alone, and the way back."""
    return (
        f'<section class="card">\n{problem}<p><a href="./">Back to the page</a></p>\n</section>\n'
    )


_RESULT = '<h2 id="result-title">Prediction</h2>\n'


def empty_result() -> str:
    """What stands where the prediction will be."""
    return (
        f'<div class="answer"><figure class="none">{_frame_of("no image yet")}</figure>'
        '<p class="empty">The labels and their probabilities appear here.</p></div>\n'
    )


_NOT_LISTED = "The dataset has had this image before. Recent lists new ones."


def result_part(shown: Shown, *, listed: bool = True) -> str:
    """The picture with its bars; and why it is not listed among the recent ones, where it is not
    though it is stored."""
    picture = "not kept" if shown.image is None else _picture(shown.image, "The image")
    frame = _frame_of(picture, sent=shown.image is None)
    caption = escape(shown.name)
    if shown.image is not None:
        caption += f" · image {shown.image.id}" if caption else f"image {shown.image.id}"
    if shown.top:
        label, share = shown.top[0]
        said = (
            f'<p class="said"><b>{escape(label)}</b> <span>{_percent(share)}</span></p>\n'
            f'<ul class="bars">\n{"".join(map(_bar, shown.top))}</ul>\n'
            f'<p class="note">by the model {escape(shown.model)}{_truth(shown.image)}</p>\n'
        )
    else:
        said = '<p class="empty">No model has said anything of this image.</p>\n'
    if not listed:
        said += f'<p class="note">{_NOT_LISTED}</p>\n'
    return (
        f'<div class="answer">\n<figure>{frame}<figcaption>{caption}</figcaption></figure>\n'
        f"<div>\n{said}</div>\n</div>\n"
    )


def _bar(row: tuple[str, float]) -> str:
    label, share = row
    return (
        f'<li><b title="{escape(label)}">{escape(label)}</b> <data value="{share:.6f}">'
        f'{_percent(share)}</data> <svg aria-hidden="true"><rect width="{100 * share:.2f}%" '
        'height="100%"/></svg></li>\n'
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _truth(image: ImageRecord | None) -> str:
    if image is None or image.label is None:
        return ""
    return f"; labelled {escape(image.label)}"


def _picture(image: ImageRecord, alt: str) -> str:
    if image.format not in PICTURES:
        return escape(image.format.upper())
    small = ' class="small"' if max(image.width, image.height) <= _SMALL else ""
    return (
        f'<img src="images/{image.id}/file" alt="{escape(alt)}" width="{image.width}" '
        f'height="{image.height}" loading="lazy" decoding="async"{small}>'
    )


def _frame_of(inside: str, *, sent: bool = False) -> str:
    return f'<div class="frame"{" data-sent" if sent else ""}>{inside}</div>'


def problem_part(status: int, title: str, detail: str, hint: str | None) -> str:
    """A problem, plainly: what it is, what to do, and what it is called by programs."""
    more = f"<p>{escape(hint)}</p>" if hint else ""
    return (
        f'<div class="problem" role="alert"><strong>{escape(detail)}</strong>{more}'
        f"<small>{status} {escape(title)}</small></div>\n"
    )


def recent_part(images: Sequence[ImageRecord]) -> str:
    """The images that came in last, each a link to what was said of it."""
    title = '<h2 id="recent-title">Recent</h2>\n'
    if not images:
        return f'{title}<p class="empty">New images that are kept appear here.</p>\n'
    return f"{title}<ol>\n{''.join(map(_recent, images))}</ol>\n"


def _recent(image: ImageRecord) -> str:
    said = image.prediction
    label = "no prediction" if said is None else said.label
    share = "" if said is None else _percent(said.confidence)
    return (
        f'<li><a href="./?image={image.id}#result">{_frame_of(_picture(image, ""))}'
        f'<span class="name">{escape(label)}</span> <span class="share">{share}</span></a></li>\n'
    )
