"""What is drawn in a terminal. Knows no SQL and no TensorFlow."""
