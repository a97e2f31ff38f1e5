"""The house: imports point one way, networks know no Lightning, targets no attack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from brainleaks_pl.evaluation.provenance import BESIDE

PACKAGE = Path(__file__).parents[1] / "brainleaks_pl"
ROOMS = (
    "system", "events", "encoders", "data", "networks", "targets", "priors", "attacks", "leakage", "engine",
    "evaluation", "membership", "reporting", "export", "audit", "cli",
)  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            yield from [name.name for name in node.names]


def test_every_module_lives_in_a_room() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__", "configs"} == set(ROOMS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_room_imports_one_that_stands_on_it() -> None:
    for position, room in enumerate(ROOMS):
        above = {f"brainleaks_pl.{other}" for other in ROOMS[position + 1 :]}
        for path in (PACKAGE / room).rglob("*.py"):
            upwards = [name for name in imports(path) if any(name.startswith(f"{other}.") for other in above)]
            assert not upwards, f"{path.relative_to(PACKAGE)} imports {upwards}"


def test_networks_know_neither_lightning_nor_data() -> None:
    for path in (PACKAGE / "networks").rglob("*.py"):
        strange = [name for name in imports(path) if name.startswith(("lightning", "brainleaks_pl.data"))]
        assert not strange, f"{path.relative_to(PACKAGE)} imports {strange}"


def test_frameworks_are_not_needed_until_they_are_used() -> None:
    ours = ("spikingjelly", "norse", "sinabs", "rockpool", "nir", "h5py", "nirtorch")
    for path in PACKAGE.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        top = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top]
        assert not [name for name in names if name and name.split(".")[0] in ours], path


def test_an_audit_knows_its_measures_by_what_they_have_in_common() -> None:
    audit = PACKAGE / "audit"
    allowed = {"base", "standard"}
    for path in [*audit.glob("*.py"), *(audit / "report").rglob("*.py")]:
        named = {name.split(".")[3] for name in imports(path) if name.startswith("brainleaks_pl.audit.measures.")}
        assert named <= allowed if path.parent == audit else not named, path


def test_measures_know_nothing_of_how_an_audit_is_run() -> None:
    running = {f"brainleaks_pl.audit.{name}" for name in ("conduct", "document", "main", "measure_run", "run")}
    for path in (PACKAGE / "audit" / "measures").glob("*.py"):
        assert not [name for name in imports(path) if name.rpartition(".")[0] in running], path


def test_measures_that_decide_results_have_their_code_noted() -> None:
    deciding = set()
    for path in (PACKAGE / "audit" / "measures").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            hooks = {part.name for part in getattr(node, "body", ()) if isinstance(part, ast.FunctionDef)}
            if isinstance(node, ast.ClassDef) and node.name != "Measure" and hooks & {"of_attack", "run"}:
                deciding.add(f"audit/measures/{path.name}")
    assert deciding == {name for name in BESIDE if name.startswith("audit/measures/")}
