"""What every screen stands on: the dataset's threads, edits, dialogs, the bars around a section."""
