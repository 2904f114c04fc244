"""What a user may choose, as rows to change and as a file."""
