"""Paths: typed, pasted, picked and looked at."""
