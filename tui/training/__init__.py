"""A training from its form to its end."""
