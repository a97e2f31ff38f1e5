"""Names, titles and sentences for pictures and pages, whatever characters people use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from unicodedata import east_asian_width

LITERAL: Any = {"text.parse_math": False, "text.usetex": False}
"""Settings under which matplotlib draws a text as it is: a dollar in a name is a dollar."""

_BREAKS = re.compile("[\t-\r\x85\u2028\u2029]+")
# control characters, orders of writing, half characters (from names of files that are no text), and no characters
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return a text with ``\N{REPLACEMENT CHARACTER}`` for what no page can show; its lines stay."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Return a printable text without breaks between lines."""
    return printable(_BREAKS.sub(" ", text))


def width(line: str) -> int:
    """Return how many letters' space a line takes: wide ones, as of Chinese, take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)


def short(text: str, length: int = 26) -> str:
    """Return a line no wider than ``length`` letters: its middle goes, because names often differ at their ends."""
    text = one_line(text)
    if width(text) <= length:
        return text
    head, tail = text[: length // 2], text[len(text) - (length - 1 - length // 2) :]
    while width(head) > length // 2:
        head = head[:-1]
    while width(tail) > length - 1 - length // 2:
        tail = tail[1:]
    return f"{head}…{tail}"


def entry(line: str) -> str:
    """Return a line as an entry of a legend, of which matplotlib would leave out those that begin with ``_``."""
    return f" {line}" if line.startswith("_") else line


_COMPARED = {"real": "real test data", "noise": "noise", "prior_alone": "the prior alone"}


def judged(name: str, scores: Mapping[str, Any]) -> str:
    """Return in a sentence what share of reconstructions a judge recognises, and of the nulls that it was shown.

    Args:
        name: of the judge.
        scores: what ``scores.json`` holds of it.
    """
    share = "attack_accuracy"
    nulls = [
        f"{scores['nulls'][null][share]['mean']:.1%} of {words}"
        for null, words in _COMPARED.items()
        if null in scores["nulls"]
    ]
    compared = f", compared with {listed(nulls)}" if nulls else ""
    return f"{name} recognises {scores[share]['mean']:.1%} of the reconstructions{compared}."


def listed(words: Iterable[str]) -> str:
    """Return words, one at least, as a sentence lists them: ``a``, ``a and b``, ``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
