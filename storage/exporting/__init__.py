"""Images and what is known of them, out of a dataset: folders, manifests, arrays, other datasets.

Every export is whole or not there: it is written under another name and renamed at its end. What
is there already is never overwritten.
"""

from __future__ import annotations

from storage.exporting.dataset import export_dataset
from storage.exporting.folder import export_folder
from storage.exporting.idx import export_idx
from storage.exporting.imagefolder import export_imagefolder
from storage.exporting.jsonlines import export_jsonl
from storage.exporting.npz import export_npz
from storage.exporting.table import export_csv

__all__ = [
    "export_csv",
    "export_dataset",
    "export_folder",
    "export_idx",
    "export_imagefolder",
    "export_jsonl",
    "export_npz",
]
