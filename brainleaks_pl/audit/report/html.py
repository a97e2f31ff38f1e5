"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import jinja2

from brainleaks_pl.audit.report.differences import differences
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Audit, Section
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import rating_page, rating_sheet
from brainleaks_pl.audit.report.repeat import repeat
from brainleaks_pl.audit.report.words import number
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.storage import write_text

FORMAT = "brainleaks_pl.audit/3"
"""The format of the audits that this report reads."""

_TEMPLATES = "templates"


class Drawn(Protocol):
    """A measure, as the report sees it: it draws its part from its summary."""

    def section(self, summary: Any, audit: Audit, looks: Looks, gallery: Gallery) -> Section | Sequence[Section] | None:
        """Return a section, several, or None."""


def render_report(audit: Audit, folder: Path, measures: Mapping[str, Drawn]) -> str:
    """Return the report of an audit as one page of HTML.

    Style, script and pictures are inside the page; nothing is fetched. All text is escaped, and characters that no page
    can show are replaced.

    Args:
        audit: the content of ``audit.json``.
        folder: the folder of ``audit.json``, which the cells' folders are relative to. A cell whose ``pictures.pt``
            is missing or damaged is shown without pictures.
        measures: the audit's measures by name, in the order of their sections. Where one fails, its section says so.

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
    sections = [part for name, measure in measures.items() for part in _sections(name, measure, audit, looks, gallery)]
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


def write_html(audit: Audit, folder: Path, measures: Mapping[str, Drawn]) -> None:
    """Write :func:`render_report` to ``folder/report.html``, atomically.

    Args:
        audit: the content of ``audit.json``.
        folder: its folder.
        measures: as :func:`render_report`.

    Raises:
        ValueError: as :func:`render_report`.
        OSError: when the file cannot be written.
    """
    write_text(folder / "report.html", render_report(audit, folder, measures))


def _sections(name: str, measure: Drawn, audit: Audit, looks: Looks, gallery: Gallery) -> Sequence[Section]:
    """Return the sections of a measure, or one that says what went wrong."""
    failed = [run["error"] for run in audit["runs"] if (run["measure"], run["seed"]) == (name, None)]
    if failed and name not in audit["measures"]:
        return [Section(name, name, "This could not be measured.", finding=failed[0])]
    try:
        found = measure.section(audit["measures"].get(name), audit, looks, gallery)
    except Exception as error:  # of whatever kind, the other sections are shown
        return [Section(name, name, "This section could not be drawn.", finding=error_words(error))]
    return [found] if isinstance(found, Section) else found or ()


def _printable(value: Any) -> Any:
    """Return plain values with all texts printable."""
    if isinstance(value, dict):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return printable(value) if isinstance(value, str) else value


def _asset(name: str) -> str:
    return (files(__package__) / _TEMPLATES / name).read_text(encoding="utf-8")
