"""Configs that name a base: what is merged, which key wins, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from brainleaks_pl.audit.main import audit_parser
from brainleaks_pl.cli.configs import check_configs
from brainleaks_pl.engine.composing import read_config, with_bases


def write(folder: Path, **configs: str) -> Path:
    """Write configs of these names and return the path of the first."""
    for name, text in configs.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / f"{next(iter(configs))}.yaml"


NETWORKS = """
data: {class_path: MNIST, init_args: {root: data, batch_size: 5}}
judges:
  a: {class_path: A, init_args: {network: CNN, layers: [1, 2]}}
  b: {class_path: B}
"""
MERGED: dict[str, tuple[str, Any]] = {
    "a key": ("seeds: [4]", {"seeds": [4]}),
    "a value deep inside": (
        "data: {init_args: {batch_size: 6}}",
        {"data": {"class_path": "MNIST", "init_args": {"root": "data", "batch_size": 6}}},
    ),
    "the same class again": (
        "data: {class_path: MNIST, init_args: {val_size: 1}}",
        {"data": {"class_path": "MNIST", "init_args": {"root": "data", "batch_size": 5, "val_size": 1}}},
    ),
    "another class, whose arguments are its own": ("data: {class_path: Own}", {"data": {"class_path": "Own"}}),
    "a class by name alone": ("data: Own", {"data": "Own"}),
    "an entry, a list and the arguments of a class that is but named": (
        "judges: {c: {class_path: C}, a: {init_args: {network: {init_args: {kernel: 3}}, layers: [3]}}}",
        {
            "judges": {
                "a": {
                    "class_path": "A",
                    "init_args": {"network": {"class_path": "CNN", "init_args": {"kernel": 3}}, "layers": [3]},
                },
                "b": {"class_path": "B"},
                "c": {"class_path": "C"},
            }
        },
    ),
    "null": ("judges: {b: null}", {"judges": {**yaml.safe_load(NETWORKS)["judges"], "b": None}}),
    "a YAML merge": ("x: &x {batch_size: 7}\ndata: {init_args: {<<: *x}}", {"x": {"batch_size": 7}, "data": {
        "class_path": "MNIST", "init_args": {"root": "data", "batch_size": 7}}}),
}  # fmt: skip


@pytest.mark.parametrize("case", MERGED)
def test_a_config_changes_its_base(case: str, tmp_path: Path) -> None:
    text, changed = MERGED[case]
    path = write(tmp_path, own=f"base: parts/networks.yaml\n{text}\n", parts__networks=NETWORKS)
    assert read_config(path) == {**yaml.safe_load(NETWORKS), **changed}


def test_later_bases_win_and_paths_lead_from_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = write(
        tmp_path,
        own="base: [parts/one.yaml, parts/two.yaml]\nd: 4\n",
        parts__one="base: three.yaml\na: 1\nb: 1\nd: 1\n",
        parts__two="base: three.yaml\nb: 2\nd: 2\n",
        parts__three="b: 3\nc: 3\n",
    )
    assert read_config(path) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_what_has_no_base_is_left_as_it_is_and_scalars_keep_their_style(tmp_path: Path) -> None:
    text = "a: 1  # base\nb: {base: x}\n"
    assert with_bases(text, tmp_path / "own.yaml") is text
    path = write(tmp_path, own='base: b.yaml\nx: "1e3"\ny: 1e3\n', b='z: "off"\n')
    assert with_bases(path.read_text(), path) == 'z: "off"\nx: "1e3"\ny: 1e3\n'


REFUSED = {
    "a base that is missing": ({"own": "base: no.yaml"}, r"own\.yaml: its base \S+no\.yaml is not there"),
    "a folder": ({"own": "base: ."}, r"own\.yaml: its base \S+ cannot be read"),
    "one that is no mapping": ({"own": "base: b.yaml", "b": "[1]"}, r"b\.yaml is not a config: it must hold keys"),
    "an empty one": ({"own": "base: b.yaml", "b": ""}, r"b\.yaml is not a config: it must hold keys and values"),
    "one that is not valid YAML": ({"own": "base: b.yaml", "b": "a: ["}, r"b\.yaml is not valid YAML"),
    "itself": ({"own": "base: own.yaml"}, r"own\.yaml builds on itself: \S+own\.yaml -> \S+own\.yaml"),
    "a circle": (
        {"own": "base: b.yaml", "b": "base: c.yaml", "c": "base: b.yaml"},
        r"own\.yaml builds on itself: \S+own\.yaml -> \S+b\.yaml -> \S+c\.yaml -> \S+b\.yaml",
    ),
    "a number": ({"own": "base: 5"}, r"own\.yaml: base is 5, and must be the path of a YAML file, or a list of paths"),
    "nothing": ({"own": "base:"}, r"own\.yaml: base is null, and must be the path"),
    "no text": ({"own": "base: ''"}, r"own\.yaml: base is '', and must be the path"),
    "a mapping": ({"own": "base: [{a: 1}]"}, r"own\.yaml: base is \{'a': 1\}, and must be the path"),
    "ever more files": (
        {"own": "base: [b.yaml, b.yaml]", "g": "a: 1",
         **{a: f"base: [{b}.yaml, {b}.yaml]" for a, b in pairwise("bcdefg")}},
        r"own\.yaml builds on more than 50 files",
    ),
    "a wrong merge": (
        {"own": "base: b.yaml\na: {<<: 1, b: 2}", "b": "a: {c: 1}"},
        r"own\.yaml is not valid YAML: .*merging",
    ),
    "a class in a base": ({"own": "base: b.yaml", "b": "data: {class_path: null}"}, r"data\.class_path is null"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_base_that_cannot_be_taken_is_refused_in_every_command(case: str, tmp_path: Path) -> None:
    configs, message = REFUSED[case]
    path = write(tmp_path, **configs)
    for verb in ("fit", "audit"):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            check_configs([verb, "--config", str(path)])


def test_the_whole_is_no_larger_than_a_config_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainleaks_pl.system.yaml_files._MOST", 20)
    path = write(tmp_path, own="base: [b.yaml, c.yaml]", b=f"b: [{'1, ' * 15}]", c=f"c: [{'1, ' * 15}]")
    with pytest.raises(ValueError, match=r"own\.yaml is not a config: it holds 35 values"):
        read_config(path)


def test_the_parser_takes_a_base_and_the_command_line_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        own="base: parts/b.yaml\nseeds: [1]\nscoring: {draws: 5}\n",
        parts__b="seeds: [7, 8]\nscoring: {draws: 4, null_draws: 3}\ncontrols: {groups: 2}\n",
        last="base: parts/c.yaml\n",
        parts__c="controls: {groups: 3}\n",
    )
    monkeypatch.chdir(tmp_path / "parts")
    arguments = ["--config", "../own.yaml", "--config", "../last.yaml", "--scoring.null_draws", "2"]
    config = audit_parser().parse_args(arguments)
    assert (config.seeds, config.scoring.draws, config.scoring.null_draws) == ([1], 5, 2)
    assert (config.controls.groups, config.controls.eps) == (3, 0.1)
    assert [path.relative for path in config.config] == ["../own.yaml", "../last.yaml"]
    assert "base" not in audit_parser().dump(config)
