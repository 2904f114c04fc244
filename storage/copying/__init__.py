"""A dataset copied whole, with the same ids, between any two backends: see `copy_dataset`."""

from storage.copying.copy import CopyReport, Progress, copy_dataset

__all__ = ["CopyReport", "Progress", "copy_dataset"]
