"""Damage to files, and what readers may make of it (`from damage import ...`)."""

from __future__ import annotations

import random
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

LONGEST = 20
"""Seconds after which a reader hangs."""


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The content with bits flipped, bytes replaced, or parts cut off, removed, put in, doubled, zeroed or swapped."""
    content = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        at, length = dice.randrange(len(content) + 1), dice.choice([1, 2, 4, 8, 64, 512])
        match dice.randrange(9):
            case 0 | 1 if at < len(content):
                content[at] ^= 1 << dice.randrange(8)
            case 2 if at < len(content):
                content[at] = dice.choice([0, 1, 127, 128, 255, dice.randrange(256)])
            case 3:
                del content[at:]
            case 4:
                del content[at : at + length]
            case 5:
                content[at:at] = dice.randbytes(length)
            case 6:
                content += content[at : at + length]
            case 7:
                content[at : at + length] = bytes(len(content[at : at + length]))
            case _:
                other = dice.randrange(len(content) + 1)
                content[at : at + length], content[other : other + length] = (
                    content[other : other + length], content[at : at + length],
                )  # fmt: skip
    return bytes(content)


@contextmanager
def in_time() -> Iterator[None]:
    def late(_: int, frame: FrameType | None) -> None:
        raise AssertionError(f"the reader hangs at {frame}")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Reader:
    """A kind of file, and who reads it.

    Args:
        name: of the file, in a folder that ``read`` is given.
        content: what it holds when it is sound.
        read: reads it; returns something that compares, or raises.
        plain: what is right for a content that was read, or raises ValueError where it should have been refused; None
            where formats hold nothing that tells.
        number: of damaged files.
    """

    name: str
    content: bytes
    read: Callable[[Path], Any]
    plain: Callable[[bytes], Any] | None
    number: int


def problem(reader: Reader, folder: Path, content: bytes) -> str | None:
    """What is wrong with how a file was read or refused."""
    (folder / reader.name).write_bytes(content)
    try:
        with warnings.catch_warnings(), in_time():
            warnings.simplefilter("ignore")
            found = reader.read(folder)
    except (ValueError, OSError) as error:
        said = str(error)
        if reader.name not in said:
            return f"{type(error).__name__} without the file's name: {said[:200]}"
        return "a message of several lines" if len(said.splitlines()) > 1 else None
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    if reader.plain is None:
        return None
    try:
        return None if found == reader.plain(content) else "read wrongly"
    except ValueError as error:
        return f"read, but {error}"


def problems(reader: Reader, folder: Path, number: int) -> Counter[str]:
    """Damage a file so many times; what was wrong, and how often."""
    assert problem(reader, folder, reader.content) is None
    dice, found = random.Random(reader.name), Counter[str]()
    for _ in range(number):
        content = damaged(reader.content, dice)
        if wrong := problem(reader, folder, content):
            found[wrong] += 1
    return found
