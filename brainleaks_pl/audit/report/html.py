"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from brainleaks_pl.audit.report.further import ceiling, masking, over_time, sweep
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table, Value
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.scores import agreement, differences, scores
from brainleaks_pl.audit.report.seen import reconstructions
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.storage import write_text

FORMAT = "brainleaks_pl.audit/1"
"""The format of the audits that this report reads."""

_TEMPLATES = "templates"


def render_report(audit: Audit, folder: Path) -> str:
    """Return the report of an audit as one page of HTML.

    Style, script and pictures are inside the page; nothing is fetched. Whatever the audit says is escaped, and
    characters that no page can show are replaced.

    Args:
        audit: the content of ``audit.json``.
        folder: the folder of ``audit.json``, which the cells' folders are relative to. A cell whose ``pictures.pt``
            is missing or damaged is shown without pictures.

    Raises:
        ValueError: when the audit is of another format.
    """
    if audit.get("format") != FORMAT:
        raise ValueError(
            f"the report reads audits of the format {FORMAT!r}, got {audit.get('format')!r}. Run the audit again with "
            "this version, or make the report with the version that ran it."
        )
    audit = _printable(audit)
    looks, gallery = Looks(audit), Gallery(audit, folder)
    sections = (
        scores(audit, looks),
        reconstructions(audit, gallery),
        agreement(audit, looks, gallery),
        ceiling(audit, looks),
        over_time(audit, looks),
        masking(audit, looks),
        sweep(audit, looks),
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, _TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["pretty"] = partial(json.dumps, indent=2, ensure_ascii=False)
    return environment.get_template("report.html.j2").render(
        audit=audit,
        differences=differences(audit, looks),
        sections=sections,
        repeat=_repeat(audit),
        style=_asset("style.css"),
        script=_asset("sort.js"),
    )


def write_html(audit: Audit, folder: Path) -> None:
    """Write :func:`render_report` to ``folder/report.html``, atomically.

    Args:
        audit: the content of ``audit.json``.
        folder: its folder.

    Raises:
        ValueError: as :func:`render_report`.
        OSError: when the file cannot be written.
    """
    write_text(folder / "report.html", render_report(audit, folder))


def _printable(value: Any) -> Any:
    """Return plain values with all texts printable."""
    if isinstance(value, dict):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return printable(value) if isinstance(value, str) else value


def _repeat(audit: Audit) -> Section:
    repeat = audit["repeat"]
    facts: dict[str, Value] = {
        "command": repeat["command"],
        "seeds": ", ".join(map(str, audit["seeds"])),
        "gradients a class": audit["gradients"] if audit["gradients"] is not None else "as each attack's config says",
        "gradients in all": repeat["gradients"],
        "seconds of attacking and scoring": repeat["seconds"],
        "commit": repeat["commit"],
        **{f"hardware: {key}": value for key, value in repeat["hardware"].items()},
        **{f"version: {key}": value for key, value in repeat["versions"].items()},
    }
    networks = tuple(
        (role, name, network["class"], network["spiking"], *_accuracies(audit, network), _chance_seeds(audit, network))
        for role, those in (("target", audit["targets"]), ("judge", audit["judges"]))
        for name, network in those.items()
    )
    keys = ("kind", "target", "attack", "seed", "test_accuracy", "restarts", "gradients", "zero_gradients", "seconds")
    done = tuple((*(cell[key] for key in keys), _variant(cell)) for cell in audit["cells"] if cell["status"] == "done")
    failed = tuple(
        (*(cell[key] for key in keys[:4]), _variant(cell), cell["error"])
        for cell in audit["cells"]
        if cell["status"] == "failed"
    )
    words = tuple(key.replace("_", " ") for key in keys)
    tables = [
        Table("The run", ("what", "value"), tuple((key, _number(value)) for key, value in facts.items())),
        Table(
            "Networks and their test accuracy",
            ("role", "name", "class", "spiking", *(f"seed {seed}" for seed in audit["seeds"]), "at chance"),
            networks,
        ),
        Table("Cells: one attack on one target each", (*words, "variant"), done),
    ]
    if failed:
        tables.insert(0, Table("Cells that failed", (*words[:4], "variant", "error"), failed))
    return Section(
        "repeat",
        "Everything needed to repeat it",
        "The run, the networks, every attack and the config as it was run. Gradients are those that an attack "
        "spent on a class.",
        (f"{len(failed)} of {len(failed) + len(done)} cells failed; their errors come first.",) if failed else (),
        (Group(tables=tuple(tables)),),
    )


def _accuracies(audit: Audit, network: dict[str, Any]) -> tuple[Value, ...]:
    values = list(network["test_accuracy"])
    return tuple((values + [None] * len(audit["seeds"]))[: len(audit["seeds"])])


def _chance_seeds(audit: Audit, network: dict[str, Any]) -> str | None:
    """Return the seeds with which a network recognises test data no better than chance."""
    seeds = [seed for seed, blind in zip(audit["seeds"], network.get("at_chance", ()), strict=False) if blind]
    return f"seed {', '.join(map(str, seeds))}" if seeds else None


def _variant(cell: dict[str, Any]) -> str | None:
    if cell["surrogate"] is not None:
        arguments = ", ".join(f"{key}={value}" for key, value in cell["surrogate"].get("init_args", {}).items())
        return f"{cell['surrogate']['class_path'].rpartition('.')[2]}({arguments})"
    return f"{cell['sweep']['parameter']}={cell['sweep']['value']}" if cell["sweep"] is not None else None


def _number(value: Value) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash where there is no value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 0 < abs(value) < 0.001:
        return f"{value:.2g}"
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.3f}"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)


def _asset(name: str) -> str:
    return (files(__package__) / _TEMPLATES / name).read_text(encoding="utf-8")
