"""Labelling by keys, for every screen that shows images."""
