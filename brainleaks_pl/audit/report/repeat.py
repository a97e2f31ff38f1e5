"""Everything needed to repeat an audit: the run, the networks, the cells, and the code that made them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from brainleaks_pl.audit.grouping import grouped
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table, Value
from brainleaks_pl.audit.report.words import counted, number, spanned
from brainleaks_pl.reporting.text import listed

_PROVENANCE = ("version", "commit", "code", "torch", "threads")
_UNKNOWN = "unknown"


def repeat(audit: Audit) -> Section:
    """Show the run, the networks, every attack, and which code made which cells."""
    run = audit["repeat"]
    facts: dict[str, Value] = {
        "command": run["command"],
        "seeds": ", ".join(map(str, audit["seeds"])),
        "gradients per class": audit["gradients"] if audit["gradients"] is not None else "as each attack's config says",
        "gradients in all": run["gradients"],
        "seconds of attacking and scoring": run["seconds"],
        "commit": run["commit"],
        **{f"hardware: {key}": value for key, value in run["hardware"].items()},
        **{f"version: {key}": value for key, value in run["versions"].items()},
    }
    networks = tuple(
        (role, name, network["class"], network["spiking"], *_accuracies(audit, network), _chance_seeds(audit, network))
        for role, those in (("target", audit["targets"]), ("judge", audit["judges"]))
        for name, network in those.items()
    )
    keys = ("kind", "target", "attack", "seed", "test_accuracy", "restarts", "gradients", "budget", "zero_gradients",
            "seconds")  # fmt: skip
    done = tuple((*(cell[key] for key in keys), _variant(cell)) for cell in audit["cells"] if cell["status"] == "done")
    failed = tuple(
        (*(cell[key] for key in keys[:4]), _variant(cell), cell["error"])
        for cell in audit["cells"]
        if cell["status"] == "failed"
    )
    words = tuple(key.replace("_", " ") for key in keys)
    tables = [
        Table("The run", ("what", "value"), tuple((key, number(value)) for key, value in facts.items())),
        Table(
            "Networks and their test accuracy",
            ("role", "name", "class", "spiking", *(f"seed {seed}" for seed in audit["seeds"]), "at chance"),
            networks,
        ),
    ]
    if audit["cells"]:
        tables.append(Table("Cells: each is one attack on one target", (*words, "variant"), done))
    if audit["runs"]:
        tables.append(_runs(audit))
    provenances = _provenances(audit)
    if provenances:
        tables.insert(1, Table("The code that made the cells", (*_PROVENANCE, "cells"), tuple(provenances)))
    if failed:
        tables.insert(0, Table("Cells that failed", (*words[:4], "variant", "error"), failed))
    return Section(
        "repeat",
        "Everything needed to repeat it",
        "The run, the networks, every attack and the config as it was run. Gradients are those that an attack spent "
        "per class; its budget is the most it was allowed to spend. In audit.json, the `provenance` of each cell "
        "holds digests of its data and of the weights of its target and judges.",
        tuple(_notes(audit, len(failed), len(failed) + len(done))),
        (Group(tables=tuple(tables)),),
        _finding(provenances) if audit["cells"] else _measured(audit["runs"]),
    )


def _runs(audit: Audit) -> Table:
    """Return which measures ran by themselves on each seed, and whether they succeeded."""
    keys = ("measure", "seed", "status", "seconds", "error")
    rows = tuple(tuple(run[key] for key in keys) for run in audit["runs"])
    return Table("Measures that ran by themselves, once per seed", keys, rows)


def _notes(audit: Audit, failed: int, cells: int) -> list[str]:
    notes = [f"{failed} of {cells} cells failed; their errors come first."] if failed else []
    budgeted = [cell for cell in audit["cells"] if cell["status"] == "done" and cell["budget"] is not None]
    for (attack,), those in grouped(budgeted, "attack"):
        early = [cell for cell in those if cell["gradients"] < cell["budget"]]
        if early:
            spent, budget = (spanned(cell[key] for cell in early) for key in ("gradients", "budget"))
            which = "" if len(early) == len(those) else f", in {len(early)} of {len(those)} cells"
            notes.append(f"{attack} spent less than its budget: {spent} of {budget} gradients per class{which}.")
    return notes


def _provenances(audit: Audit) -> list[tuple[Value, ...]]:
    """Return each version of the code that made finished cells, with its number of cells; the unknown comes last."""
    made = [cell["provenance"] for cell in audit["cells"] if cell["status"] == "done"]
    known = Counter(tuple(provenance[key] for key in _PROVENANCE) for provenance in made if provenance)
    rows: list[tuple[Value, ...]] = [(*key, cells) for key, cells in known.items()]
    unknown = len(made) - known.total()
    return [*rows, (*[_UNKNOWN] * len(_PROVENANCE), unknown)] if unknown else rows


def _finding(provenances: list[tuple[Value, ...]]) -> str:
    known = [row for row in provenances if row[0] != _UNKNOWN]
    if not known:
        return "Which code made the cells is not known."
    unknown = sum(int(row[-1] or 0) for row in provenances if row[0] == _UNKNOWN)
    whose = "The others" if unknown else "All cells"
    words = f"Which code made {counted(unknown, 'cell')} is not known. " if unknown else ""
    if len(known) == 1:
        words += f"{whose} were made by one version of the code, with the same version of torch and number of threads."
        return f"{words} Figures that rest on both may compare unlike results." if unknown else words
    differing = [
        key for key, values in zip(_PROVENANCE, zip(*known, strict=True), strict=False) if len(set(values)) > 1
    ]
    return (
        f"{words}{whose if unknown else 'The cells'} were made in {len(known)} different ways, which differ in "
        f"{listed(differing)}: figures that rest on cells of more than one of them may compare unlike results."
    )


def _measured(runs: list[dict[str, Any]]) -> str:
    done = sum(run["status"] == "done" for run in runs)
    return f"No attack was run; {done} of {counted(len(runs), 'run')} of measures succeeded."


def _accuracies(audit: Audit, network: dict[str, Any]) -> tuple[Value, ...]:
    values = list(network["test_accuracy"])
    return tuple((values + [None] * len(audit["seeds"]))[: len(audit["seeds"])])


def _chance_seeds(audit: Audit, network: dict[str, Any]) -> str | None:
    """Return the seeds with which a network recognises test data no better than chance."""
    seeds = [seed for seed, blind in zip(audit["seeds"], network.get("at_chance", ()), strict=False) if blind]
    return f"seed {', '.join(map(str, seeds))}" if seeds else None


def _variant(cell: dict[str, Any]) -> str | None:
    if cell["withheld"] is not None:
        return f"never saw {listed(f'class {label}' for label in cell['withheld'])}"
    if cell["surrogate"] is not None:
        arguments = ", ".join(f"{key}={value}" for key, value in cell["surrogate"].get("init_args", {}).items())
        return f"{cell['surrogate']['class_path'].rpartition('.')[2]}({arguments})"
    return f"{cell['sweep']['parameter']}={cell['sweep']['value']}" if cell["sweep"] is not None else cell["label"]
