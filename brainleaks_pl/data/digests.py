"""Digests of data: equal if every sample and label is, wherever the files are."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from torch import Tensor

MOST_SAMPLES = 1000
"""Samples that are read of a split that has no digest of its own; evenly spread where it has more."""


def digest(settings: dict[str, Any], tensors: Iterable[Tensor] = ()) -> str:
    """Return 16 hexadecimal digits that stand for settings (plain values) and every entry of the tensors."""
    content = hashlib.sha256(json.dumps(settings, default=str).encode())
    for values in tensors:
        content.update(f"{values.dtype} {tuple(values.shape)}".encode())
        content.update(values.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return content.hexdigest()[:16]


def split_digest(split: Any) -> str:
    """Return what stands for the samples and labels of one split.

    That is what its method ``digest()`` returns. Of a data set without one it is made of the number of its samples, of
    all labels, and of :data:`MOST_SAMPLES` samples at most, read with fixed seeds of torch's, numpy's and Python's
    global generators, which are left as they were.
    """
    if callable(getattr(split, "digest", None)):
        return str(split.digest())
    with isolate_rng(include_cuda=False):
        torch.default_generator.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        return digest({"samples": len(split)}, _parts(split))


def _parts(split: Any) -> Iterator[Tensor]:
    yield torch.as_tensor(split.labels)
    number = len(split)
    read = min(number, MOST_SAMPLES)
    for position in range(read):
        yield from (torch.as_tensor(part) for part in split[position * number // read])
