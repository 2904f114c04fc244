"""A model's answers for files and stored images."""
