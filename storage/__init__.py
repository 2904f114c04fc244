"""The dataset: records, the query language, the Repository protocol, its backends, importers and
exporters. Knows nothing of models, screens or commands."""
