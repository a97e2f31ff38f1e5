"""Configs and values that could only fail later, or never end: refused at once, by key."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonargparse import Namespace

from brainleaks_pl import MNIST, Scoring
from brainleaks_pl.cli.configs import check_configs
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.engine.values import check_values

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(9 * [f'*{before}'])}]\n" for before, after in pairwise("abcdefghi")
)
CONFIGS = {
    "aliases": (BOMB, r"it holds \d+ values, aliases written out, over 20000"),
    "an alias to itself": ("a: &a [*a]\n", "nested more than 50 deep, or holds an alias to itself"),
    "deep": ("[" * 60 + "]" * 60, "nested more than 50 deep"),
    "deeper": ("[" * 20_000, "is nested too deeply|is not valid YAML"),
    "long": ("a: " + "x" * 1_000_001, "it is 1000004 bytes long, more than 1000000"),
    "no YAML": ("a: [", "is not valid YAML"),
    "no date": ("a: 2024-99-99", "is not valid YAML"),
    "a tag": ("a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
    "no class": ("data: {class_path: null}", r"data\.class_path is null, and must be the name of a class"),
    "no arguments": (
        "judges: {a: {class_path: B, init_args: [1]}}",
        r"judges\.a\.init_args is \[1\], and must be the arguments of B by name",
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("given", [["--config", "{}"], ["--config={}"]])
def test_a_config_that_is_none(case: str, given: list[str], tmp_path: Path) -> None:
    text, message = CONFIGS[case]
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"c\.yaml.*({message})"):
        check_configs(["fit", *(part.format(tmp_path / "c.yaml") for part in given)])


def test_other_texts_and_long_arguments(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ValueError, match=r"c\.yaml is not UTF-8 text"):
        check_configs(["fit", "--config", str(tmp_path / "c.yaml")])
    with pytest.raises(ValueError, match="an argument is 20011 characters long, more than 10000: use a config file"):
        check_configs(["fit", "--attack.x=" + "x" * 20_000])
    (tmp_path / "c.yaml").write_text("a: &a [1, 2]\nb: [*a, *a]\n")
    check_configs(["fit", "--config", str(tmp_path / "c.yaml"), "--config", "data: {class_path: MNIST5k}"])


def mnist(**arguments: Any) -> Namespace:
    return Namespace(data=Namespace(class_path="brainleaks_pl.MNIST", init_args=Namespace(**arguments)))


VALUES: dict[str, tuple[Any, str]] = {
    "null for a number": (mnist(val_size=None), r"^data\.val_size is null, and must be a whole number: set it"),
    "null for text or path": (mnist(root=None), r"^data\.root is null, and must be text or of the type Path"),
    "null of a base class": (mnist(batch_size=None), r"^data\.batch_size is null"),
    "null for a section": ({"scoring": None}, r"^scoring is null, and must be of the type Scoring"),
    "null in a section": ({"scoring": {"draws": None}}, r"^scoring\.draws is null, and must be a whole number"),
    "nan": ({"x": {"y": [float("nan")]}}, r"^x\.y is nan: give a finite number"),
    "inf": (mnist(val_size=float("inf")), r"^data\.val_size is inf"),
    "2**63": (mnist(val_size=2**63), r"^data\.val_size is 9223372036854775808, which is too large"),
    "null in a trainer": ({"trainer": {"devices": None}}, r"^trainer\.devices is null, and must be"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_that_no_constructor_can_take(case: str) -> None:
    config, message = VALUES[case]
    with pytest.raises(ValueError, match=message):
        check_values(
            config.as_dict() if isinstance(config, Namespace) else config,
            {"data": MNIST, "scoring": Scoring, "trainer": InversionTrainer},
        )


def test_values_that_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    config = mnist(encoder=None, val_size=2**62).as_dict() | {"attack": None, "trainer": {"max_epochs": None}}
    check_values(config, {"data": MNIST, "trainer": InversionTrainer})
    check_values({"model": {"class_path": "torch.nn.Hardtanh", "init_args": {"max_val": float("inf")}}}, {})
    check_values({"model": {"class_path": "no.such.Class", "init_args": {"x": None}}}, {})


def test_a_pipe_is_left_to_the_parser(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    check_configs(["fit", "--config", str(tmp_path / "pipe")])  # would wait for ever
