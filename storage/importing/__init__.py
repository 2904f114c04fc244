"""Pictures from outside into a dataset: folders, archives, IDX, npz and manifests.

`storage.importing.pipeline.import_source` is the way in; `storage.importing.sources` names the
formats and says what a source is. Nothing here is loaded by importing the package.
"""
