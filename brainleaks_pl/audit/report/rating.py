"""Pictures that people rate blind: which ones, in what order, and what may be shown of them.

Whoever rates must not be told what they are asked. An item is therefore called by a digest of its picture, and nothing
else of it is shown; whoever has the audit's files finds out anew which reconstruction or training picture it is. The
report itself is not blind: its later sections show many of the same pictures, with class, attack and origin. They are
covered while pictures are rated, and the page asks to rate them first.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from brainleaks_pl.audit.grouping import done
from brainleaks_pl.audit.report.parts import Audit, Picture
from brainleaks_pl.audit.report.pictures import Gallery, still
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.names import file_part

MOST = 60
"""Most pictures to rate, unless there are more pairs of a target and an attack: of each there is one at least."""
FEW = 10
"""So many real pictures there are at least, if the audit has as many: with fewer, chance is hard to tell from skill."""
RATINGS = "brainleaks_pl.ratings/1"
"""The format of the files of answers that the page saves."""

_ALT = "picture to rate"
_MOST_NAME = 60  # characters of the title in the name of the file that the page saves


class Source(NamedTuple):
    """Where a picture comes from; target and attack are None for a picture of the training data."""

    label: int
    target: str | None
    attack: str | None


@dataclass(frozen=True)
class Item:
    """A picture to rate.

    Args:
        key: a digest of the picture, which tells nothing else of it.
        shown: its pixels, uint8 ``(C, H, W)``, or its spikes, ``(T, C, H, W)``.
        sources: where it comes from, each class of each attack once; attacks that fail often draw the same picture.
    """

    key: str
    shown: Tensor
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Choice:
    """A class to choose: its label, its name, and the mean of its training data, where that is known."""

    label: int
    name: str
    mean: Picture | None


@dataclass(frozen=True)
class Sheet:
    """All that there is to rate of an audit.

    Args:
        digest: of what the audit's attacks have drawn: answers belong to the audit of the same digest.
        items: the pictures, in the order in which they are shown.
        choices: the classes to choose from.
        file: name of the file of answers.
    """

    digest: str
    items: tuple[Item, ...]
    choices: tuple[Choice, ...]
    file: str


def rating_sheet(audit: Audit, gallery: Gallery) -> Sheet:
    """Return what there is to rate of an audit: the same pictures whenever it is asked.

    Reconstructions are those of the main cells. Each pair of a target and an attack has the same number of pictures, as
    far as it has as many different ones, and so have the real pictures, or :data:`FEW` of them if that is more. These
    are controls: of images the training images nearest to the reconstructions, of events the training recordings that
    the report shows. Within each, classes have equal shares. Chance decides on all else, by digests of the pictures, so
    that nobody can pick.

    Args:
        audit: the content of ``audit.json``. Cells whose pictures are missing or damaged are left out.
        gallery: its pictures.
    """
    cells = [(cell, gallery.stored(cell)) for cell in done(audit["cells"])]
    cells = [(cell, stored) for cell, stored in cells if {"reconstruction", "nearest"} <= stored.keys()]
    moving = bool(cells) and all({"spikes", "real"} <= stored.keys() for _, stored in cells)
    drawn, real = ("spikes", "real") if moving else ("reconstruction", "nearest")
    names = list(map(printable, audit["data"].get("class_names") or []))
    facts = [[printable(cell["target"]), printable(cell["attack"]), cell["seed"], cell["classes"]] for cell, _ in cells]
    sha = hashlib.sha256(json.dumps([names, facts]).encode())
    for _, stored in cells:
        for key in (drawn, real):
            sha.update(_bytes(stored[key]))
    digest = sha.hexdigest()

    pools: defaultdict[tuple[str | None, str | None], dict[str, Item]] = defaultdict(dict)
    for cell, stored in cells:
        for pair, pictures in (((cell["target"], cell["attack"]), stored[drawn]), ((None, None), stored[real])):
            for label, shown in zip(cell["classes"], pictures.unbind(1 if moving else 0), strict=True):
                key = hashlib.sha256(digest.encode() + _bytes(shown)).hexdigest()[:16]
                item = pools[pair].setdefault(key, Item(key, shown, ()))
                source = Source(int(label), *pair)
                if source not in item.sources:
                    pools[pair][key] = replace(item, sources=(*item.sources, source))
    real_ones = max(FEW, MOST // max(1, len(pools)))
    each = max(1, (MOST - real_ones) // max(1, len(pools) - 1))
    items: dict[str, Item] = {}
    for pair, pool in pools.items():
        for item in _balanced(list(pool.values()))[: each if pair != (None, None) else real_ones]:
            before = items.get(item.key)
            items[item.key] = item if before is None else replace(before, sources=before.sources + item.sources)
    order = sorted(items.values(), key=lambda item: hashlib.sha256(item.key.encode()).digest())
    return Sheet(digest, tuple(order), _choices(names, cells), f"ratings-{file_part(audit['title'])[:_MOST_NAME]}.json")


def rating_page(sheet: Sheet, gallery: Gallery) -> dict[str, Any]:
    """Return what the page shows of a sheet while it is rated: of each item its key and its picture, nothing else.

    ``immediate`` says whether one digit names any class.

    Args:
        sheet: what there is to rate.
        gallery: the audit's pictures.
    """

    def picture(shown: Tensor) -> Picture:
        return gallery.bare_animation(shown, _ALT) if shown.ndim == 4 else still(shown, "", _ALT)

    return {
        "digest": sheet.digest,
        "file": sheet.file,
        "format": RATINGS,
        "choices": sheet.choices,
        "immediate": all(choice.label < 10 for choice in sheet.choices),
        "moving": any(item.shown.ndim == 4 for item in sheet.items),
        "items": [{"key": item.key, "picture": picture(item.shown)} for item in sheet.items],
    }


def _balanced(pool: list[Item]) -> list[Item]:
    """Return items by chance, but so that the first ones are of different classes."""
    seen: defaultdict[int, int] = defaultdict(int)
    placed = []
    for item in sorted(pool, key=lambda item: item.key):
        label = item.sources[0].label
        placed.append((seen[label], item.key, item))
        seen[label] += 1
    return [item for *_, item in sorted(placed, key=lambda entry: entry[:2])]


def _choices(names: list[str], cells: list[tuple[dict[str, Any], dict[str, Tensor]]]) -> tuple[Choice, ...]:
    means: dict[int, Picture] = {}
    for cell, stored in cells:
        for label, pixels in zip(cell["classes"], stored.get("class_mean", ()), strict=False):
            if label not in means:
                means[int(label)] = still(pixels, "", "mean of the class")
    labels = range(len(names)) if names else sorted({int(label) for cell, _ in cells for label in cell["classes"]})
    return tuple(Choice(label, names[label] if names else str(label), means.get(label)) for label in labels)


def _bytes(tensor: Tensor) -> bytes:
    return str(tuple(tensor.shape)).encode() + tensor.to(torch.uint8).contiguous().numpy().tobytes()
