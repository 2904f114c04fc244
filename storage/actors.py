"""Who is named in the history: the door that an action came through, and the user's login name."""

from __future__ import annotations

LONGEST = 64


def actor_of(door: str) -> str:
    """'cli:alice' for the door 'cli'; 'cli' alone where the system knows no name. The name is that
    of LOGNAME or USER, else of the account; what is not printable in it is left out."""
    from getpass import getuser

    try:
        name = getuser()
    except (KeyError, OSError, ImportError):
        name = ""
    shown = "".join(character for character in name if character.isprintable()).strip()[:LONGEST]
    return f"{door}:{shown}" if shown else door


def others_name(actor: str) -> str | None:
    """The name in an action's actor, where it is not the present user's; None where it is, or where
    either has none."""
    (_, _, name), (_, _, own) = actor.partition(":"), actor_of("").partition(":")
    return name if name and own and name != own else None
