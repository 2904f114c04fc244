"""Images and what is known of them, out of a dataset: folders, CSV and npz.

Every export is whole or not there: it is written under another name and renamed at its end. What
is there already is never overwritten.
"""

from __future__ import annotations

from storage.exporting.folder import export_folder
from storage.exporting.npz import export_npz
from storage.exporting.table import export_csv

__all__ = ["export_csv", "export_folder", "export_npz"]
