"""Models in the forms that other programs read: LiteRT, and Keras' own files."""

from __future__ import annotations

from pathlib import Path

from storage.repository import Repository


def export_model(repo: Repository, model: int, target: Path, *, threads: int | None = None) -> Path:
    """Write a stored model as `.tflite`, `.keras` or `.h5`, by the ending of `target`.

    The file takes uint8 pictures [N, H, W, C] and gives float32 probabilities [N, labels]. It is
    written under a temporary name and put in place whole; an existing file is replaced. The Keras
    forms are made in a child process. Raises UsageError for another ending, NotFound for an
    unknown model, PixshelfError if it cannot be written.
    """
    raise NotImplementedError
