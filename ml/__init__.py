"""Training, evaluation and prediction on a Repository. Knows no screen and no SQL."""
