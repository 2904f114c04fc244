"""The SQLite form of Repository: one dataset file. All SQL for it stays in this package."""
