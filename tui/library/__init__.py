"""The parts of the library: its query line, its filters, its list."""
