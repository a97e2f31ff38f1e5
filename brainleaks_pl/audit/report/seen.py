"""The section of reconstructions: the best, the median and the worst, chosen by rank and never by hand."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Strip
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.words import counted


def reconstructions(audit: Audit, gallery: Gallery) -> Section:
    """Show reconstructions of each target and attack next to the training images."""
    groups, confidences = [], []
    for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack"):
        ranked = _ranked(cells)
        if ranked:
            strips = tuple(
                _strip(gallery, word, *ranked[place], number=len(ranked))
                for word, place in _places(len(ranked)).items()
            )
            confidences += [confidence for confidence, _, _ in ranked]
            groups.append(Group(f"{attack} on {target}", strips=strips))
    notes = []
    if any(picture.still for group in groups for strip in group.strips for picture in strip.pictures):
        notes.append(
            "Animations show the spikes step by step: the reconstruction above, a training recording of the class "
            "below. On the right, all spikes so far are added up."
        )
    if audit["data"].get("simulated"):
        notes.append("The data are simulated.")
    if any(not strip.pictures for group in groups for strip in group.strips):
        notes.append("Some pictures are missing: their files were not found or could not be read.")
    return Section(
        "reconstructions",
        "Reconstructions",
        "First what the attack recovered of a class; then the mean of that class's training images, and the training "
        "image nearest to the reconstruction. Nothing is picked by hand: all seeds and classes are ranked by the "
        "judges' mean confidence, and the best, the median and the worst are shown.",
        tuple(notes),
        tuple(groups),
        f"The judges' mean confidence is at least .5 for {sum(value >= 0.5 for value in confidences)} of "
        f"{counted(len(confidences), 'reconstruction')}."
        if confidences
        else "There is no reconstruction to show.",
    )


def _ranked(cells: list[dict[str, Any]]) -> list[tuple[float, int, dict[str, Any]]]:
    """Return (confidence, class, cell) of every reconstruction, the best first; ties by seed, then class."""
    found = []
    for cell in cells:
        for index, label in enumerate(cell["classes"]):
            confidence = mean([judge["per_class"][index]["confidence"] for judge in cell["judges"].values()])
            if confidence is not None:
                found.append((confidence, int(label), cell))
    return sorted(found, key=lambda entry: (-entry[0], entry[2]["seed"], entry[1]))


def _places(count: int) -> dict[str, int]:
    """Return the ranks to show, of ``count`` from 0: of two there is no median, of one no worst."""
    if count < 3:
        return dict(zip(("best", "worst"), range(count), strict=False))
    return {"best": 0, "median": count // 2, "worst": count - 1}


def _strip(gallery: Gallery, word: str, confidence: float, label: int, cell: dict[str, Any], *, number: int) -> Strip:
    return Strip(
        f"{word} of {number}",
        f"{gallery.class_name(label)} · seed {cell['seed']} · confidence {confidence:.2f}",
        gallery.pictures(cell, label),
    )
