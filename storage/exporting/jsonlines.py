"""JSON Lines with one object an image, with or without the image's bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage.exporting.manifests import Carried, Places, new_manifest, split_word, time_text
from storage.exporting.selected import Progress, counted, records, with_data
from storage.query import Query
from storage.records import ImageRecord
from storage.repository import Repository


def export_jsonl(
    repo: Repository,
    query: Query,
    target: Path,
    *,
    carried: Carried = None,
    progress: Progress | None = None,
) -> int:
    """Write new JSON Lines in UTF-8 with the images that match, in the query's order; says how
    many.

    Each line has `id`, `source`, `label`, `split`, `tags` (a list), `width`, `height`, `channels`,
    `format`, `bytes`, `sha256`, `added_at` and `prediction` (an object or null). `carried` 'files'
    writes each image's bytes into a folder beside it and adds `path`, 'base64' adds `data`; then
    `split` is 'none' for an image without one, and importing the file gives the same images,
    labels, splits and tags. Raises RefusedInput if `target` exists or cannot be written,
    StorageFull.
    """
    tell = counted(repo, query, progress)
    done = 0
    with (
        new_manifest(target, files=carried == "files") as places,
        places.manifest.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for done, row in enumerate(_rows(repo, query, carried, places), start=1):
            file.write(json.dumps(row, ensure_ascii=False))
            file.write("\n")
            tell(done)
    return done


def _rows(
    repo: Repository, query: Query, carried: Carried, places: Places
) -> Iterator[dict[str, Any]]:
    if carried is None:
        for image in records(repo, query):
            yield _facts(image, carried=False)
        return
    for image, data in with_data(repo, query):
        facts = _facts(image, carried=True)
        if carried == "files":
            yield {"path": places.write(image, data), **facts}
        else:
            yield {**facts, "data": base64.b64encode(data).decode("ascii")}


def _facts(image: ImageRecord, *, carried: bool) -> dict[str, Any]:
    said = image.prediction
    return {
        "id": image.id,
        "source": image.source,
        "label": image.label,
        "split": split_word(image, carried=carried) or None,
        "tags": list(image.tags),
        "width": image.width,
        "height": image.height,
        "channels": image.channels,
        "format": image.format,
        "bytes": image.bytes,
        "sha256": image.sha256.hex(),
        "added_at": time_text(image.added_at),
        "prediction": None
        if said is None
        else {
            "model": said.model,
            "label": said.label,
            "confidence": said.confidence,
            "wrong": said.wrong,
        },
    }
