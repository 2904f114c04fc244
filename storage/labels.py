"""What a label, a tag or a model's name may be. Everything that stores a label or a tag, from
whatever source, comes through here, so that the same word typed on two machines is one label."""

from __future__ import annotations

import unicodedata

from storage.errors import RefusedInput

LONGEST = 200
"""The most characters that a label or a tag may have."""

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def clean_label(text: str) -> str:
    """The label that `text` names: without space around it, in Unicode's composed form (NFC).

    Any printable character will do, emoji and quotes too. Raises RefusedInput for an empty label,
    one of more than 200 characters, and one with a control character or a line break in it.
    """
    return _clean(text, "label")


def clean_tag(text: str) -> str:
    """The tag that `text` names; the rules are those of a label, and no comma may be in it, since
    commas part the tags of a list. Raises RefusedInput."""
    tag = _clean(text, "tag")
    if "," in tag:
        raise RefusedInput(
            f"the tag {_shown(tag)} has a comma in it", hint="Give two tags, one after the other."
        )
    return tag


def clean_name(text: str) -> str:
    """The name that `text` gives a model; the rules are those of a label. It may not be a number,
    which would look like an id. Raises RefusedInput."""
    name = _clean(text, "name")
    if name.isdecimal():
        raise RefusedInput(
            f"the name {_shown(name)} is a number, which stands for a model's id",
            hint="Put a letter into it.",
        )
    return name


def clean_tags(texts: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Every text as a tag, each once, in the order first seen. Raises RefusedInput."""
    return tuple(dict.fromkeys(clean_tag(text) for text in texts))


def _clean(text: str, noun: str) -> str:
    label = unicodedata.normalize("NFC", text.strip()) if not text.isascii() else text.strip()
    if not label:
        raise RefusedInput(f"the {noun} is empty", hint=f"A {noun} needs at least one character.")
    if len(label) > LONGEST:
        raise RefusedInput(
            f"the {noun} {_shown(label)} has {len(label)} characters; {LONGEST} are the most",
            hint=f"Choose a shorter {noun}.",
        )
    for character in label:
        if unicodedata.category(character) in _UNPRINTABLE:
            raise RefusedInput(
                f"the {noun} {_shown(label)} has a control character, U+{ord(character):04X}",
                hint=f"A {noun} is one line of printable text.",
            )
    return label


def _shown(text: str) -> str:
    return ascii(text) if len(text) <= 40 else ascii(text[:40]) + "…"
