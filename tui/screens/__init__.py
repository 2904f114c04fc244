"""The sections of the app, a module each, imported when they are first opened."""
