"""The grid of images: what is computed without a widget in modules of its own, and the widget."""
