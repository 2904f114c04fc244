"""How good a model is, as figures to walk through."""
