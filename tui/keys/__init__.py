"""The keys as the user has them, and what is made of them: help, palette, menus."""
