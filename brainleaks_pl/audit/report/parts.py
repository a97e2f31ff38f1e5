"""The parts of a report's page, as plain values that the template lays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Audit = dict[str, Any]
"""The content of ``audit.json``."""
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Plot:
    """A plot, drawn once for each colour scheme.

    Args:
        light: data URI for dark ink on a light page.
        dark: the same for a dark page.
        alt: what it shows, for those who cannot see it.
        caption: the line below it.
        width: CSS pixels.
        height: CSS pixels.
    """

    light: str
    dark: str
    alt: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A picture or an animation.

    Args:
        uri: data URI.
        label: the word below it.
        alt: what it shows.
        width: CSS pixels.
        height: CSS pixels.
        still: for an animation, the data URI of its last picture, for those who asked for less motion.
    """

    uri: str
    label: str
    alt: str
    width: int
    height: int
    still: str | None = None


@dataclass(frozen=True)
class Strip:
    """Pictures that belong together, with a title and a line that says whose they are."""

    title: str
    detail: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Table:
    """A table that sorts by any column: ``rows`` hold plain values, None where there is none.

    Examples:
        ``None`` is an empty cell:

        >>> from brainleaks_pl.audit import Table
        >>> table = Table("Silent neurons", header=("target", "share"), rows=(("snn", 0.25), ("ann", None)))
        >>> len(table.rows)
        2
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Group:
    """A part of a section, under a heading of its own where it has a title.

    Examples:
        >>> from brainleaks_pl.audit import Group, Table
        >>> table = Table("Silent neurons", header=("target", "share"), rows=(("snn", 0.25),))
        >>> group = Group(title="Hidden layer", text="Asked about 1000 test samples.", tables=(table,))
        >>> group.tables[0].caption
        'Silent neurons'
    """

    title: str = ""
    text: str = ""
    plots: tuple[Plot, ...] = ()
    strips: tuple[Strip, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section of the page: what is seen and how to read it, remarks, the parts themselves, and what they say.

    Examples:
        What :meth:`Measure.section` returns:

        >>> from brainleaks_pl.audit import Group, Section, Table
        >>> table = Table("Silent neurons", header=("target", "share"), rows=(("snn", 0.25),))
        >>> section = Section(
        ...     key="silent",
        ...     title="Silent neurons",
        ...     lead="A neuron that never fires holds nothing of the data.",
        ...     groups=(Group(tables=(table,)),),
        ...     finding="A quarter of the neurons of snn is silent.",
        ... )
        >>> section.title, len(section.groups)
        ('Silent neurons', 1)
    """

    key: str
    title: str
    lead: str
    notes: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    finding: str = ""
