"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from brainleaks_pl.audit.report.agreement import agreement
from brainleaks_pl.audit.report.ceiling import ceiling
from brainleaks_pl.audit.report.control import control
from brainleaks_pl.audit.report.differences import differences
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.masking import masking
from brainleaks_pl.audit.report.members import members
from brainleaks_pl.audit.report.over_time import over_time
from brainleaks_pl.audit.report.parts import Audit
from brainleaks_pl.audit.report.people import people
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import rating_page, rating_sheet
from brainleaks_pl.audit.report.repeat import repeat
from brainleaks_pl.audit.report.scores import scores
from brainleaks_pl.audit.report.seen import reconstructions
from brainleaks_pl.audit.report.sweep import sweep
from brainleaks_pl.audit.report.words import number
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.storage import write_text

FORMAT = "brainleaks_pl.audit/2"
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
        control(audit),
        scores(audit, looks),
        members(audit, looks),
        *people(audit),
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
    environment.filters["number"] = number
    environment.filters["pretty"] = partial(json.dumps, indent=2, ensure_ascii=False)
    return environment.get_template("report.html.j2").render(
        audit=audit,
        differences=differences(audit, looks, gallery.class_name),
        sections=sections,
        rating=rating_page(rating_sheet(audit, gallery), gallery),
        repeat=repeat(audit),
        style=_asset("style.css"),
        script=_asset("sort.js") + _asset("rating.js"),
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


def _asset(name: str) -> str:
    return (files(__package__) / _TEMPLATES / name).read_text(encoding="utf-8")
