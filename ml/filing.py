"""Picture files that become images of the dataset, together with what a model says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ml.predicting import Predictor, Refused, predict_stored
from storage.errors import RefusedInput
from storage.importing.picture_files import read_named
from storage.pictures import describe
from storage.records import NewImage
from storage.repository import Repository
from storage.splitting import assign_split

CHUNK = 256


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a file: the image it is now, and whether that is new."""

    source: str
    image: int
    new: bool


def as_image(source: str, data: bytes | RefusedInput, label: str | None = None) -> NewImage:
    """A file as an image, in the split that an import would put it into. Raises RefusedInput for
    what is no picture, or could not be read."""
    if isinstance(data, RefusedInput):
        raise data
    facts = describe(data)
    return NewImage(
        data=data,
        sha256=sha256(data).digest(),
        pixel_hash=facts.pixel_hash,
        dhash=facts.dhash,
        width=facts.width,
        height=facts.height,
        channels=facts.channels,
        format=facts.format,
        source=source.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        label=label,
        split=assign_split(facts.pixel_hash, 0),
        thumbnail=facts.thumbnail,
    )


def file_away(
    repo: Repository,
    predictor: Predictor,
    files: Sequence[tuple[str, str | None]],
    *,
    progress: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Iterator[Filed | Refused]:
    """Store each (file, label or None for none) as an image, predict it and store the answer.
    What is in the dataset already keeps its label. Chunk by chunk as the answers are taken;
    `progress` is called with how many files are done."""
    import_id: int | None = None
    for start in range(0, len(files), CHUNK):
        if should_stop():
            return
        chunk = files[start : start + CHUNK]
        images: list[NewImage] = []
        names: list[str] = []
        for name, label in chunk:
            for source, data in read_named([name]):
                try:
                    images.append(as_image(source, data, label))
                    names.append(source)
                except RefusedInput as error:
                    yield Refused(source, error.message)
        if images:
            if import_id is None:
                import_id = repo.images.begin_import("classified files", {})
            added = repo.images.add(images, import_id=import_id)
            ids = [each.id for each in added]
            for _ in predict_stored(repo, predictor, ids, save=True):
                pass
            for name, each in zip(names, added, strict=True):
                yield Filed(name, each.id, each.new)
        progress(start + len(chunk))
