"""One module for each command. Each has `app`, a Typer with that command or that group."""
