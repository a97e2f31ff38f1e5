"""Suggests what somebody probably meant who misspelt a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_FEW = 8


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like a word, whatever its case; None where none is."""
    names = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what a message about an unknown word ends in: the nearest known name, or else all of them, if few.

    Args:
        word: what was given.
        known: the names that would have been right.

    Returns:
        Such as ``; did you mean `steps`?``, or ``""`` where nothing helps.
    """
    known = list(dict.fromkeys(known))
    meant = closest(word, known)
    if meant is not None:
        return f"; did you mean `{meant}`?"
    return f"; known are {', '.join(known)}" if 0 < len(known) <= _FEW else ""
