"""Runs and models: their records, names and what can be done with them."""
