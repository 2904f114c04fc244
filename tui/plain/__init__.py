"""Text for a terminal, which the command line prints too. Nothing here knows Textual's app."""
