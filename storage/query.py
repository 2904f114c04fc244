"""The query language, shared by the command line and the full-screen app."""
