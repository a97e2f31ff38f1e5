"""Names in an audit: none leads out of its folders, and no two things share a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_audit import conduct, network, tiny_audit

from brainleaks_pl import MLP, SpikingMLP
from brainleaks_pl.audit.measures.masking import Masking
from brainleaks_pl.audit.measures.sweep import Sweep
from brainleaks_pl.audit.plan import Cell, Variant
from brainleaks_pl.audit.plan_checks import check_paths

PARTS: dict[str, Any] = {
    "targets": network(SpikingMLP),
    "judges": network(MLP),
    "attacks": tiny_audit().attacks["v1"],
    "measures": Masking(),
}


@pytest.mark.parametrize("key", PARTS)
@pytest.mark.parametrize("name", ["../../evil", "v1 long", "$", "a\nb"])
def test_names_that_are_no_files_are_refused_before_anything_runs(key: str, name: str, tmp_path: Path) -> None:
    named: dict[str, Any] = {key: {**getattr(tiny_audit(), key), name: PARTS[key]}}
    with pytest.raises(ValueError, match=rf"^{key} has a name that no file can have"):
        conduct(tmp_path / "audit", tiny_audit(**named))
    assert not list(tmp_path.rglob("*.*"))


def clash(cells: list[Cell], networks: tuple[str, ...] = ()) -> str:
    with pytest.raises(ValueError, match=r"stored as|too long") as refused:
        check_paths(cells, networks)
    return str(refused.value)


def test_two_cells_with_one_folder_are_named() -> None:
    cells = [Cell(0, Variant("a"), "b-c"), Cell(0, Variant("a-b"), "c")]
    assert clash(cells) == (
        "two attacks would be stored as 'seed0-a-b-c': b-c on a, seed 0; and c on a-b, seed 0. Rename one, or change "
        "its value in measures.sweep."
    )
    probe = Cell(0, Variant("snn"), "v1", "surrogate", "atan")
    assert "two attacks" in clash([probe, Cell(0, Variant("snn"), "v1-atan")])
    check_paths([Cell(0, Variant("snn"), "v1"), Cell(1, Variant("snn"), "v1"), probe], ["snn", "ann"])


def test_two_networks_with_one_checkpoint_are_named() -> None:
    swept = Cell(0, Variant("snn", "beta", 0.5), "v1")
    assert "two networks would be stored as 'snn-beta-0.5'" in clash([swept], ("snn", "snn-beta-0.5"))
    assert "two networks" in clash([], ("snn", "SNN"))
    other = [Cell(0, Variant("snn", "mode", value), "v1") for value in ("a b", "a/b")]
    assert "snn with mode: 'a b'; and snn with mode: 'a/b'" in clash(other)


def test_an_audit_whose_paths_clash_is_refused_before_anything_runs(tmp_path: Path) -> None:
    targets = {**tiny_audit().targets, "snn-beta-0.2": network(SpikingMLP)}
    with pytest.raises(ValueError, match=r"two networks would be stored as 'snn-beta-0.2': snn-beta-0.2; and snn with"):
        conduct(tmp_path, tiny_audit(targets=targets))
    assert not list(tmp_path.rglob("*.pt"))


def test_paths_that_are_too_long_are_refused() -> None:
    assert "too long" in clash([Cell(0, Variant("a" * 100), "b" * 100, "surrogate", "c" * 100)])
    assert "too long" in clash([Cell(0, Variant("snn", "mode", "x" * 300), "v1")])


@pytest.mark.parametrize("value", ["../x", "/etc/x", "a\nb", ("..", "/x")])
def test_values_of_a_sweep_stay_in_their_folder(value: Any) -> None:
    for parameter in ("mode", "../mode"):
        variant = Variant("snn", parameter, value)
        for name in (variant.name, Cell(0, variant, "v1").name):
            assert Path(name).name == name
            assert "\n" not in name


def test_equal_values_of_a_sweep_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"measures.sweep: values gives beta a value twice: \[1, 1.0\]"):
        conduct(tmp_path, tiny_audit(measures={"sweep": Sweep("snn", ["v3"], {"beta": [1, 1.0]})}))
